"""The model under attack: evasion of its decisions, and inference of who was in the training part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from stockade.adversary.attacks.evasion import Budget, evade
from stockade.adversary.attacks.membership import infer_membership
from stockade.adversary.space import Dimension, Space
from stockade.assess.exam import Exam
from stockade.assess.performance import figure
from stockade.metrics.arrays import Bools, Floats, Ints
from stockade.metrics.intervals import median, product, wilson
from stockade.metrics.scores import predicted_class
from stockade.model.inputs import Column as Values
from stockade.model.inputs import from_table
from stockade.model.session import Model
from stockade.model.signature import Feature, FeatureKind
from stockade.schema.column import Kind, Schema
from stockade.types.results import Figure
from stockade.types.scorecard import Task

_POOL = 1_000
_WHOLE = (Kind.INTEGER, Kind.BOOLEAN, Kind.TIMESTAMP)


@dataclass(frozen=True, slots=True, eq=False)
class Robustness:
    """What evasion reached.

    Attributes:
        figures: ``robustness.accuracy`` and, where most rows could be turned at all, ``robustness.median_distance``.
        rows: Test rows tried.
        turned: Share of them whose answer was turned at any cost.
    """

    figures: tuple[Figure, ...]
    rows: int
    turned: float


class Points:
    """Tables as the points that attacks work on, and back as the columns that a model takes.

    Args:
        model: Whose features they are.
        schema: Says which numbers are whole.
        train: Rows that ranges, scales and categories are observed on.
    """

    def __init__(self, model: Model, schema: Schema, train: pl.DataFrame) -> None:
        self._signature = model.signature
        columns = from_table(train, self._signature)
        kinds = {column.name: column.kind for column in schema.columns}
        self._words: dict[str, list[str]] = {}
        dimensions = []
        for feature in self._signature.features:
            values = columns[feature.name]
            if feature.kind is FeatureKind.CATEGORY:
                self._words[feature.name] = _known(feature, values)
                dimensions.append(Dimension.of_categories(feature.name, len(self._words[feature.name])))
            else:
                whole = kinds.get(feature.name) in _WHOLE
                dimensions.append(Dimension.of_numbers(feature.name, values, integer=whole))
        self.space = Space(tuple(dimensions))

    def encode(self, table: pl.DataFrame) -> Floats:
        """Points of a table's rows, ``[N, D]``; words met for the first time join the end of the known ones."""
        columns = from_table(table, self._signature)
        return np.stack([self._column(feature, columns[feature.name]) for feature in self._signature.features], axis=1)

    def _column(self, feature: Feature, values: Values) -> Floats:
        if feature.kind is FeatureKind.NUMBER:
            return np.asarray(values, dtype=np.float64)
        words = self._words[feature.name]
        index = {word: code for code, word in enumerate(words)}
        for word in values:
            if word and word not in index:
                index[word] = len(words)
                words.append(word)
        return np.array([index.get(word, np.nan) for word in values], dtype=np.float64)

    def decode(self, points: Floats) -> dict[str, Values]:
        """Columns of points."""
        columns: dict[str, Values] = {}
        for position, feature in enumerate(self._signature.features):
            column = points[:, position]
            if feature.kind is FeatureKind.CATEGORY:
                words = np.array([*self._words[feature.name], ""], dtype=object)
                # A missing category is the last word, the empty one.
                codes = np.where(np.isnan(column), len(words) - 1, column).astype(np.int64)
                columns[feature.name] = words[codes]
            else:
                columns[feature.name] = column
        return columns


def _known(feature: Feature, values: Values) -> list[str]:
    return sorted({str(word) for word in values if word} | set(feature.categories))


def resist(exam: Exam) -> Robustness:
    """Try to turn the answers to a sample of test rows.

    Classes: rows that are answered rightly are tried; one is robust when no point within `epsilon` was found that is
    answered otherwise, and the accuracy under attack is the accuracy times the share of robust rows. Numbers: all rows
    may be tried; one is robust when no point within `epsilon` was found whose prediction is further off than
    `tolerance`.
    """
    settings = exam.settings
    random = np.random.default_rng(settings.seed)
    points = Points(exam.model, exam.schema, exam.train.table)
    right = np.arange(exam.test.rows)
    if exam.task is not Task.REGRESSION:
        right = np.flatnonzero(exam.test.classes == exam.test.truth)
    attacked = right[_sample(random, len(right), settings.rows)]
    before = wilson(len(right), exam.test.rows)
    if not len(attacked):
        return Robustness((figure("robustness.accuracy", before, exam.test.rows),), 0, 0.0)
    reference = _sample(random, exam.train.rows, _POOL)
    rows = points.encode(exam.test.table[attacked])
    pool = points.encode(exam.train.table[reference])
    # Class indices differ by 1 or more.
    limit = settings.tolerance * float(np.std(exam.train.truth)) if exam.task is Task.REGRESSION else 0.5
    own = _answers(exam, exam.test.output[attacked])
    eligible = np.abs(own[:, None] - _answers(exam, exam.train.output[reference])) > limit

    def turned(index: Ints, asked: Floats) -> Bools:
        answers = _answers(exam, exam.model.predict(points.decode(asked)))
        return np.asarray(np.abs(answers - own[index]) > limit)

    budget = Budget(settings.queries, settings.epsilon)
    reached = evade(turned, points.space, rows, pool, eligible, budget=budget, seed=settings.seed)
    robust = wilson(int((reached.distances > settings.epsilon).sum()), len(attacked))
    under_attack = robust if exam.task is Task.REGRESSION else product(before, robust)
    figures = [figure("robustness.accuracy", under_attack, len(attacked))]
    middle = median(reached.distances)
    if np.isfinite(middle.value):
        figures.append(figure("robustness.median_distance", middle, len(attacked)))
    return Robustness(tuple(figures), len(attacked), float(np.isfinite(reached.distances).mean()))


def _answers(exam: Exam, output: Floats) -> Floats:
    """What an attacker sees of an output ``[N]``: the class, or the number."""
    return output if exam.task is Task.REGRESSION else predicted_class(output).astype(np.float64)


def _sample(random: np.random.Generator, rows: int, most: int) -> Ints:
    if rows <= most:
        return np.arange(rows, dtype=np.int64)
    return np.sort(random.choice(rows, most, replace=False)).astype(np.int64)


def leak(exam: Exam) -> tuple[Figure, ...]:
    """Try to tell rows of the training part from test rows by how well they are predicted."""
    found = infer_membership(exam.train.losses(), exam.test.losses(), seed=exam.settings.seed)
    if found is None:
        return ()
    count = found.members + found.others
    return (
        figure("membership.auc", found.auc, count),
        figure("membership.tpr_at_1pct_fpr", found.tpr_at_1pct_fpr, count),
    )
