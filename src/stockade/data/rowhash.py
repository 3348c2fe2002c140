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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

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
