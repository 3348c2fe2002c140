"""What a model takes and gives: a small record that travels inside the ONNX file.

The record is stored as JSON under the key `METADATA_KEY` of the file's ``metadata_props``, so that whoever holds
the bytes knows the features, their kinds and ranges, and what the columns of the output mean.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from stockade.errors import StepError
from stockade.types.record import from_plain, to_plain
from stockade.types.scorecard import Task

METADATA_KEY = "stockade"
"""Key of the signature in the metadata of the ONNX file."""

FORMAT_VERSION = 1
"""Version of the signature's own format."""

PROBABILITIES = "probabilities"
"""Name of the output of a classifier: double ``[N, K]``."""

PREDICTION = "prediction"
"""Name of the output of a regressor: double ``[N, 1]``."""


class ModelFormatError(StepError):
    """A model file is not of the form that Stockade runs.

    It must be one ONNX file without external data, made of the allowed operators only, that carries a signature and
    has one input per feature and the one output that its task calls for.
    """

    code = "P110"


class FeatureKind(StrEnum):
    """How a feature enters the graph."""

    NUMBER = "number"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True)
class Feature:
    """One input of a model.

    Attributes:
        name: Column name.
        kind: ``number`` enters as double ``[N, 1]`` with NaN for missing, ``category`` as string ``[N, 1]`` with the
            empty string for missing.
        nullable: Whether the schema allows missing values; the model itself always copes with them.
        minimum: Smallest value the schema allows, numbers only.
        maximum: Largest value the schema allows, numbers only.
        categories: Values the schema allows, empty for any; categories only.
    """

    name: str
    kind: FeatureKind
    nullable: bool = True
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelSignature:
    """What a model takes and gives.

    Attributes:
        task: Kind of task.
        target: Name of the predicted column.
        classes: Class names in the order of the probability columns; empty for regression.
        features: Inputs, in the order of the graph's inputs.
        version: Version of this record's format.

    Raises:
        ValueError: no features, a name twice, or classes that do not fit the task.
    """

    task: Task
    target: str
    classes: tuple[str, ...]
    features: tuple[Feature, ...]
    version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        if self.version != FORMAT_VERSION:
            raise ValueError(f"signature version {self.version} is not known, only {FORMAT_VERSION}")
        names = [feature.name for feature in self.features]
        if not names or "" in names or len(set(names)) != len(names):
            raise ValueError("a signature needs features, each with a name of its own")
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("a class is named twice")
        least, most = _CLASS_COUNTS[self.task]
        if not least <= len(self.classes) <= most:
            raise ValueError(f"{len(self.classes)} classes do not fit a {self.task} task")

    @property
    def output(self) -> str:
        """Name of the graph's output."""
        return PREDICTION if self.task is Task.REGRESSION else PROBABILITIES

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the graph's inputs, in the order of `features`: the feature's name, with underscores appended
        where it would meet the name of an output or another feature.
        """  # noqa: D205 - the rule is one sentence
        taken = {PROBABILITIES, PREDICTION} | {feature.name for feature in self.features}
        return tuple(_input_name(feature.name, taken) for feature in self.features)

    def feature(self, name: str) -> Feature:
        """Find a feature by its name.

        Raises:
            KeyError: there is none.
        """
        for feature in self.features:
            if feature.name == name:
                return feature
        raise KeyError(name)

    def to_json(self) -> str:
        """Write as compact JSON with sorted keys; the inverse of `parse`."""
        return json.dumps(to_plain(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

    @classmethod
    def parse(cls, text: str) -> ModelSignature:
        """Read what `to_json` wrote.

        Raises:
            ModelFormatError: the text is anything else.
        """
        try:
            return from_plain(cls, json.loads(text, parse_constant=_refuse_constant), "signature")
        except (ValueError, RecursionError) as error:
            raise ModelFormatError(
                f"the model's signature cannot be read: {error}",
                where=f"metadata {METADATA_KEY!r}",
                remedy="Export the model with stockade, or attach a signature to it.",
            ) from error


_CLASS_COUNTS = {Task.BINARY: (2, 2), Task.MULTICLASS: (3, 1_000), Task.REGRESSION: (0, 0)}


def _input_name(name: str, taken: Iterable[str]) -> str:
    if name not in {PROBABILITIES, PREDICTION}:
        return name
    while name in taken:
        name += "_"
    return name


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a number")
