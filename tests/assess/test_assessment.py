"""The scorecard of exported bytes: figures that others compute alike, groups, slices, card and bill of materials."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from sklearn import metrics

from stockade.assess.assessment import assess
from stockade.assess.bom import DataPart, bill_of_materials
from stockade.assess.card import build_card
from stockade.assess.card_text import to_markdown
from stockade.assess.settings import Settings
from stockade.errors import ConfigError, TooFewRowsError
from stockade.model.session import Model
from stockade.schema.column import Column, Kind, Role, Schema
from stockade.train.settings import Settings as Training
from stockade.train.training import train
from stockade.types.digest import Digest
from stockade.types.record import from_plain, to_plain
from stockade.types.scorecard import Scorecard, Task

QUICK = Settings(rows=40, queries=60)


def _schema(task: Task) -> Schema:
    classes = {Task.BINARY: ("no", "yes"), Task.MULTICLASS: ("a", "b", "c"), Task.REGRESSION: ()}[task]
    target = (
        Column("y", Kind.CATEGORY, Role.TARGET, categories=classes) if classes else Column("y", Kind.REAL, Role.TARGET)
    )
    return Schema(
        (
            Column("x", Kind.REAL),
            Column("age", Kind.INTEGER, sensitive=True),
            Column("sex", Kind.CATEGORY, categories=("f", "m"), sensitive=True),
            target,
        ),
        "y",
        task,
    )


def _table(task: Task, rows: int, seed: int) -> pl.DataFrame:
    chance = np.random.default_rng(seed)
    x, age, sex = chance.normal(size=rows), chance.integers(16, 90, rows), chance.choice(["f", "m"], rows)
    # The signal is drowned for the older group, so that its true-positive rate is worse.
    signal = np.where(age > 64, 0.1, 2.0) * x + (sex == "m") * 0.2
    y: object = signal
    if task is Task.BINARY:
        y = np.where(signal + chance.logistic(size=rows) * 0.5 > 0, "yes", "no")
    elif task is Task.MULTICLASS:
        y = np.array(["a", "b", "c"])[np.digitize(signal + chance.normal(size=rows) * 0.3, [-0.7, 0.7])]
    return pl.DataFrame({"x": x, "age": age, "sex": sex, "y": y})


@pytest.fixture(scope="module", params=list(Task), ids=lambda task: task.value)
def story(request: pytest.FixtureRequest) -> tuple[Task, bytes, pl.DataFrame, pl.DataFrame, Schema]:
    """A trained model of each task with its training and test rows."""
    task: Task = request.param
    schema, training, testing = _schema(task), _table(task, 1_500, 1), _table(task, 900, 2)
    folds = np.arange(1_500) % 3
    model = train(training, folds, schema, Training(trials=0, trainers=("lightgbm",))).model
    return task, model, training, testing, schema


def test_figures_are_those_of_scikit_learn(story) -> None:
    """The main figures, computed on the exported bytes, equal scikit-learn's on the same predictions."""
    task, model, training, testing, schema = story
    card, _ = assess(model, training, testing, schema, QUICK)
    found = {figure.name: figure.value for figure in card.figures}
    output = Model(model).predict_table(testing)
    truth = testing["y"].to_numpy()
    if task is Task.REGRESSION:
        assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(truth, output))
        assert found["r2"] == pytest.approx(metrics.r2_score(truth, output))
        return
    labels = np.array(schema.classes)[output.argmax(axis=1)]
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(truth, labels))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(truth, output, labels=list(schema.classes)))
    scores = output[:, 1] if task is Task.BINARY else output
    assert found["auc"] == pytest.approx(metrics.roc_auc_score(truth, scores, multi_class="ovr"))


def test_every_interval_holds_its_estimate(story) -> None:
    """Low ends are not above, and high ends not below, the figure; and the scorecard survives JSON."""
    _, model, training, testing, schema = story
    card, results = assess(model, training, testing, schema, QUICK)
    for figure in card.figures:
        if figure.low is not None and figure.high is not None:
            assert figure.low <= figure.value <= figure.high, figure
    assert from_plain(Scorecard, json.loads(json.dumps(to_plain(card)))) == card
    assert results.figures == card.figures
    assert results.checks


def test_a_group_that_does_worse_is_found(story) -> None:
    """The gap between the age groups shows as a figure, a group row, and a finding."""
    task, model, training, testing, schema = story
    card, results = assess(model, training, testing, schema, QUICK)
    name = {Task.BINARY: "tpr_gap.age", Task.MULTICLASS: "accuracy_gap.age", Task.REGRESSION: "mae_gap.age"}[task]
    figures = {figure.name: figure for figure in card.figures}
    assert name in figures
    assert {group.column for group in card.groups} == {"age", "sex"}
    if task is Task.BINARY:
        assert figures[name].value > 0.15
        assert any("age" in finding.subject for finding in results.findings)


def test_attacks_can_be_left_out(story) -> None:
    """Without attacks there are no figures of them, and no pretence."""
    _, model, training, testing, schema = story
    card, _ = assess(model, training, testing, schema, Settings(attacks=False, slices=False))
    assert not [figure.name for figure in card.figures if figure.name.startswith(("robustness", "membership"))]
    assert card.slices == ()


def test_the_same_seed_gives_the_same_scorecard(story) -> None:
    """An assessment repeats to the last digit."""
    _, model, training, testing, schema = story
    first, second = (assess(model, training, testing, schema, QUICK) for _ in range(2))
    assert first == second


def test_card_and_bill_name_the_model_and_its_figures(story) -> None:
    """The card's text has purpose, figures and limits; the bill is CycloneDX 1.6 with the model's hash."""
    _, model, training, testing, schema = story
    card = build_card("people", assess(model, training, testing, schema, QUICK)[0], schema, purpose="For tests only.")
    text = to_markdown(card)
    assert "For tests only." in text
    assert "Limits" in text or "limits" in text
    digest = Digest.of(model)
    bom = bill_of_materials(card, digest, data=[DataPart("training", Digest.of(b"x"))], packages=[("numpy", "2.4.6")])
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.6")
    component = bom["metadata"]["component"]
    assert component["type"] == "machine-learning-model"
    assert {"alg": "SHA-256", "content": digest.hex} in component["hashes"]
    assert component["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert bom == bill_of_materials(
        card, digest, data=[DataPart("training", Digest.of(b"x"))], packages=[("numpy", "2.4.6")]
    )


def test_a_metric_of_another_task_is_refused(story) -> None:
    """The settings must fit the model."""
    task, model, training, testing, schema = story
    wrong = "auc" if task is Task.REGRESSION else "rmse"
    with pytest.raises(ConfigError, match=wrong):
        assess(model, training, testing, schema, Settings(metric=wrong))


def test_no_test_rows_is_an_error_with_a_name(story) -> None:
    """There is nothing to measure on an empty part."""
    _, model, training, testing, schema = story
    with pytest.raises(TooFewRowsError):
        assess(model, training, testing.head(0), schema, QUICK)


def test_few_rows_are_borne(story) -> None:
    """Sixty test rows give figures with wide intervals, small groups, and no crash."""
    _, model, training, testing, schema = story
    card, _ = assess(model, training, testing.head(60), schema, QUICK)
    assert card.rows == 60
    assert any(group.small for group in card.groups)
