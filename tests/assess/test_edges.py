"""Assessments at the edges: constant models, absent classes, missing cells, dates, many classes, leaks."""

from __future__ import annotations

import math
import time
from datetime import date, timedelta

import numpy as np
import onnx
import polars as pl
import pytest
from onnx import TensorProto, helper
from sklearn.datasets import load_digits

from stockade.assess.assessment import assess
from stockade.assess.settings import Settings
from stockade.model.signature import METADATA_KEY, Feature, FeatureKind, ModelSignature
from stockade.schema.column import Column, Kind, Role, Schema
from stockade.train.settings import Settings as Training
from stockade.train.training import train
from stockade.types.results import Outcome, Severity
from stockade.types.scorecard import Task

QUICK = Settings(rows=60, queries=60)


def linear(weight: float, classes: tuple[str, ...] = ("no", "yes")) -> bytes:
    """A classifier of the number ``x`` alone (a missing one counts as 0); ``word`` is an input that it ignores."""
    width = len(classes)
    slope = helper.make_tensor("slope", TensorProto.DOUBLE, [1, width], [weight * index for index in range(width)])
    shift = helper.make_tensor("shift", TensorProto.DOUBLE, [1, width], [0.1 * index for index in range(width)])
    zero = helper.make_tensor("zero", TensorProto.DOUBLE, [1], [0.0])
    nodes = [
        helper.make_node("IsNaN", ["x"], ["gone"]),
        helper.make_node("Where", ["gone", "zero", "x"], ["known"]),
        helper.make_node("MatMul", ["known", "slope"], ["leaning"]),
        helper.make_node("Add", ["leaning", "shift"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.DOUBLE, [None, 1]),
        helper.make_tensor_value_info("word", TensorProto.STRING, [None, 1]),
    ]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.DOUBLE, [None, width])]
    graph = helper.make_graph(nodes, "g", inputs, outputs, [slope, shift, zero])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    task = Task.BINARY if width == 2 else Task.MULTICLASS
    features = (Feature("x", FeatureKind.NUMBER), Feature("word", FeatureKind.CATEGORY, categories=("a", "b")))
    helper.set_model_props(model, {METADATA_KEY: ModelSignature(task, "y", classes, features).to_json()})
    onnx.checker.check_model(model)
    return model.SerializeToString()


def schema(classes: tuple[str, ...] = ("no", "yes")) -> Schema:
    task = Task.BINARY if len(classes) == 2 else Task.MULTICLASS
    return Schema(
        (
            Column("x", Kind.REAL, nullable=True),
            Column("word", Kind.CATEGORY, nullable=True, categories=("a", "b")),
            Column("when", Kind.TIMESTAMP, Role.EXCLUDED, sensitive=True),
            Column("y", Kind.CATEGORY, Role.TARGET, categories=classes),
        ),
        "y",
        task,
    )


def table(rows: int, seed: int, classes: tuple[str, ...] = ("no", "yes")) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    x = random.normal(size=rows)
    label = np.digitize(x + random.normal(size=rows) * 0.5, np.linspace(-1, 1, len(classes) + 1)[1:-1])
    return pl.DataFrame(
        {
            "x": [None if gone else float(value) for value, gone in zip(x, random.random(rows) < 0.1, strict=True)],
            "word": random.choice(["a", "b", "never seen", None], rows, p=[0.5, 0.3, 0.1, 0.1]).tolist(),
            "when": [date(2020, 1, 1) + timedelta(days=int(day)) for day in random.integers(0, 400, rows)],
            "y": [classes[index] for index in label],
        },
        schema_overrides={"word": pl.String},
    )


def test_a_constant_model_is_no_better_than_a_constant():
    """It is said so, nothing crashes, no answer can be turned, and no distance is made up."""
    card, results = assess(linear(0.0), table(400, 0), table(300, 1), schema(), QUICK)
    found = {figure.name: figure for figure in card.figures}
    assert found["auc"].value == 0.5
    assert "robustness.median_distance" not in found
    assert found["robustness.accuracy"].value == pytest.approx(found["accuracy"].value)
    assert found["membership.auc"].value == pytest.approx(0.5, abs=0.05)
    assert "assess.no_better_than_constant" in {finding.rule for finding in results.findings}


def test_findings_warn_and_never_fail():
    """Whatever is found, blocking is for policy: no finding is graver than medium, gravest first."""
    _, results = assess(linear(0.0), table(400, 0), table(60, 1), schema(), QUICK)
    ranks = [finding.severity.rank for finding in results.findings]
    assert ranks == sorted(ranks, reverse=True)
    assert max(ranks) <= Severity.MEDIUM.rank
    assert results.outcome is Outcome.WARNED


def test_a_class_absent_from_the_test_part_is_named():
    """Of three classes one has no test row: macro figures run over the others, and a finding says so."""
    classes = ("low", "mid", "high")
    testing = table(400, 1, classes).filter(pl.col("y") != "high")
    card, results = assess(linear(3.0, classes), table(600, 0, classes), testing, schema(classes), QUICK)
    assert [finding.subject for finding in results.findings if finding.rule == "assess.class_missing"] == ["class high"]
    assert sum(card.confusion[2]) == 0
    assert all(math.isfinite(figure.value) for figure in card.figures)


def test_only_one_class_in_the_test_part_leaves_the_auc_out():
    """A figure that the rows leave undefined is absent, not invented."""
    testing = table(400, 1).filter(pl.col("y") == "no")
    card, _ = assess(linear(3.0), table(600, 0), testing, schema(), QUICK)
    names = {figure.name for figure in card.figures}
    assert "accuracy" in names
    assert not names & {"auc", "recall", "average_precision", "baseline.auc"}
    assert {curve.name for curve in card.curves} == {"calibration"}


def test_rows_without_a_known_target_are_left_out_and_counted():
    """Missing and unknown targets are no class; the rest is assessed."""
    testing = table(200, 1).with_columns(
        y=pl.when(pl.int_range(pl.len()) < 5)
        .then(None)
        .when(pl.int_range(pl.len()) < 8)
        .then(pl.lit("?"))
        .otherwise("y")
    )
    card, results = assess(linear(3.0), table(300, 0), testing, schema(), QUICK)
    assert card.rows == 192
    finding = next(finding for finding in results.findings if finding.rule == "assess.unknown_target")
    assert finding.value == 8


def test_a_sensitive_date_makes_spans():
    """A date that is not even a feature is cut into four spans that hold all rows."""
    card, _ = assess(linear(3.0), table(300, 0), table(400, 1), schema(), QUICK)
    spans = [group for group in card.groups if group.column == "when"]
    assert len(spans) == 4
    assert sum(group.count for group in spans) == 400
    assert spans[0].value.startswith("2020-01-0")


def test_the_attack_needs_little_where_the_boundary_is_near():
    """A known boundary at x = -1/30: the median distance found is the rows' own median distance to it."""
    training, testing = table(800, 0).drop_nulls(), table(500, 1).drop_nulls()
    card, _ = assess(linear(3.0), training, testing, schema(), Settings(rows=500, queries=120))
    found = {figure.name: figure.value for figure in card.figures}
    x, truth = testing["x"].to_numpy(), (testing["y"] == "yes").to_numpy()
    apart = np.abs(x + 0.1 / 3) / training["x"].std(ddof=0)
    right = (x > -0.1 / 3) == truth
    assert found["robustness.median_distance"] == pytest.approx(np.median(apart[right]), rel=0.02)
    share = np.mean(right) * np.mean(apart[right] > 0.1)
    assert found["robustness.accuracy"] == pytest.approx(share, abs=0.01)


def test_a_model_that_fits_its_training_rows_too_well_is_found_out():
    """Rows that the model answers perfectly are told from noisy ones: membership and the generalisation gap say so."""
    noisy = table(900, 1)
    perfect = table(900, 0).with_columns(
        y=pl.when(pl.col("x").fill_null(0.0) > -0.1 / 3).then(pl.lit("yes")).otherwise(pl.lit("no"))
    )
    noisy = noisy.with_columns(y=pl.col("y").shuffle(seed=1))
    settings = Settings(metric="accuracy", rows=20, queries=20)
    card, results = assess(linear(3.0), perfect, noisy, schema(), settings)
    found = {figure.name: figure for figure in card.figures}
    assert found["generalisation_gap"].value == pytest.approx(1 - found["accuracy"].value)
    assert found["membership.auc"].low > 0.6
    findings = {finding.rule: finding for finding in results.findings}
    assert "assess.overfit" in findings
    assert "AML.T0024.000" in findings["assess.membership"].technique


def test_ten_classes_of_sixty_four_features_within_the_time():
    """Handwritten digits: a curve for each class, a full confusion matrix, in less than twelve seconds of work."""
    pixels, labels = load_digits(return_X_y=True)
    names = tuple(str(digit) for digit in range(10))
    data = pl.DataFrame(
        {f"p{index}": pixels[:, index].astype(np.int64) for index in range(64)} | {"y": labels.astype(str)}
    )
    columns = [Column(f"p{index}", Kind.INTEGER) for index in range(64)]
    layout = Schema((*columns, Column("y", Kind.CATEGORY, Role.TARGET, categories=names)), "y", Task.MULTICLASS)
    training, testing = data[:1_400], data[1_400:]
    model = train(training, np.arange(1_400) % 3, layout, Training(trials=0, trainers=("linear",))).model
    begun = time.process_time()
    card, _ = assess(model, training, testing, layout, Settings())
    assert time.process_time() - begun < 12
    assert len([curve for curve in card.curves if curve.name == "roc"]) == 10
    assert sum(map(sum, card.confusion)) == len(testing)
    assert max(len(curve.x) for curve in card.curves) <= 200
    assert {figure.name: figure.value for figure in card.figures}["accuracy"] > 0.85
