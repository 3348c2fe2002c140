"""From columns to the matrix of numbers that trainers see, and the signature that follows from a schema.

A number stays what it is, NaN for missing. A category becomes the code of its word: words take 0, 1, ... in sorted
order; words beyond the `MAX_WORDS` most frequent share one code; missing has a code of its own where training rows
lack values. A word never met becomes NaN, or the shared code where there is one. Codes depend on the features alone,
never on the target, so one coding serves all folds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stockade.errors import DataError
from stockade.model.inputs import Column as Values
from stockade.model.signature import Feature, FeatureKind, ModelSignature
from stockade.schema.column import Column, Kind, Schema
from stockade.types.scorecard import Task

MAX_WORDS = 253
"""Words of a category with a code of their own; with *other* and *missing* they fill the 255 bins of the trainers."""

Floats = npt.NDArray[np.float64]


class NothingToLearnFromError(DataError):
    """The schema leaves no feature: every column is the target, constant, an identifier or excluded."""

    code = "D110"


@dataclass(frozen=True, slots=True)
class Coding:
    """How one feature becomes a number.

    Attributes:
        feature: The feature.
        words: Known words; the code of each is its position. Empty for numbers.
        other: Code of any other word, NaN where training rows had none.
        missing: Code of a missing value, NaN where training rows had none, and for numbers.
    """

    feature: Feature
    words: tuple[str, ...] = ()
    other: float = float("nan")
    missing: float = float("nan")

    @property
    def categorical(self) -> bool:
        """Whether codes stand for words."""
        return self.feature.kind is FeatureKind.CATEGORY

    @property
    def size(self) -> int:
        """Number of codes, 0 for numbers."""
        return len(self.words) + int(self.other == self.other) + int(self.missing == self.missing)

    def encode(self, values: Values) -> Floats:
        """Turn a column into float64 ``[N]``."""
        if not self.categorical:
            return np.asarray(values, dtype=np.float64)
        codes = {word: float(code) for code, word in enumerate(self.words)}
        codes[""] = self.missing
        return np.fromiter((codes.get(value, self.other) for value in values), dtype=np.float64, count=len(values))


@dataclass(frozen=True, slots=True)
class Encoder:
    """How all features become a matrix, in the order of the signature."""

    codings: tuple[Coding, ...]

    @property
    def categorical(self) -> tuple[int, ...]:
        """Columns of the matrix that hold codes."""
        return tuple(index for index, coding in enumerate(self.codings) if coding.categorical)

    def encode(self, columns: Mapping[str, Values]) -> Floats:
        """Build the matrix, float64 ``[N, F]``, row-major."""
        return np.ascontiguousarray(
            np.column_stack([coding.encode(columns[coding.feature.name]) for coding in self.codings])
        )

    @classmethod
    def fit(cls, signature: ModelSignature, columns: Mapping[str, Values]) -> Encoder:
        """Learn the words of all categories."""
        return cls(tuple(_coding(feature, columns[feature.name]) for feature in signature.features))


def _coding(feature: Feature, values: Values) -> Coding:
    if feature.kind is FeatureKind.NUMBER:
        return Coding(feature)
    counts = Counter(values.tolist())
    lacking = counts.pop("", 0)
    frequent = sorted(counts, key=lambda word: (-counts[word], word))
    words = tuple(sorted(frequent[:MAX_WORDS]))
    other = float(len(words)) if len(frequent) > MAX_WORDS else float("nan")
    missing = float(len(words) + int(len(frequent) > MAX_WORDS)) if lacking else float("nan")
    return Coding(feature, words, other, missing)


def signature_of(schema: Schema) -> ModelSignature:
    """Derive a model's signature from a schema.

    Raises:
        NothingToLearnFromError: the schema has no features.
    """
    features = tuple(_feature(column) for column in schema.features())
    if not features or schema.task is None:
        raise NothingToLearnFromError(
            "the schema leaves nothing to learn from",
            where="schema",
            remedy="Name a target, and give at least one column the role 'feature'.",
        )
    classes = () if schema.task is Task.REGRESSION else schema.classes
    return ModelSignature(schema.task, schema.target, classes, features)


def _feature(column: Column) -> Feature:
    if column.kind in (Kind.CATEGORY, Kind.TEXT):
        return Feature(column.name, FeatureKind.CATEGORY, column.nullable, categories=column.categories)
    if column.kind is Kind.BOOLEAN:
        return Feature(column.name, FeatureKind.NUMBER, column.nullable, 0.0, 1.0)
    return Feature(column.name, FeatureKind.NUMBER, column.nullable, column.minimum, column.maximum)
