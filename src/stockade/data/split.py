"""Give each row its fold, so that what is held out is honestly unseen.

    folds = split(valid, schema, folds=5, test_share=0.2, seed=7)
    # Int8 series "fold": -1 for the test rows, else the fold; `stockade.schema.folds.rounds` says who trains on what

Equal feature rows share a fold unless they are equal by chance (`stockade.data.rowhash.case_hashes`), and so do equal
values of the group column; classes, or tenths of a numeric target, are spread evenly. With a time column rows are cut
into consecutive blocks, the last is the test, and equal moments are never torn apart; time goes before group. The
result depends on the rows' content and the seed, not on their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from stockade.data.rowhash import case_hashes, mix, row_hashes
from stockade.errors import TargetError, TooFewRowsError
from stockade.schema.column import Role, Schema
from stockade.schema.folds import FOLD, TEST

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST_PER_PART = 3
_TARGET_BINS = 10
_FEW_REMEDY = "bring more rows, or set fewer folds, such as folds = 2 below [train]"
_RARE_REMEDY = (
    "bring more rows of that class, merge classes, set folds = 2 below [train], "
    "or take the class out of the categories in schema.toml, which sets its rows aside"
)


def split(table: pl.DataFrame, schema: Schema, *, folds: int = 5, test_share: float = 0.2, seed: int = 0) -> pl.Series:
    """Assign folds to the rows of a validated table.

    Args:
        table: Rows as `stockade.data.validate.validate` returns them.
        schema: Their schema, with a target.
        folds: Rounds of cross-validation, 2 to 100 (1 or more where rows are ordered in time).
        test_share: Share of rows kept for assessment, above 0 and at most 0.5; met as closely as shared folds allow.
        seed: Any integer; another seed gives other folds, except in time order.

    Raises:
        stockade.errors.TooFewRowsError: a fold or the test would be left without rows, or without one of the classes.
        stockade.errors.TargetError: the schema has no target.
        ValueError: a parameter is out of its range.
    """
    if not (1 if schema.ordered else 2) <= folds <= 100 or not 0 < test_share <= 0.5:
        raise ValueError(f"folds={folds} or test_share={test_share} is out of range")
    if not schema.target:
        raise TargetError("the schema names no target", remedy="add target, task and a column of role target to it")
    least = _LEAST_PER_PART * (folds + 2)
    if table.height < least:
        message = f"{table.height} rows are too few for {folds} folds and a test; {least} are the least"
        raise TooFewRowsError(message, remedy=_FEW_REMEDY)
    if schema.ordered:
        assigned = _by_time(table, schema, folds, test_share)
    else:
        assigned = _by_content(table, schema, folds, test_share, seed)
    return pl.Series(FOLD, assigned, dtype=pl.Int8)


def shares(folds: Sequence[int], test_share: float) -> NDArray[np.float64]:
    """Share of rows that each part is meant to have: the test first, then the folds."""
    return np.array([test_share, *([(1 - test_share) / len(folds)] * len(folds))])


def _by_time(table: pl.DataFrame, schema: Schema, folds: int, test_share: float) -> NDArray[np.int8]:
    (time,) = schema.with_role(Role.TIME)
    moments = table[time.name]
    if moments.null_count():
        message = f"{moments.null_count()} rows have no value of the time column {time.name!r}"
        raise TooFewRowsError(message, remedy="correct the source, or give the column another role")
    ranks = (moments.rank("dense") - 1).to_numpy().astype(np.int64)
    before = np.cumsum(np.bincount(ranks)) / table.height
    ends = np.cumsum(shares(range(folds + 1), test_share)[1:])
    # A moment belongs to the block in which its middle lies, so that blocks differ by half a moment at most.
    middle = (before + np.concatenate(([0.0], before[:-1]))) / 2
    block = np.searchsorted(ends, middle, side="right")
    counts = np.bincount(block[ranks], minlength=folds + 2)
    if counts.min() < 1:
        message = f"{before.size} different moments are too few for {folds + 1} blocks and a test"
        raise TooFewRowsError(message, remedy="use fewer folds, or a finer time column")
    assigned: NDArray[np.int8] = np.where(block > folds, TEST, block)[ranks].astype(np.int8)
    return assigned


def _by_content(table: pl.DataFrame, schema: Schema, folds: int, test_share: float, seed: int) -> NDArray[np.int8]:
    unit, order = _units(table, schema, seed)
    strata = _strata(table[schema.target], schema, folds)
    count = int(strata.max()) + 1
    sizes = np.zeros((order.size, count), dtype=np.int64)
    np.add.at(sizes, (unit, strata), 1)
    _check_classes(sizes, schema, folds)
    quota = np.outer(shares(range(folds), test_share), sizes.sum(axis=0))
    parts = _deal(sizes, order, quota)
    if np.bincount(parts, minlength=folds + 1).min() == 0:
        message = f"{order.size} different rows or groups are too few for {folds} folds and a test"
        raise TooFewRowsError(message, remedy=_FEW_REMEDY)
    return (parts[unit] - 1).astype(np.int8)


def _units(table: pl.DataFrame, schema: Schema, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number the sets of rows that must stay together, and order them by content and seed alone."""
    hashes = case_hashes(table, schema, seed)
    _, unit = np.unique(hashes, return_inverse=True)
    unit = unit.astype(np.int64)
    if groups := schema.with_role(Role.GROUP):
        group_hashes = row_hashes(table, [groups[0].name], seed)
        lone = table[groups[0].name].is_null().to_numpy()
        _, group = np.unique(np.where(lone, hashes, group_hashes), return_inverse=True)
        unit = _joined(unit, group.astype(np.int64))
    least = np.full(int(unit.max()) + 1, np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(least, unit, hashes)
    return unit, np.argsort(mix(least ^ np.uint64(1)), kind="stable")


def _joined(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join rows that are linked by either numbering, directly or through others: connected components."""
    label = first.copy()
    while True:
        previous = label
        for numbering in (first, second):
            least = np.full(int(numbering.max()) + 1, label.max() + 1, dtype=np.int64)
            np.minimum.at(least, numbering, label)
            label = least[numbering]
        if np.array_equal(label, previous):
            return np.unique(label, return_inverse=True)[1].astype(np.int64)


def _strata(target: pl.Series, schema: Schema, folds: int) -> NDArray[np.int64]:
    if schema.classes:
        positions = {name: position for position, name in enumerate(schema.classes)}
        return target.replace_strict(positions, return_dtype=pl.Int64).to_numpy()
    values = target.cast(pl.Float64).to_numpy()
    # Of fewer rows no part would get one of each stratum, and the test none at all.
    bins = min(_TARGET_BINS, max(1, values.size // (2 * (folds + 1))))
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.searchsorted(edges, values, side="right").astype(np.int64)


def _check_classes(sizes: NDArray[np.int64], schema: Schema, folds: int) -> None:
    """Each class needs a row in the test and in at least two folds, so that every round trains on it."""
    if not schema.classes:
        return
    units = (sizes > 0).sum(axis=0)
    counts = np.zeros(len(schema.classes), dtype=np.int64)
    counts[: units.size] = units
    rarest = int(counts.argmin())
    least = folds + 1
    if counts[rarest] < least:
        name = schema.classes[rarest]
        have = f"has {counts[rarest]} different rows" if counts[rarest] else "has no row left"
        message = f"class {name!r} {have}; {folds} folds and a test need {least}"
        raise TooFewRowsError(message, remedy=_RARE_REMEDY)


def _deal(sizes: NDArray[np.int64], order: NDArray[np.int64], quota: NDArray[np.float64]) -> NDArray[np.int64]:
    """Deal units to parts: large ones first, each to the part that lacks most of the unit's strata."""
    totals = sizes.sum(axis=1)
    parts = np.empty(totals.size, dtype=np.int64)
    lacking = quota.copy()
    scale = np.maximum(quota, 1e-9)
    large = order[totals[order] > 1]
    # A row repeated more often than the test has room for trains: the test keeps its share and its mix of classes.
    room = quota[0].sum()
    spared = totals > room if totals[totals <= room].sum() >= room else np.zeros(totals.size, dtype=bool)
    for unit in large[np.argsort(-totals[large], kind="stable")]:
        worth = (lacking / scale) @ sizes[unit]
        part = int(worth[1:].argmax()) + 1 if spared[unit] else int(worth.argmax())
        parts[unit] = part
        lacking[part] -= sizes[unit]
    single = order[totals[order] == 1]
    stratum = sizes[single].argmax(axis=1)
    for number in range(sizes.shape[1]):
        members = single[stratum == number]
        parts[members] = _fill(lacking[:, number], members.size)
    return parts


def _fill(lacking: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Parts for `count` single rows: the test gets what it lacks, and the folds share the rest as evenly as can be."""
    wanted = np.maximum(lacking, 0.0)
    test = min(round(float(wanted[0])), count)
    rest = wanted[1:] if wanted[1:].sum() > 0 else np.ones(lacking.size - 1)
    exact = rest * ((count - test) / rest.sum())
    given = np.floor(exact).astype(np.int64)
    for part in np.argsort(given - exact, kind="stable")[: count - test - int(given.sum())]:
        given[part] += 1
    return np.repeat(np.arange(lacking.size), (test, *given))
