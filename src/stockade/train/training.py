"""Training: a table, its folds and a schema to one model file, with the plan that made it.

    trained = train(table, folds, schema, Settings(trials=20))
    Path("model.onnx").write_bytes(trained.model)
    assert refit(table, schema, trained.plan) == trained.model

The final fit is always made from the plan, by the same function that makes it again later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from stockade.errors import DataError, TargetError, TooFewRowsError
from stockade.model.inputs import Column as Values
from stockade.model.inputs import from_table, numbers, texts
from stockade.model.signature import ModelSignature
from stockade.schema.column import Schema
from stockade.train.blend import FittedBlend
from stockade.train.calibration import Calibration, choose
from stockade.train.contest import FITTERS, Contest, Entry, Progress, Scale, leaderboard, out_of_fold
from stockade.train.effort import within_reach
from stockade.train.encoding import Encoder, signature_of
from stockade.train.problem import Floats, Problem, Round
from stockade.train.replay import edge_rows, replay
from stockade.train.settings import Settings
from stockade.train.writer import Blueprint, write
from stockade.types.digest import Digest
from stockade.types.scorecard import Leaderboard, Task

PLAN_VERSION = 1
"""Version of the plan's format."""


LEAST_HISTORY = 0.4
"""Share of the rows that an ordered round must train on to count."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What training gives.

    Attributes:
        model: The ONNX file.
        leaderboard: All contenders, best first. The chosen one is the first, but for rows ordered in time, where a
            blend is preferred to a searched model that is a little better.
        plan: Plain values from which `refit` makes the same file again: trainers, parameters, iterations,
            seed, calibration, and the digest of the folds.
        out_of_fold: Calibrated held-out predictions of the chosen contender for each row of the table: float64
            ``[N, K]`` probabilities or ``[N]`` numbers; NaN for rows that were never held out.
    """

    model: bytes
    leaderboard: Leaderboard
    plan: Mapping[str, Any]
    out_of_fold: Floats


@dataclass(frozen=True, slots=True)
class _Data:
    """A table made ready."""

    signature: ModelSignature
    columns: Mapping[str, Values]
    encoder: Encoder
    problem: Problem
    scale: Scale


def train(table: pl.DataFrame, folds: npt.NDArray[Any], schema: Schema, settings: Settings) -> Trained:
    """Train, choose, calibrate and export.

    Args:
        table: Features and target; other columns are left alone.
        folds: Fold of each row ``[N]``; rows with a negative number are not used at all.
        schema: Says which columns are features, which is the target, and the task.
        settings: How to train.

    Raises:
        DataError: a column is missing or of another kind, the target is unusable, or there are too few rows.
        ExportError: the exported file does not reproduce the trained model.
    """
    used = np.asarray(folds) >= 0
    with threadpool_limits(limits=1):
        data = _prepare(table.filter(pl.Series(used)), np.asarray(folds)[used], schema, settings)
        data = replace(data, problem=within_reach(data.problem))
        metric = settings.metric_for(data.problem.task)
        progress = _reporter()
        entries = Contest(data.problem, data.scale, metric, progress).run(settings)
        best = entries[0]
        raw, number = out_of_fold(data.problem, best.validation)
        held = number >= 0
        calibration = choose(
            settings.calibration,
            data.problem.task,
            raw[held],
            data.problem.target[held],
            number[held].astype(np.intp),
            ordered=settings.time_ordered,
        )
        plan = _plan(data, best, calibration, settings, Digest.of(np.asarray(folds).astype("<i8").tobytes()))
        model = _finish(data, plan, progress)
    output = np.full((len(table), *(data.signature.classes and (len(data.signature.classes),))), np.nan)
    place = np.flatnonzero(used)[held]
    output[place] = _output(data, calibration, raw[held])
    return Trained(model, leaderboard(metric, entries), plan, output)


def refit(table: pl.DataFrame, schema: Schema, plan: Mapping[str, Any]) -> bytes:
    """Make the final fit and its export again from a plan; the same rows in the same order give the same bytes.

    Args:
        table: The rows that `train` used (those with a fold number of at least 0).
        schema: As given to `train`.
        plan: `Trained.plan`.

    Raises:
        DataError: the table does not fit the plan.
        ExportError: the exported file does not reproduce the trained model.
    """
    if plan.get("version") != PLAN_VERSION or plan.get("rows") != len(table):
        raise DataError(
            f"the plan is of version {plan.get('version')} for {plan.get('rows')} rows, the table has {len(table)}",
            where="plan",
            remedy="Give the very rows that the plan was made on.",
        )
    with threadpool_limits(limits=1):
        data = _prepare(table, np.zeros(0), schema, Settings(seed=int(plan["seed"])))
        return _finish(data, plan, lambda _done, _total, _text: None)


def _prepare(table: pl.DataFrame, folds: npt.NDArray[Any], schema: Schema, settings: Settings) -> _Data:
    signature = signature_of(schema)
    columns = from_table(table, signature)
    encoder = Encoder.fit(signature, columns)
    target, scale = _target(table, signature)
    problem = Problem(
        task=signature.task,
        matrix=encoder.encode(columns),
        target=target,
        classes=len(signature.classes),
        categorical=encoder.categorical,
        rounds=_rounds(folds, target, len(signature.classes), ordered=settings.time_ordered) if len(folds) else (),
        seed=settings.seed,
        threads=settings.threads,
    )
    return _Data(signature, columns, encoder, problem, scale)


def _target(table: pl.DataFrame, signature: ModelSignature) -> tuple[Floats, Scale]:
    """Read the target as class indices, or as numbers with mean 0 and deviation 1.

    LightGBM holds labels in single precision, so large numbers would lose their digits if they were not standardised.
    """
    name = signature.target
    if name not in table.columns:
        raise TargetError("the table has no such column", where=f"column {name}", remedy="Name another target.")
    if signature.task is Task.REGRESSION:
        values = numbers(table.get_column(name))
        if not len(values) or not np.isfinite(values).all() or values.min() == values.max():
            raise TargetError(
                "the target is empty, constant, or has missing or infinite values",
                where=f"column {name}",
                remedy="Remove such rows, or name another target.",
            )
        centre = float(values.mean())
        scale = Scale(centre, float((values - centre).std()))
        return (values - centre) / scale.spread, scale
    places = {word: float(place) for place, word in enumerate(signature.classes)}
    words = texts(table.get_column(name))
    target = np.array([places.get(word, np.nan) for word in words])
    counts = np.bincount(target[~np.isnan(target)].astype(np.intp), minlength=len(signature.classes))
    if np.isnan(target).any() or not counts.all():
        word = next((str(w) for w in words if w not in places), "")
        reason = (
            f"{word!r} is not among the schema's classes"
            if np.isnan(target).any()
            else f"no training row is of class {signature.classes[int(np.argmin(counts))]!r}"
        )
        raise TargetError(reason, where=f"column {name}", remedy="Correct the classes of the schema, or the rows.")
    return target, Scale()


def _rounds(folds: npt.NDArray[Any], target: Floats, classes: int, *, ordered: bool) -> tuple[Round, ...]:
    """List the rounds.

    A round whose training rows lack a class is left out, since nothing can be learnt of it. So are ordered rounds that
    train on less than `LEAST_HISTORY` of the rows, where two others are left: what is best on little history is not
    what is best on all of it.
    """
    rounds: list[Round] = []
    for fold in np.unique(folds)[int(ordered) :]:
        train = np.flatnonzero(folds < fold) if ordered else np.flatnonzero(folds != fold)
        held = np.flatnonzero(folds == fold)
        if len(train) and (not classes or len(np.unique(target[train])) == classes):
            rounds.append(Round(train, held))
    if not rounds:
        raise TooFewRowsError(
            "no fold leaves rows of every class to train on",
            where="folds",
            remedy="Give more rows, fewer folds, or merge rare classes.",
        )
    if ordered:
        enough = [part for part in rounds if len(part.train) >= LEAST_HISTORY * len(target)]
        rounds = enough if len(enough) >= 2 else rounds[-2:]
    return tuple(rounds)


def _plan(data: _Data, best: Entry, calibration: Calibration, settings: Settings, folds: Digest) -> dict[str, Any]:
    return {
        "version": PLAN_VERSION,
        "task": data.problem.task.value,
        "metric": settings.metric_for(data.problem.task),
        "rows": len(data.problem.target),
        "seed": settings.seed,
        "folds": {
            "rounds": len(data.problem.rounds),
            "ordered": settings.time_ordered,
            "digest": str(folds),
        },
        "chosen": best.id,
        "members": [
            {"trainer": member.trainer, "parameters": dict(member.parameters), "iterations": member.iterations}
            for member in best.members
        ],
        "calibration": calibration.to_plain(),
        "search": {"trials": settings.trials, "trainers": list(settings.trainers)},
    }


def _finish(data: _Data, plan: Mapping[str, Any], progress: Progress) -> bytes:
    """Fit on all rows as the plan says, write the file, and prove it."""
    progress(98, 100, "fitting on all rows")
    calibration = Calibration.from_plain(plan["calibration"])
    fitted = FittedBlend(
        tuple(
            FITTERS[member["trainer"]]().fit(data.problem, dict(member["parameters"]), int(member["iterations"]))
            for member in plan["members"]
        )
    )
    forms = fitted.forms()
    progress(99, 100, "exporting and replaying")
    model = write(Blueprint(data.signature, data.encoder, forms, calibration, data.scale.centre, data.scale.spread))
    edges = edge_rows(data.encoder, forms, data.columns, data.problem.seed)
    replay(model, partial(_predict, data, fitted, calibration), data.columns, edges, data.scale.spread)
    progress(100, 100, "exported and replayed")
    return model


def _predict(data: _Data, fitted: FittedBlend, calibration: Calibration, columns: Mapping[str, Values]) -> Floats:
    return _output(data, calibration, fitted.raw(data.encoder.encode(columns)))


def _output(data: _Data, calibration: Calibration, raw: Floats) -> Floats:
    if data.problem.task is Task.REGRESSION:
        return raw[:, 0] * data.scale.spread + data.scale.centre
    return calibration.apply(raw)


def _reporter() -> Progress:
    """Progress to the engine, as a share of one hundred that never falls."""
    from stockade.types.progress import report

    def progress(done: int, total: int, text: str) -> None:
        report(done, total, text)

    return progress
