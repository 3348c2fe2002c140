import polars as pl
import pytest

from stockade.data.infer import infer
from stockade.data.rejection import rejections_of
from stockade.data.source import read
from stockade.data.validate import validate, validate_source
from stockade.errors import ColumnError, TooFewRowsError
from stockade.schema.column import ROW, Column, Kind, Role, Schema
from stockade.types.results import Outcome
from stockade.types.scorecard import Task


def broken(people, **values):
    """The table with its second row changed."""
    table, schema = people
    changed = table.with_row_index().with_columns(
        pl.when(pl.col("index") == 1).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    )
    return validate(changed.drop("index"), schema)


def test_valid_rows_are_typed(people):
    """Text becomes numbers and words, an empty field null, and rows keep their numbers."""
    outcome = validate(*people)
    assert outcome.valid.rows() == [
        (1, 20, "male", 1.5, "1"),
        (2, 30, "female", None, "0"),
        (3, 40, "female", 2.0, "1"),
    ]
    assert outcome.valid.dtypes == [pl.Int64, pl.Int64, pl.String, pl.Float64, pl.String]
    assert outcome.results.outcome is Outcome.PASSED
    assert [(figure.name, figure.value) for figure in outcome.results.figures] == [
        ("rows", 3.0),
        ("rejected_share", 0.0),
    ]


def test_no_name_gets_in_the_way():
    """Columns whose names look like marks of validation are judged by their own values."""
    names = ["x", "?x", "# x", "#fails", "#empty", "#0", "count", "word", "len", "value", "row", "column"]
    values = {
        name: [None if place == 3 else str(row * 7 % 50) for row in range(200)] for place, name in enumerate(names)
    }
    data = pl.DataFrame({**values, "y": ["0", "1"] * 100}).with_columns(pl.lit("7").alias("?x"))
    schema = infer(data.with_columns(pl.Series("?x", values["?x"])), "y")
    assert validate(data, schema).rejections.is_empty()
    broken = data.with_columns(pl.lit(None, pl.String).alias("?x"))
    with pytest.raises(TooFewRowsError, match="x is missing"):
        validate(broken, schema)


@pytest.mark.parametrize(
    ("values", "rule", "column", "reason"),
    [
        ({"age": "212"}, "range", "age", "age must be from 0 to 114"),
        ({"age": "-5"}, "range", "age", "age must be from 0 to 114"),
        ({"age": "old"}, "type", "age", "age must be a whole number"),
        ({"age": "20.5"}, "type", "age", "age must be a whole number"),
        ({"age": "NA"}, "missing", "age", "age is missing"),
        ({"sex": "Female"}, "category", "sex", "sex must be one of female, male"),
        ({"pay": "inf"}, "infinite", "pay", "pay must be finite"),
        ({"pay": "-1"}, "range", "pay", "pay must be at least 0"),
        ({"employed": "?"}, "target", "employed", "the target employed is missing"),
        ({"employed": "2"}, "category", "employed", "employed must be one of 0, 1"),
        (dict.fromkeys(("age", "sex", "pay", "employed"), ""), "empty", "", "no column of the row has a value"),
    ],
)
def test_a_damaged_row_is_set_aside_with_its_reason(people, values, rule, column, reason):
    """One damaged row is quarantined as it was, by one rule, and the others stay."""
    outcome = broken(people, **values)
    (rejection,) = rejections_of(outcome.rejections)
    assert (rejection.row, rejection.rule, rejection.column, rejection.reason) == (2, rule, column, reason)
    assert outcome.valid[ROW].to_list() == [1, 3]
    assert outcome.quarantine.select(ROW, *values).row(0) == (2, *values.values())
    assert outcome.results.outcome is Outcome.FAILED


def test_every_failed_constraint_of_a_row_is_named(people):
    """A row that fails three constraints has three lines, in the order of the columns."""
    outcome = broken(people, age="x", sex="y", employed="")
    assert [(item.column, item.rule) for item in rejections_of(outcome.rejections)] == [
        ("age", "type"), ("sex", "category"), ("employed", "target"),
    ]  # fmt: skip


def test_spaces_and_accents_do_not_make_a_new_word():
    """Words are compared trimmed and in Unicode NFC, numbers trimmed."""
    schema = Schema((Column("a", Kind.CATEGORY, categories=("é",)), Column("n", Kind.INTEGER)))
    outcome = validate(pl.DataFrame({"a": [" e\u0301 "], "n": [" 7 "]}), schema)
    assert outcome.valid.rows() == [(1, "é", 7)]


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (Kind.INTEGER, [1.0, 1.5, 2.0**60], [1, None, None]),
        (Kind.INTEGER, ["1", "1.0", "1e3", "0x1"], [1, 1, 1000, None]),
        (Kind.REAL, [1, 2], [1.0, 2.0]),
        (Kind.REAL, ["1e-3", "1,5"], [0.001, None]),
        (Kind.BOOLEAN, ["TRUE", "0", "yes"], [True, False, None]),
        (Kind.BOOLEAN, [1, 0, 2], [True, False, None]),
        (Kind.CATEGORY, [1.0, 1.5], ["1", "1.5"]),
        (Kind.CATEGORY, [True, False], ["true", "false"]),
    ],
)
def test_values_become_the_kind_or_are_refused(kind, values, expected):
    """Any raw type is turned into the column's kind where that loses nothing, and rejected where it would."""
    outcome = validate(pl.DataFrame({"a": values}, strict=False), Schema((Column("a", kind),)))
    assert outcome.valid["a"].to_list() == [value for value in expected if value is not None]
    assert outcome.rejections["rule"].to_list() == ["type"] * expected.count(None)


def test_timestamps_in_text_follow_the_format():
    """Dates are read in the schema's format, or as ISO 8601 with or without a zone."""
    data = pl.DataFrame({"a": ["31-12-2015", "12-31-2015"], "b": ["2015-12-31T23:00:00Z", "2015-12-31"]})
    schema = Schema((Column("a", Kind.TIMESTAMP, format="%d-%m-%Y"), Column("b", Kind.TIMESTAMP)))
    outcome = validate(data, schema)
    assert outcome.valid["b"].dt.to_string("%F %T").to_list() == ["2015-12-31 23:00:00"]
    assert outcome.rejections.select("row", "column", "rule").rows() == [(2, "a", "type")]


def test_unchecked_columns_never_reject():
    """Constants, identifiers and excluded columns may hold anything, or be absent."""
    roles = [Role.CONSTANT, Role.IDENTIFIER, Role.EXCLUDED]
    schema = Schema(
        (Column("x", Kind.REAL), *(Column(role.value, Kind.INTEGER, role, minimum=0, maximum=1) for role in roles))
    )
    outcome = validate(pl.DataFrame({"x": [1.0], "constant": ["other"], "identifier": [99]}), schema)
    assert outcome.valid.rows() == [(1, 1.0, None, 99, None)]


def test_an_absent_feature_is_named(people):
    """A table that lacks a column of the schema is refused with the column that was probably meant."""
    table, schema = people
    with pytest.raises(ColumnError) as caught:
        validate(table.rename({"age": "Age"}), schema)
    assert "'Age'" in caught.value.remedy


def test_no_valid_row_is_an_error(people):
    """When all rows are rejected, the error names the most frequent reason."""
    table, schema = people
    with pytest.raises(TooFewRowsError, match="age must be from 0 to 114"):
        validate(table.with_columns(age=pl.lit("999")), schema)


def test_a_verdict_depends_on_the_row_alone(people):
    """Validating rows one by one gives the same verdicts as all at once."""
    table, schema = people
    table = table.with_columns(age=pl.Series(["20", "999", "x"]))
    together = validate(table, schema).valid.drop(ROW)
    assert together.rows() == validate(table.head(1), schema).valid.drop(ROW).rows()


def test_lines_that_are_no_records_join_the_quarantine(tmp_path):
    """Ragged lines and damaged rows are reported together, by row."""
    lines = ["x,y", *(f"{index % 40},{index % 2}" for index in range(300)), "1", "word,1", "2,1"]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines))
    source = read(path)
    outcome = validate_source(source, infer(source.table, "y"))
    assert [(item.row, item.rule) for item in rejections_of(outcome.rejections)] == [(301, "ragged"), (302, "type")]
    assert outcome.quarantine["#text"].to_list() == ["1", None]
    assert outcome.results.figures[1].value == 2 / 303


def test_a_regression_target_is_checked_like_a_number():
    """A regression target must be a finite number within its bounds."""
    schema = Schema((Column("x", Kind.REAL), Column("y", Kind.REAL, Role.TARGET, minimum=0)), "y", Task.REGRESSION)
    outcome = validate(pl.DataFrame({"x": [1.0] * 5, "y": [1.0, -1.0, None, float("inf"), float("nan")]}), schema)
    assert outcome.rejections["rule"].to_list() == ["range", "target", "infinite", "target"]
