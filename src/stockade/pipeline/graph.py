"""What to run: steps, the artifacts between them, and the files they start from.

    graph = Graph(
        steps=(Step("ingest", "stockade.data.read:ingest", inputs={"file": "people"}, outputs=("rows",)),),
        sources={"people": Path("people.csv")},
    )

Artifacts have one namespace: sources and outputs of all steps. A step's function gets its inputs by parameter name.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stockade.errors import ConfigError
from stockade.types.execution import Origin

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_CALL = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_OWN = "stockade."


@dataclass(frozen=True, slots=True)
class Limits:
    """What a step may use before it is ended.

    Attributes:
        memory_bytes: Private memory of its process.
        seconds: Wall-clock time.
        output_bytes: All it writes, and the size of any one file.
        threads: Threads of all its processes.
        processes: Processes it may have besides its own; 0 forbids to start any.
    """

    memory_bytes: int = 4 << 30
    seconds: float = 3600.0
    output_bytes: int = 8 << 30
    threads: int = 512
    processes: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One unit of work.

    Attributes:
        name: Unique in its graph.
        call: ``package.module:function``, or ``/abs/steps.py:function`` for a file of the user's.
        inputs: Parameter of the function, and the artifact it gets.
        params: Further parameters: JSON values.
        outputs: Names of the artifacts it returns, in order.
        origin: Who wrote it; only functions of this package are built in.
        results: The output that holds `types.results.Results`, attested as a Test Result.
        subject: The input or output that those results speak of; the results themselves when None.
        limits: What it may use.
        secrets: Parameter of the function, and a file it may read that enters neither key nor statement.
    """

    name: str
    call: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    origin: Origin = Origin.BUILT_IN
    results: str | None = None
    subject: str | None = None
    limits: Limits = Limits()
    secrets: Mapping[str, Path] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """The module or file of the function."""
        return self.call.rpartition(":")[0]

    @property
    def function(self) -> str:
        """The name of the function."""
        return self.call.rpartition(":")[2]

    @property
    def is_file(self) -> bool:
        """Whether the function stands in a file of its own rather than in an importable module."""
        return self.place.startswith("/")


@dataclass(frozen=True, slots=True)
class Graph:
    """Steps and sources that fit together.

    Raises:
        ConfigError: a name is malformed or taken, an input is made by no step, steps wait for each other in a circle,
            or a step that is not of this package claims to be built in.
    """

    steps: tuple[Step, ...]
    sources: Mapping[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        makers: dict[str, str] = {}
        for artifact in self.sources:
            _claim(makers, artifact, "a source")
        seen: set[str] = set()
        for step in self.steps:
            _check_step(step)
            if step.name in seen:
                raise ConfigError(f"two steps are called {step.name!r}", where=step.name)
            seen.add(step.name)
            for output in step.outputs:
                _claim(makers, output, f"step {step.name!r}")
        for step in self.steps:
            for artifact in step.inputs.values():
                if artifact not in makers:
                    raise ConfigError(f"no step and no source makes the artifact {artifact!r}", where=step.name)
        self.ordered()

    def ordered(self) -> tuple[Step, ...]:
        """The steps so that each comes after those it needs, otherwise in the order given."""
        ready = set(self.sources)
        left = list(self.steps)
        order: list[Step] = []
        while left:
            step = next((item for item in left if set(item.inputs.values()) <= ready), None)
            if step is None:
                names = ", ".join(item.name for item in left)
                raise ConfigError(
                    f"these steps wait for each other in a circle: {names}",
                    where=f"step {left[0].name!r}",
                    remedy="let one of them do without what the others make",
                )
            left.remove(step)
            order.append(step)
            ready.update(step.outputs)
        return tuple(order)


def _claim(makers: dict[str, str], artifact: str, maker: str) -> None:
    if not _NAME.fullmatch(artifact):
        raise ConfigError(
            f"{artifact!r} is not a name for an artifact",
            where=maker,
            remedy="use lower-case letters, digits, dots, dashes and underscores, at most 64",
        )
    if artifact in makers:
        raise ConfigError(f"{makers[artifact]} and {maker} both make the artifact {artifact!r}", where=artifact)
    makers[artifact] = maker


def _check_step(step: Step) -> None:
    if not _NAME.fullmatch(step.name):
        raise ConfigError(f"{step.name!r} is not a name for a step", where=step.name)
    if not step.function.isidentifier() or not (step.is_file or _CALL.fullmatch(step.place)):
        raise ConfigError(
            f"{step.call!r} names no function",
            where=step.name,
            remedy="write 'package.module:function' or '/absolute/steps.py:function'",
        )
    if step.origin is Origin.BUILT_IN and not step.place.startswith(_OWN):
        raise ConfigError("only a function of the stockade package is built in", where=step.name)
    parameters = [*step.inputs, *step.params, *step.secrets]
    for parameter in parameters:
        if not parameter.isidentifier() or keyword.iskeyword(parameter) or parameters.count(parameter) > 1:
            raise ConfigError(f"{parameter!r} is no parameter, or is given twice", where=step.name)
    if not step.outputs:
        raise ConfigError("a step has at least one output: there is no output to attest", where=step.name)
    if step.subject is not None and step.subject not in {*step.inputs.values(), *step.outputs}:
        raise ConfigError(f"its results speak of {step.subject!r}, which it neither reads nor makes", where=step.name)
    if step.results is not None and step.results not in step.outputs:
        raise ConfigError(f"the results {step.results!r} are not among its outputs", where=step.name)
