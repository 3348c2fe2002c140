"""What the page says of the contenders and of the model: leaderboard, figures, curves and confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from markupsafe import Markup

from stockade.report import strips
from stockade.report.caps import Caps, rest, thin
from stockade.report.charts import Drawn, Plane, Series, chart
from stockade.report.content import Report
from stockade.report.svg import Scale, span, unit
from stockade.report.wording import clean, interval, metric, number, percent, plural, seconds, spread, whole
from stockade.types.results import Figure
from stockade.types.scorecard import Candidate, Curve, Scorecard, Task

_APART = ("baseline.", "tpr_gap.", "fpr_gap.", "selection_gap.", "accuracy_gap.", "mae_gap.", "slice.", "robustness.",
          "membership.")  # fmt: skip
_HEADLINE = {
    Task.BINARY: ("auc", "accuracy", "precision", "recall", "f1", "average_precision"),
    Task.MULTICLASS: ("accuracy", "balanced_accuracy", "f1", "auc", "log_loss"),
    Task.REGRESSION: ("mae", "rmse", "r2", "median_absolute_error"),
}
_TONES = ("one", "two", "three", "four")


@dataclass(frozen=True, slots=True)
class CandidateView:
    """One line of the leaderboard."""

    rank: int
    name: str
    chosen: bool
    strip: Markup
    mean: str
    deviation: str
    seconds: str
    note: str
    parameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class LeaderboardView:
    """Who competed, on one scale."""

    metric: str
    better: str
    folds: int
    axis: Markup
    candidates: tuple[CandidateView, ...]
    rest: str


def leaderboard(report: Report, caps: Caps) -> LeaderboardView | None:
    """Draw the folds of every contender on one scale."""
    board = report.leaderboard
    if board is None or not board.candidates:
        return None
    shown = board.candidates[: caps.candidates]
    scale = _common([[*one.scores[: caps.folds], one.mean] for one in shown])
    views = []
    for rank, one in enumerate(shown, start=1):
        strip = strips.folds(scale, one.scores[: caps.folds], one.mean, chosen=one.chosen)
        views.append(_candidate(rank, one, strip, caps))
    return LeaderboardView(
        metric=metric(board.metric),
        better="higher is better" if board.maximize else "lower is better",
        folds=max((len(one.scores) for one in shown), default=0),
        axis=strips.axis(scale),
        candidates=tuple(views),
        rest=rest(len(board.candidates), len(shown), "contender"),
    )


def _common(scores: Sequence[Sequence[float]]) -> Scale:
    """Fit a scale to the contenders, best first, and leave out of it those far below, who would squeeze all others."""
    kept = list(scores)
    while len(kept) > 2 and _range(kept[:-1]) < 0.2 * _range(kept):
        kept.pop()
    flat = [score for one in kept for score in one]
    return span(flat, within=(0.0, 1.0) if unit(flat) else None)


def _range(scores: Sequence[Sequence[float]]) -> float:
    flat = [score for one in scores for score in one if math.isfinite(score)]
    return max(flat) - min(flat) if flat else 0.0


def _candidate(rank: int, one: Candidate, strip: Markup, caps: Caps) -> CandidateView:
    parameters = tuple((clean(name, 40), clean(value, 60)) for name, value in one.parameters[: caps.groups])
    return CandidateView(
        rank=rank,
        name=one.name,
        chosen=one.chosen,
        strip=strip,
        mean=number(one.mean),
        deviation=spread(one.deviation, one.mean),
        seconds=seconds(one.seconds),
        note=one.note,
        parameters=parameters,
    )


@dataclass(frozen=True, slots=True)
class FigureView:
    """One measured quantity."""

    label: str
    value: str
    interval: str
    baseline: str


@dataclass(frozen=True, slots=True)
class ChartView:
    """A drawing with a title, a remark and a legend of tones and words."""

    title: str
    remark: str
    drawing: Markup
    legend: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ConfusionView:
    """A confusion matrix: each cell with its level of shading, its count and its share of the true class."""

    classes: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[int, str, str], ...]], ...]
    worst: tuple[tuple[str, str, str], ...]
    small: bool


@dataclass(frozen=True, slots=True)
class ScoreView:
    """What the exported bytes achieve on the test rows."""

    rows: str
    tiles: tuple[FigureView, ...]
    figures: tuple[FigureView, ...]
    charts: tuple[ChartView, ...]
    confusion: ConfusionView | None
    span: int
    notes: tuple[str, ...]


def scores(report: Report, caps: Caps) -> ScoreView | None:
    """Show figures with intervals beside the baseline's, and the curves of the task."""
    card = report.scorecard
    if card is None:
        return None
    named = {figure.name: figure for figure in card.figures}
    plain = [
        figure for figure in card.figures if not figure.name.startswith(_APART) and "generalisation" not in figure.name
    ]
    plain = plain[: caps.figures]
    order = (card.metric, *(name for name in _HEADLINE[card.task] if name != card.metric))
    tiles = [_figure(named[name], named) for name in order if name in named][:4]
    charts = tuple(view for view in _charts(card, caps) if view.drawing)
    confusion = _confusion(card, caps)
    return ScoreView(
        rows=plural(card.rows, "test row"),
        tiles=tuple(tiles),
        figures=tuple(_figure(figure, named) for figure in plain),
        charts=charts,
        confusion=confusion,
        # The table of figures fills what the last row of three charts leaves free.
        span=3 - (len(charts) + (confusion is not None)) % 3,
        notes=card.notes[: caps.pairs],
    )


def _figure(figure: Figure, named: dict[str, Figure]) -> FigureView:
    base = named.get(f"baseline.{figure.name}")
    around = interval(figure.low, figure.high)
    return FigureView(metric(figure.name), number(figure.value), around, number(base.value) if base else "")


def _charts(card: Scorecard, caps: Caps) -> list[ChartView]:
    by_name: dict[str, list[Curve]] = {}
    for curve in card.curves:
        if curve.x and curve.y:
            by_name.setdefault(curve.name, []).append(curve)
    drawn = {"roc": _roc, "precision_recall": _precision_recall, "calibration": _calibration, "residuals": _residuals}
    ordered = [name for name in drawn if name in by_name] + [name for name in by_name if name not in drawn][:4]
    return [drawn.get(name, _other)(by_name[name], card, caps) for name in ordered]


def _series(
    curves: Sequence[Curve], caps: Caps, drawn: Drawn, area: Sequence[float]
) -> tuple[list[Series], tuple[tuple[str, str], ...]]:
    """Give every line a tone while there are as many tones; beyond that set off the worst from all others."""
    shown = list(zip(curves, area, strict=True))[: caps.curves]
    words = [f"{clean(curve.label, 40)} ({number(size)})" for curve, size in shown]
    if len(shown) <= len(_TONES):
        series = [_line(curve, caps, drawn, tone) for (curve, _), tone in zip(shown, _TONES, strict=False)]
        legend = tuple(zip(_TONES, words, strict=False)) if len(shown) > 1 else ()
        return series, legend
    worst = min(range(len(shown)), key=lambda index: shown[index][1])
    best = max(range(len(shown)), key=lambda index: shown[index][1])
    series = [_line(curve, caps, drawn, "strong", faint=True) for curve, _ in shown]
    series += [_line(shown[index][0], caps, drawn, tone) for index, tone in ((best, "one"), (worst, "two"))]
    others = rest(len(curves), 2, "class", "classes")
    return series, (("one", f"best: {words[best]}"), ("two", f"worst: {words[worst]}"), ("strong", others))


def _line(curve: Curve, caps: Caps, drawn: Drawn, tone: str, *, faint: bool = False) -> Series:
    kept = thin(range(min(len(curve.x), len(curve.y))), caps.points)
    weight = tuple(curve.weight[index] for index in kept) if len(curve.weight) == len(curve.x) else ()
    x, y = tuple(curve.x[index] for index in kept), tuple(curve.y[index] for index in kept)
    return Series(curve.label, x, y, drawn, tone, weight, faint)


def area(curve: Curve) -> float:
    """Area under a curve whose abscissae rise or fall, by trapezia; its first height holds from 0 on."""
    pairs = list(zip(curve.x, curve.y, strict=False))
    start = min(pairs, default=(0.0, 0.0))
    return start[0] * start[1] + abs(sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(pairs)))


def _value(card: Scorecard, name: str) -> str:
    figure = next((figure for figure in card.figures if figure.name == name), None)
    if figure is None:
        return ""
    around = interval(figure.low, figure.high)
    return f"{metric(name)} {number(figure.value)}" + (f", {around}" if around else "")


def _roc(curves: Sequence[Curve], card: Scorecard, caps: Caps) -> ChartView:
    series, legend = _series(curves, caps, Drawn.LINE, [area(curve) for curve in curves])
    remark = _value(card, "auc")
    plane = Plane(f"ROC curve. {remark}", "false-positive rate", "true-positive rate", reference="diagonal")
    return ChartView("Receiver operating characteristic", remark, chart(plane, series), legend)


def _precision_recall(curves: Sequence[Curve], card: Scorecard, caps: Caps) -> ChartView:
    series, legend = _series(curves, caps, Drawn.STEP, [area(curve) for curve in curves])
    remark = _value(card, "average_precision")
    positives = sum(card.confusion[1]) if card.task is Task.BINARY and len(card.confusion) == 2 else 0
    total = sum(map(sum, card.confusion))
    level = positives / total if positives else 0.0
    plane = Plane(
        f"Precision against recall. {remark}", "recall", "precision", reference="level" if level else "", level=level
    )
    if level:
        legend = (*legend, ("dash", f"guessing: {percent(positives, total)} are positive"))
    return ChartView("Precision and recall", remark, chart(plane, series), legend)


def _calibration(curves: Sequence[Curve], card: Scorecard, caps: Caps) -> ChartView:
    if card.task is Task.REGRESSION:
        series = [_line(curve, caps, Drawn.LINE, tone) for curve, tone in zip(curves, _TONES, strict=False)]
        plane = Plane("Mean truth against prediction", "predicted", "observed", None, None, "diagonal")
        return ChartView("Prediction and truth", "", chart(plane, series), (("dash", "perfect"),))
    remark = _value(card, "ece")
    across, up = "predicted probability", "observed share"
    plane = Plane(f"Observed share against predicted probability. {remark}", across, up, reference="diagonal")
    if len(curves) == 1:
        series = [_line(curves[0], caps, Drawn.DOTS, "one")]
        weight = series[0].weight
        # Bins of equal weight say nothing by their height.
        heavy = bool(weight) and max(weight) > 1.5 * min(weight)
        series = series if heavy else [replace(series[0], bars=False)]
        words = (("dash", "perfect"), ("foot", "test rows in each bin")) if heavy else (("dash", "perfect"),)
        return ChartView("Calibration", remark, chart(plane, series), words)
    errors = [-_miscalibration(curve) for curve in curves]
    series, legend = _series(curves, caps, Drawn.LINE, errors)
    # The number beside a class would be its error with the sign turned; the name is enough.
    legend = tuple((tone, word.rpartition(" ")[0] if tone != "strong" else word) for tone, word in legend)
    return ChartView("Calibration", remark, chart(plane, series), legend)


def _miscalibration(curve: Curve) -> float:
    weight = curve.weight if len(curve.weight) == len(curve.x) else (1,) * len(curve.x)
    total = sum(weight) or 1
    return sum(w * abs(x - y) for x, y, w in zip(curve.x, curve.y, weight, strict=False)) / total


def _residuals(curves: Sequence[Curve], card: Scorecard, caps: Caps) -> ChartView:
    series = [_line(curve, caps, Drawn.SCATTER, tone) for curve, tone in zip(curves, _TONES, strict=False)]
    remark = _value(card, "mae")
    plane = Plane(f"Residuals against prediction. {remark}", "predicted", "truth minus prediction", None, None, "level")
    return ChartView("Residuals", remark, chart(plane, series), (("dash", "no error"),))


def _other(curves: Sequence[Curve], _card: Scorecard, caps: Caps) -> ChartView:
    name = clean(curves[0].name.replace("_", " "), caps.name)
    diagonal = {"predicted_truth", "prediction_truth"}
    drawn = Drawn.SCATTER if curves[0].name in diagonal else Drawn.LINE
    series = [_line(curve, caps, drawn, tone) for curve, tone in zip(curves, _TONES, strict=False)]
    reference = "diagonal" if curves[0].name in diagonal else ""
    words = ("truth", "predicted") if reference else ("", "")
    plane = Plane(name, *words, None, None, reference)
    legend = tuple((one.tone, clean(one.label, 40)) for one in series) if len(series) > 1 else ()
    return ChartView(name.capitalize(), "", chart(plane, series), legend)


def _confusion(card: Scorecard, caps: Caps) -> ConfusionView | None:
    matrix = card.confusion
    size = len(matrix)
    if size < 2 or any(len(row) != size for row in matrix):
        return None
    names = (
        tuple(clean(name, 24) for name in card.classes) if len(card.classes) == size else tuple(map(str, range(size)))
    )
    worst = _worst(matrix, names) if size > 2 else ()
    if size > caps.classes:
        return ConfusionView((), (), worst, small=True)
    rows = tuple(
        (name, tuple((_level(count, sum(row)), whole(count), percent(count, sum(row))) for count in row))
        for name, row in zip(names, matrix, strict=True)
    )
    return ConfusionView(names, rows, worst, small=size > 4)


def _level(count: int, total: int) -> int:
    return min(7, int(8 * count / total)) if total > 0 and count > 0 else 0


def _worst(matrix: Sequence[Sequence[int]], names: Sequence[str]) -> tuple[tuple[str, str, str], ...]:
    """Name the five confusions that hit the largest share of a true class."""
    wrong = [
        (count / sum(row), names[true], names[predicted], f"{whole(count)} of {whole(sum(row))}")
        for true, row in enumerate(matrix)
        for predicted, count in enumerate(row)
        if true != predicted and count > 0 and sum(row) > 0
    ]
    return tuple((true, predicted, words) for _, true, predicted, words in sorted(wrong, reverse=True)[:5])
