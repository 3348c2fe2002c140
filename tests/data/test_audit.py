import time

import numpy as np
import polars as pl
import pytest

from stockade.data.audit import audit
from stockade.data.infer import infer
from stockade.data.validate import validate
from stockade.errors import TargetError
from stockade.schema.column import Column, Kind, Role, Schema
from stockade.types.results import Outcome, Severity
from stockade.types.scorecard import Task


def figures(found):
    return {figure.name: figure.value for figure in found.results.figures}


def with_feature(cases, values, kind=Kind.REAL):
    table, schema = cases
    return table.with_columns(pl.Series("extra", values)), Schema(
        (*schema.columns, Column("extra", kind, nullable=True)), "label", Task.BINARY
    )


def rules(found, least=Severity.LOW):
    return {finding.rule for finding in found.results.findings if finding.severity.rank >= least.rank}


def test_a_clean_table_passes(cases):
    """A table without repeats, leaks or noise has no finding above information."""
    found = audit(*cases)
    assert found.results.outcome is Outcome.PASSED
    assert figures(found)["duplicate_share"] == 0
    assert 0.6 < figures(found)["leakage.max_score"] < 0.95


def test_repeated_rows_are_counted_before_identifiers_are_dropped(cases):
    """A row loaded twice is a repeat; a row equal but for its identifier is only mentioned."""
    table, schema = cases
    twice = pl.concat([table, table.head(100)])
    found = audit(twice, schema)
    assert figures(found)["duplicate_share"] == pytest.approx(100 / 2100)
    assert "audit.duplicates" in rules(found, Severity.MEDIUM)
    assert "equal to row 1" in found.suspects.filter(pl.col("check") == "duplicate")["reason"].to_list()
    renamed = pl.concat([table, table.head(100).with_columns(key=pl.lit("new ") + pl.col("key"))])
    found = audit(renamed, schema)
    assert figures(found)["duplicate_share"] == 0
    assert figures(found)["duplicate_share.without_identifiers"] == pytest.approx(100 / 2100)
    assert "audit.duplicates" not in rules(found)


def test_equal_features_with_other_labels_are_conflicts(cases):
    """Rows that differ in nothing but the label are counted as what no model can get right."""
    table, schema = cases
    other = table.head(200).with_columns(label=pl.when(pl.col("label") == "0").then(pl.lit("1")).otherwise(pl.lit("0")))
    found = audit(pl.concat([table, other]), schema)
    assert figures(found)["conflict_share"] == pytest.approx(200 / 2200)
    assert "audit.conflicts" in rules(found)


@pytest.mark.parametrize("way", ["copy", "shifted", "word", "missing", "noisy copy"])
def test_a_target_under_another_name_is_leakage(cases, way):
    """A copy of the target, as a number, a word, a pattern of missing values or nearly exact, fails the audit."""
    table, _ = cases
    truth = (table["label"] == "1").to_numpy()
    rng = np.random.default_rng(0)
    values = {
        "copy": truth.astype(float),
        "shifted": 100.0 - 3.0 * truth + rng.uniform(0, 2, truth.size),
        "word": np.where(truth, "paid", "open"),
        "missing": [1.0 if flag else None for flag in truth],
        "noisy copy": np.where(rng.random(truth.size) < 0.01, ~truth, truth).astype(float),
    }[way]
    found = audit(*with_feature(cases, values, Kind.CATEGORY if way == "word" else Kind.REAL))
    leaks = [finding for finding in found.results.findings if finding.rule == "audit.leakage"]
    assert [finding.subject for finding in leaks] == ["column extra"]
    assert found.results.outcome is Outcome.FAILED
    assert figures(found)["leakage.max_score"] >= 0.98


def test_many_different_words_do_not_look_like_leakage(cases):
    """A random word for every row predicts nothing on held-out rows."""
    found = audit(*with_feature(cases, [f"w{index}" for index in range(2000)], Kind.CATEGORY))
    assert not [finding for finding in found.results.findings if finding.rule == "audit.leakage"]


def test_an_identifier_in_the_order_of_the_target_is_mentioned(cases):
    """Rows numbered in the order of the target are a low finding, for the number is no feature."""
    table, schema = cases
    ordered = table.sort("label").with_columns(number=pl.Series(range(2000)))
    columns = (*schema.columns, Column("number", Kind.INTEGER, Role.IDENTIFIER))
    (leak,) = [
        item
        for item in audit(ordered, Schema(columns, "label", Task.BINARY)).results.findings
        if item.rule == "audit.leakage"
    ]
    assert (leak.subject, leak.severity) == ("column number", Severity.LOW)


@pytest.mark.parametrize(("scale", "leaks"), [(1.0, True), (0.5, False)])
def test_a_numeric_target_leaks_through_its_linear_copy(scale, leaks):
    """A scaled and shifted copy of a numeric target is leakage; one with noise of its own is not."""
    rng = np.random.default_rng(0)
    y = rng.lognormal(0, 1, 3000)
    noise = rng.lognormal(0, 1, 3000)
    data = pl.DataFrame({"x": rng.normal(size=3000), "copy": 7 - 3 * (scale * y + (1 - scale) * noise), "y": y})
    found = audit(*typed(data, "y"))
    assert ("audit.leakage" in rules(found, Severity.HIGH)) is leaks


def typed(data, target):
    schema = infer(data, target)
    return validate(data, schema).valid, schema


def test_values_missing_with_the_target_are_found(cases):
    """A column that is missing more often for one class is a finding; one missing at random is not."""
    table, _ = cases
    rng = np.random.default_rng(0)
    truth = (table["label"] == "1").to_numpy()
    gone = rng.random(2000) < np.where(truth, 0.5, 0.1)
    found = audit(*with_feature(cases, [None if flag else 1.0 * index for index, flag in enumerate(gone)]))
    assert [item.subject for item in found.results.findings if item.rule == "audit.missing"] == ["column extra"]
    assert figures(found)["missing.max_association"] == pytest.approx(abs(np.corrcoef(gone, truth)[0, 1]))


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2])
def test_flipped_labels_are_estimated_and_listed(cases, share):
    """Random label flips are estimated within a few points, and most of the listed rows are truly flipped."""
    table, schema = cases
    flipped = np.random.default_rng(1).random(2000) < share
    labels = [str(1 - int(value)) if flip else value for value, flip in zip(table["label"], flipped, strict=True)]
    before = figures(audit(table, schema))["label_noise.share"]
    found = audit(table.with_columns(label=pl.Series(labels)), schema)
    assert figures(found)["label_noise.share"] - before == pytest.approx(share, abs=0.35 * share + 0.01)
    listed = found.suspects.filter(pl.col("check") == "label")["row"].to_numpy()[: int(flipped.sum() / 2)]
    assert flipped[listed - 1].mean() > 0.75


def test_an_outlying_number_is_a_suspect():
    """A numeric target a hundred times too large is listed first."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=3000)
    y = 10 + x + rng.normal(0, 0.1, 3000)
    y[17] = 1000
    schema = Schema((Column("x", Kind.REAL), Column("y", Kind.REAL, Role.TARGET)), "y", Task.REGRESSION)
    found = audit(pl.DataFrame({"x": x, "y": y}), schema)
    assert found.suspects["row"][0] == 18


def test_the_audit_repeats_itself(cases):
    """The same table gives the same findings, and the order of rows changes no share of repeats."""
    first, second = audit(*cases), audit(*cases)
    assert first.results == second.results
    assert first.suspects.equals(second.suspects)


def test_few_rows_are_not_scored_for_leakage():
    """With a handful of rows of a class the audit says that it did not measure leakage."""
    data = pl.DataFrame({"x": [index * 0.1 for index in range(40)], "y": ["a", "b"] * 20})
    found = audit(*typed(data, "y"))
    assert "leakage.max_score" not in figures(found)
    assert any("was not measured" in finding.message for finding in found.results.findings)


def test_a_target_is_needed():
    """A schema without a target cannot be audited."""
    with pytest.raises(TargetError):
        audit(pl.DataFrame({"x": [1.0]}), Schema((Column("x", Kind.REAL),)))


def test_sixty_thousand_people_are_audited_quickly(sets):
    """The census is audited in a few seconds of one core."""
    valid, schema = typed(pl.read_parquet(sets / "census/people_2015.parquet"), "employed")
    started = time.process_time()
    found = audit(valid, schema)
    assert time.process_time() - started < 8
    assert 0.4 < figures(found)["duplicate_share.without_identifiers"] < 0.5
    assert figures(found)["leakage.max_score"] < 0.9


def test_many_classes_are_not_taken_for_noise():
    """Sixty well separated classes of few rows each carry hardly a suspect label."""
    rng = np.random.default_rng(1)
    classes = rng.integers(0, 60, 3000)
    values = rng.normal(0, 4, (60, 4))[classes] + rng.normal(size=(3000, 4))
    data = pl.DataFrame(values, schema=list("abcd")).with_columns(
        kind=pl.Series([f"k{number:02}" for number in classes])
    )
    assert figures(audit(*typed(data, "kind")))["label_noise.share"] < 0.15


@pytest.mark.parametrize("rows", [25, 1500])
def test_labels_that_no_feature_explains_are_not_called_wrong(rows):
    """Where nothing can be learnt, labels are not judged, and the audit says so."""
    rng = np.random.default_rng(2)
    data = pl.DataFrame({"x": rng.normal(size=rows), "label": rng.choice(["a", "b"], rows, p=[0.6, 0.4])})
    found = audit(*typed(data, "label"))
    (finding,) = [item for item in found.results.findings if item.rule == "audit.label_noise"]
    assert (finding.severity, finding.value) == (Severity.INFO, None)
    assert "label_noise.share" not in figures(found)
    assert found.suspects.is_empty()
