"""The proof of an export: the file's bytes must predict what the trainer predicts.

Rows replayed are all training rows and edge rows: missing and unseen values, extreme numbers, times, amounts of
money, and values exactly on the thresholds of the trees and next to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stockade.errors import ExportError
from stockade.model.inputs import Column as Values
from stockade.model.session import Model
from stockade.model.signature import FeatureKind
from stockade.train.encoding import Encoder
from stockade.train.problem import Floats, Form
from stockade.train.trees import Forest, Question
from stockade.types.scorecard import Task

TOLERANCE = 1e-12
"""Largest difference allowed: of a probability, or of a predicted number relative to its size."""

EDGE_ROWS = 4_000
"""Most edge rows."""

NUMBERS = (
    float("nan"), 0.0, -0.0, 1.0, -1.0, 0.1, 1e-35, 1e-36, -1e-36, 5e-324, 1e308, -1e308, float("inf"), float("-inf"),
    3.4e38, 16_777_217.0, 9_007_199_254_740_993.0, 1_700_000_000.0, 1_700_000_000.123, 1_763_683_199.999,
    123_456_789.01, 0.01, 1999.99,
)  # fmt: skip
"""Numbers that have broken exports: what float32 cannot tell apart, and the ends of the scale."""

WORDS = ("", "\N{SNOWMAN} never seen", " ", "0", "nan")
"""Words that a category may meet."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay measured.

    Attributes:
        rows: Rows compared.
        labels: Rows whose label differs; 0 where the export holds.
        difference: Largest difference.
    """

    rows: int
    labels: int
    difference: float


def replay(
    data: bytes,
    predict: Callable[[Mapping[str, Values]], Floats],
    columns: Mapping[str, Values],
    edges: Mapping[str, Values],
    spread: float = 1.0,
) -> Replayed:
    """Compare a model file with the trainer's own prediction.

    Args:
        data: The file.
        predict: The trainer's prediction from columns: probabilities ``[N, K]`` or numbers ``[N]``.
        columns: Training rows.
        edges: Further rows.
        spread: Size of a predicted number below which differences are not taken relative to the number itself.

    Raises:
        ExportError: a label differs, or a difference is larger than `TOLERANCE`.
    """
    model = Model(data)
    rows, labels, difference = 0, 0, 0.0
    for part in (columns, edges):
        wanted, found = predict(part), model.predict(part)
        if wanted.shape != found.shape:
            raise ExportError(f"the exported model gives {found.shape} values, where {wanted.shape} are expected")
        rows += len(wanted)
        difference = max(difference, _difference(wanted, found, spread))
        if model.signature.task is not Task.REGRESSION:
            labels += int(np.sum(np.argmax(wanted, axis=1) != np.argmax(found, axis=1)))
    if labels or not difference <= TOLERANCE:
        raise ExportError(
            f"the exported model differs from the trained one: {labels} of {rows:,} labels,"
            f" values by up to {difference:.3g}",
            where="export",
            remedy="The model was withheld. Please report this with the trainer and the kinds of the columns.",
        )
    return Replayed(rows, labels, difference)


def _difference(wanted: Floats, found: Floats, spread: float) -> float:
    if not len(wanted):
        return 0.0
    size = np.maximum(np.abs(wanted), spread) if wanted.ndim == 1 else 1.0
    with np.errstate(invalid="ignore"):
        gap = np.abs(wanted - found) / size
    return float(np.where(np.isnan(gap), np.inf, gap).max())


def edge_rows(encoder: Encoder, forms: Sequence[Form], columns: Mapping[str, Values], seed: int) -> dict[str, Values]:
    """Make edge rows: training rows with one value replaced, and rows with all values replaced at random."""
    random = np.random.default_rng(seed)
    probes = _probes(encoder, forms, random)
    names = [coding.feature.name for coding in encoder.codings]
    singles = sum(len(probe) for probe in probes)
    mixed = max(256, len(probes))
    picked = random.integers(len(columns[names[0]]), size=singles)
    edges: dict[str, Values] = {}
    start = 0
    for name, probe in zip(names, probes, strict=True):
        column = np.array(columns[name][picked])
        column[start : start + len(probe)] = probe
        start += len(probe)
        edges[name] = np.concatenate([column, probe[random.integers(len(probe), size=mixed)], probe[:1]])
    return edges


def _probes(encoder: Encoder, forms: Sequence[Form], random: np.random.Generator) -> list[npt.NDArray[np.generic]]:
    """Values to try for each feature; the first of each is the missing value."""
    thresholds: dict[int, set[float]] = {}
    for split in (split for form in forms if isinstance(form, Forest) for split in form.splits):
        if split.question is not Question.MEMBER:
            thresholds.setdefault(split.feature, set()).add(split.threshold)
    share = max(16, EDGE_ROWS // len(encoder.codings) - len(NUMBERS))
    probes: list[npt.NDArray[np.generic]] = []
    for index, coding in enumerate(encoder.codings):
        if coding.feature.kind is FeatureKind.CATEGORY:
            probe = np.empty(len(WORDS) + len(coding.words), dtype=object)
            probe[:] = [*WORDS, *coding.words]
            probes.append(probe)
            continue
        exact = np.array(sorted(thresholds.get(index, ())), dtype=np.float64)
        if len(exact) > share // 3:
            exact = random.choice(exact, size=share // 3, replace=False)
        near = [exact, np.nextafter(exact, -np.inf), np.nextafter(exact, np.inf)]
        probes.append(np.concatenate([np.array(NUMBERS), *near]))
    return probes
