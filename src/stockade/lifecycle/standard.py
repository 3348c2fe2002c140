"""The standard graph: which function makes which artifacts from which.

Artifacts share one namespace, as fixtures do in pytest: a step's parameter is fed by the artifact of its name. A
project's ``steps.py`` replaces a step by a function of the step's name, or adds one by any other name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from stockade.errors import ConfigError
from stockade.pipeline.custom import Function
from stockade.pipeline.graph import Graph, Limits, Step
from stockade.types.execution import Origin

PRELOAD = ("numpy", "polars", "onnxruntime", "lightgbm", "sklearn.ensemble", "sklearn.linear_model", "optuna", "onnx")
"""Libraries that the zygote imports once, so that no step pays for them."""

_STEPS = "stockade.lifecycle.steps"


@dataclass(frozen=True, slots=True)
class Design:
    """What the configuration decides about the graph.

    Attributes:
        source: The data file.
        schema: The committed schema file.
        parameters: Parameters of the standard steps by step name; a step without an entry has none.
        limits: What each step may use.
        secrets: Secret files by step name and parameter.
        custom: Functions of the project's own ``steps.py``.
        custom_file: That file.
        custom_parameters: Parameters of those functions by name; a function that replaces a step also gets those
            parameters of the step that it has a name for.
    """

    source: Path
    schema: Path
    parameters: Mapping[str, Mapping[str, Any]]
    limits: Limits
    secrets: Mapping[str, Mapping[str, Path]]
    custom: tuple[Function, ...] = ()
    custom_file: Path | None = None
    custom_parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Plan:
    """One standard step: artifacts in, artifacts out, and which output holds its results."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    results: str | None = None
    subject: str | None = None


_STANDARD = (
    _Plan("ingest", ("source",), ("raw", "damaged", "unreadable")),
    _Plan(
        "validate",
        ("raw", "damaged", "unreadable", "schema"),
        ("valid", "quarantine", "reasons", "rejections", "profile", "validation"),
        results="validation",
        subject="valid",
    ),
    _Plan("audit", ("valid", "schema"), ("suspects", "audit_results"), results="audit_results", subject="valid"),
    _Plan("clean", ("valid", "schema"), ("cleaned",)),
    _Plan("anonymise", ("cleaned", "schema"), ("anonymised", "layout")),
    _Plan("split", ("anonymised", "layout"), ("training", "folds", "testing")),
    _Plan("train", ("training", "folds", "layout"), ("model", "leaderboard", "plan")),
    _Plan(
        "assess",
        ("model", "training", "testing", "layout"),
        ("scorecard", "assessment"),
        results="assessment",
        subject="model",
    ),
    _Plan(
        "package",
        ("model", "training", "testing", "layout", "profile", "scorecard", "leaderboard", "plan"),
        ("card", "card_text", "bom"),
    ),
)
_OPTIONAL = frozenset({"leaderboard", "plan"})
"""Artifacts that a project's own trainer need not make; steps that take them cope without."""

STAGES = tuple(plan.name for plan in _STANDARD)
"""Names of the stages of a complete run, in order."""


def standard(design: Design) -> Graph:
    """Build the graph of a project.

    Raises:
        ConfigError: a custom function asks for an artifact that nothing makes.
    """
    steps = [_built_in(plan, design) for plan in _STANDARD]
    for function in design.custom:
        _place(steps, function, design)
    steps = _without_missing_options(steps)
    sources = {"source": design.source, "schema": design.schema}
    _check_inputs(steps, sources, design)
    return Graph(tuple(steps), sources)


def proposal(source: Path, parameters: Mapping[str, Mapping[str, Any]], limits: Limits) -> Graph:
    """Build the small graph that reads a source and proposes its schema, run once before there is one."""
    design = Design(source=source, schema=source, parameters=parameters, limits=limits, secrets={})
    plans = (_STANDARD[0], _Plan("infer", ("raw",), ("schema",)))
    return Graph(tuple(_built_in(plan, design) for plan in plans), {"source": source})


def _built_in(plan: _Plan, design: Design) -> Step:
    return Step(
        name=plan.name,
        call=f"{_STEPS}.{plan.name}:{plan.name}",
        inputs={name: name for name in plan.inputs},
        params=dict(design.parameters.get(plan.name, {})),
        outputs=plan.outputs,
        results=plan.results,
        subject=plan.subject,
        limits=design.limits,
        secrets=dict(design.secrets.get(plan.name, {})),
    )


def _place(steps: list[Step], function: Function, design: Design) -> None:
    """Replace the step of the function's name, or add the function as a step."""
    given = dict(design.custom_parameters.get(function.name, {}))
    position = next((index for index, step in enumerate(steps) if step.name == function.name), None)
    if position is None:
        outputs = function.fields or (function.name,)
        results = outputs[0] if function.returns.endswith("Results") else None
        steps.append(_custom(function, design, given, outputs, results, None))
        return
    original = steps[position]
    names = {parameter.name for parameter in function.parameters}
    given = {key: value for key, value in original.params.items() if key in names} | given
    outputs = function.fields or original.outputs[:1]
    results = original.results if original.results in outputs else None
    steps[position] = _custom(function, design, given, outputs, results, original.subject)


def _custom(  # noqa: PLR0917  (private, and each is a field of the step)
    function: Function,
    design: Design,
    given: Mapping[str, Any],
    outputs: tuple[str, ...],
    results: str | None,
    subject: str | None,
) -> Step:
    inputs = [item.name for item in function.parameters if item.required and item.name not in given]
    return Step(
        name=function.name,
        call=f"{design.custom_file}:{function.name}",
        inputs={name: name for name in inputs},
        params=given,
        outputs=outputs,
        origin=Origin.CUSTOM,
        results=results,
        subject=subject if results else None,
        limits=design.limits,
    )


def _without_missing_options(steps: list[Step]) -> list[Step]:
    made = {name for step in steps for name in step.outputs}
    return [
        replace(step, inputs={key: name for key, name in step.inputs.items() if name in made or name not in _OPTIONAL})
        for step in steps
    ]


def _check_inputs(steps: list[Step], sources: Mapping[str, Path], design: Design) -> None:
    made = {name for step in steps for name in step.outputs} | set(sources)
    for step in steps:
        for name in step.inputs.values():
            if name not in made:
                line = next((function.line for function in design.custom if function.name == step.name), 0)
                close = get_close_matches(name, made, n=1)
                meant = f"did you mean {close[0]!r}?" if close else f"artifacts are {', '.join(sorted(made))}."
                raise ConfigError(
                    f"step {step.name!r} takes {name!r}, which no step makes",
                    where=f"{design.custom_file}:{line}" if line else str(design.custom_file or ""),
                    remedy=f"{meant} A parameter gets its value below [steps.{step.name}] in stockade.toml",
                )
