"""Columns for a model's inputs, from tables or from lists of values.

Numbers, booleans (0 and 1), dates and times (seconds since 1970, UTC) become float64 with NaN for missing;
categories become text with the empty string for missing. Training and prediction share these functions, so a value
means the same to both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stockade.errors import ColumnError
from stockade.model.signature import Feature, FeatureKind, ModelSignature

if TYPE_CHECKING:
    import polars as pl

Column = npt.NDArray[Any]
"""float64 ``[N]`` for a number, object ``[N]`` of ``str`` for a category."""


def from_table(table: pl.DataFrame, signature: ModelSignature) -> dict[str, Column]:
    """Take a model's columns out of a table, by feature name; further columns are left alone.

    Raises:
        ColumnError: a feature has no column, or its values cannot be read as its kind.
    """
    return {feature.name: column_of(table, feature) for feature in signature.features}


def column_of(table: pl.DataFrame, feature: Feature) -> Column:
    """Take one feature's column out of a table.

    Raises:
        ColumnError: there is no such column, or its values cannot be read as its kind.
    """
    if feature.name not in table.columns:
        raise ColumnError(
            f"the model needs a column {feature.name!r}, which the table does not have",
            where=f"column {feature.name}",
            remedy="Give the columns that the model was trained on.",
        )
    series = table.get_column(feature.name)
    return numbers(series) if feature.kind is FeatureKind.NUMBER else texts(series)


def numbers(series: pl.Series) -> npt.NDArray[np.float64]:
    """Read a column as float64 ``[N]``; missing is NaN; times are seconds since 1970 (UTC, or as written if naive).

    Raises:
        ColumnError: the values are not numbers, booleans, dates or times.
    """
    import polars as pl

    kind = series.dtype
    try:
        if kind == pl.Date:
            series = series.cast(pl.Float64) * 86_400.0
        elif isinstance(kind, pl.Datetime):
            series = series.dt.epoch("us").cast(pl.Float64) / 1e6
        elif isinstance(kind, pl.Duration):
            series = series.dt.total_microseconds().cast(pl.Float64) / 1e6
        else:
            series = series.cast(pl.Float64, strict=True)
    except pl.exceptions.PolarsError as error:
        raise ColumnError(
            f"the values are {kind}, where numbers are expected",
            where=f"column {series.name}",
            remedy="Give numbers, booleans, dates or times.",
        ) from error
    return np.ascontiguousarray(series.fill_null(float("nan")).to_numpy(), dtype=np.float64)


def texts(series: pl.Series) -> npt.NDArray[np.object_]:
    """Read a column as object ``[N]`` of ``str``; missing is the empty string.

    Raises:
        ColumnError: the values cannot be written as text (lists, structs, bytes).
    """
    import polars as pl

    try:
        values = series.cast(pl.String, strict=True).fill_null("")
    except pl.exceptions.PolarsError as error:
        raise ColumnError(
            f"the values are {series.dtype}, where text is expected",
            where=f"column {series.name}",
            remedy="Give text, numbers or booleans.",
        ) from error
    column: npt.NDArray[np.object_] = np.empty(len(values), dtype=object)
    column[:] = values.to_list()
    return column


def from_values(values: Mapping[str, Sequence[object]], signature: ModelSignature) -> dict[str, Column]:
    """Build a model's columns from lists of plain values (``None`` is missing), such as those of a request.

    Numbers take int, float and bool; categories take text. Nothing is converted from text to number.

    Raises:
        ColumnError: a feature is absent or of another length, or a value is not of its kind.
    """
    built: dict[str, Column] = {}
    length: int | None = None
    for feature in signature.features:
        if feature.name not in values:
            raise ColumnError(f"feature {feature.name!r} is missing", where=f"column {feature.name}")
        items = values[feature.name]
        length = len(items) if length is None else length
        if len(items) != length:
            raise ColumnError(
                f"{len(items)} values are given, where other features have {length}", where=f"column {feature.name}"
            )
        built[feature.name] = (
            _numbers_of(feature, items) if feature.kind is FeatureKind.NUMBER else _texts_of(feature, items)
        )
    return built


def _numbers_of(feature: Feature, items: Sequence[object]) -> npt.NDArray[np.float64]:
    column = np.empty(len(items), dtype=np.float64)
    for row, item in enumerate(items):
        if item is None:
            column[row] = np.nan
        elif isinstance(item, (int, float)):
            try:
                column[row] = float(item)
            except OverflowError as error:
                raise _unfit(feature, row, "a number of at most 1.8e308") from error
        else:
            raise _unfit(feature, row, "a number")
    return column


def _texts_of(feature: Feature, items: Sequence[object]) -> npt.NDArray[np.object_]:
    column: npt.NDArray[np.object_] = np.empty(len(items), dtype=object)
    for row, item in enumerate(items):
        if item is not None and not isinstance(item, str):
            raise _unfit(feature, row, "text")
        column[row] = item or ""
    return column


def _unfit(feature: Feature, row: int, wanted: str) -> ColumnError:
    return ColumnError(f"row {row + 1} does not hold {wanted}", where=f"column {feature.name}")
