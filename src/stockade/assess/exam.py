"""What an assessment works on: the model, its answers to both parts, and the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from stockade.assess.settings import Settings
from stockade.errors import ColumnError, TooFewRowsError
from stockade.metrics.arrays import Bools, Floats, Ints, Numbers
from stockade.metrics.probability import log_losses
from stockade.metrics.scores import predicted_class
from stockade.model.inputs import numbers, texts
from stockade.model.session import Model
from stockade.model.signature import ModelSignature
from stockade.schema.column import Schema
from stockade.types.scorecard import Task

MOST_TRAINING_ROWS = 20_000
"""Training rows that are looked at; of a longer part a seeded sample is."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Rows with their truth and the model's answers.

    Attributes:
        table: The rows.
        truth: Class indices ``[N]``, or numbers ``[N]``.
        output: Probabilities ``[N, K]``, or predicted numbers ``[N]``.
    """

    table: pl.DataFrame
    truth: Numbers
    output: Floats

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.truth)

    @property
    def classes(self) -> Ints:
        """The predicted class of each row ``[N]``."""
        return predicted_class(self.output)

    def losses(self) -> Floats:
        """What membership is inferred from ``[N]``: negative log-likelihood, or absolute error."""
        if self.output.ndim == 2:
            losses: Floats = log_losses(self.truth, self.output)
            return losses
        return self._errors()

    def mistakes(self) -> Floats:
        """What slices are compared by ``[N]``: 1 for a wrong class and 0 for a right one, or absolute error."""
        if self.output.ndim == 2:
            return np.asarray(self.classes != self.truth, dtype=np.float64)
        return self._errors()

    def _errors(self) -> Floats:
        return np.asarray(np.abs(self.output - self.truth), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Exam:
    """One model before its examiners.

    Attributes:
        model: In its session.
        schema: Of the tables.
        settings: How hard to examine.
        metric: What the model was selected by.
        train: Rows that it was trained on, or a sample of them.
        test: Rows that it never saw.
        unknown: Test rows left out because their target is missing or no class of the model.
    """

    model: Model
    schema: Schema
    settings: Settings
    metric: str
    train: Part
    test: Part
    unknown: int

    @property
    def task(self) -> Task:
        """Kind of task."""
        return self.model.signature.task

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of probabilities."""
        return self.model.signature.classes


def prepare(data: bytes, train: pl.DataFrame, test: pl.DataFrame, schema: Schema, settings: Settings) -> Exam:
    """Load the model and ask it about both parts.

    Raises:
        ModelFormatError: the bytes are not a model that can be run.
        ColumnError: a table lacks a feature or the target, or one is of another kind.
        TooFewRowsError: a part has no row with a usable target.
    """
    model = Model(data)
    metric = settings.metric_for(model.signature.task)
    if len(train) > MOST_TRAINING_ROWS:
        chosen = np.random.default_rng(settings.seed).choice(len(train), MOST_TRAINING_ROWS, replace=False)
        train = train[np.sort(chosen)]
    seen, _ = _part(model, train, "training")
    unseen, unknown = _part(model, test, "test")
    return Exam(model, schema, settings, metric, seen, unseen, unknown)


def _part(model: Model, table: pl.DataFrame, name: str) -> tuple[Part, int]:
    truth, usable = _truth(table, model.signature)
    if not usable.any():
        raise TooFewRowsError(
            f"no row of the {name} part has a target that the model knows",
            where=f"column {model.signature.target}",
            remedy="Assess with rows of the kind that the model was trained on.",
        )
    kept = table.filter(pl.Series(usable))
    return Part(kept, truth[usable], model.predict_table(kept)), int((~usable).sum())


def _truth(table: pl.DataFrame, signature: ModelSignature) -> tuple[Numbers, Bools]:
    """Class indices or numbers of the target, and which rows have one that the model knows."""
    if signature.target not in table.columns:
        raise ColumnError(
            f"the table has no target column {signature.target!r}",
            where=f"column {signature.target}",
            remedy="Assess with rows whose target is known.",
        )
    series = table.get_column(signature.target)
    if signature.task is Task.REGRESSION:
        values = numbers(series)
        return values, np.isfinite(values)
    index = {name: position for position, name in enumerate(signature.classes)}
    codes = np.array([index.get(word, -1) for word in texts(series)], dtype=np.int64)
    return codes, codes >= 0
