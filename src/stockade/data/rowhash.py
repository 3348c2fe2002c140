"""A fixed keyed hash of rows, equal on every machine and for every version of the libraries.

Numbers enter by their IEEE 754 or two's-complement bits, words by BLAKE2b, and columns are combined by SplitMix64's
finaliser (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"). It spreads rows evenly; it is
no defence against someone who knows the key and crafts rows that collide.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from stockade.schema.column import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from stockade.schema.column import Schema

_ROWS_PER_VALUE = 10
_NULL = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def row_hashes(table: pl.DataFrame, columns: Sequence[str], seed: int) -> NDArray[np.uint64]:
    """Hash each row over the named columns, in the order given.

    Equal values hash equally: -0.0 as 0.0, every NaN as null.
    """
    state = np.full(table.height, _word(b"rows", seed), dtype=np.uint64)
    for name in columns:
        state = mix(state ^ (_codes(table[name], seed) + _word(name.encode(), seed)))
    return state


def case_hashes(table: pl.DataFrame, schema: Schema, seed: int) -> NDArray[np.uint64]:
    """Hash the cases of a validated table: rows that are equal in all features share a hash, for they may be one case.

    Where features are words or whole numbers that take so few values that a tenth of the rows would be all different
    ones, rows are equal by chance and different cases: then each row has a hash of its own, which depends on what the
    table holds, not on its order. Measurements are not equal by chance.
    """
    names = [column.name for column in schema.features()]
    possible = 1
    for column in schema.features():
        measured = column.kind in (Kind.REAL, Kind.TIMESTAMP)
        possible *= table.height if measured else table[column.name].n_unique()
        if possible * _ROWS_PER_VALUE > table.height:
            return row_hashes(table, names, seed)
    hashes = row_hashes(table, [*names, schema.target], seed)
    order = np.argsort(hashes, kind="stable")
    _, first, counts = np.unique(hashes[order], return_index=True, return_counts=True)
    occurrence = np.empty(hashes.size, dtype=np.uint64)
    occurrence[order] = np.arange(hashes.size) - np.repeat(first, counts)
    return mix(hashes ^ mix(occurrence + np.uint64(1)))


def mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread 64 bits: SplitMix64's finaliser, wrapping on overflow."""
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))


def _codes(series: pl.Series, seed: int) -> NDArray[np.uint64]:
    dtype = series.dtype
    if isinstance(dtype, (pl.Float64, pl.Float32)):
        values = series.cast(pl.Float64).fill_nan(None)
        bits = (values.fill_null(0.0).to_numpy() + 0.0).view(np.uint64)
    elif isinstance(dtype, pl.Boolean) or dtype.is_integer() or dtype.is_temporal():
        values = series.to_physical().cast(pl.Int64)
        bits = values.fill_null(0).to_numpy().view(np.uint64)
    else:
        values = series.cast(pl.String)
        bits = _words(values, seed)
    coded: NDArray[np.uint64] = np.where(values.is_null().to_numpy(), _NULL, mix(bits + np.uint64(1)))
    return coded


def _words(values: pl.Series, seed: int) -> NDArray[np.uint64]:
    distinct = values.unique().drop_nulls()
    codes = pl.Series([_word(word.encode(), seed) for word in distinct], dtype=pl.UInt64)
    replaced = values.replace_strict(distinct, codes, default=0, return_dtype=pl.UInt64) if len(distinct) else None
    empty = np.zeros(len(values), dtype=np.uint64)
    return empty if replaced is None else replaced.fill_null(0).to_numpy()


def _word(text: bytes, seed: int) -> Any:
    key = blake2b(str(seed).encode(), digest_size=32).digest()
    return np.uint64(int.from_bytes(blake2b(text, digest_size=8, key=key).digest(), "little"))
