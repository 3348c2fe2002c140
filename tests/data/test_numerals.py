import polars as pl
import pytest

from stockade.data.infer import infer
from stockade.data.numerals import parse_number
from stockade.data.source import read
from stockade.data.validate import validate, validate_source
from stockade.schema.column import Kind, Role
from stockade.schema.toml import from_toml, to_toml
from stockade.types.scorecard import Task

ROWS = 200


def money(index):
    return f"{index * 997.5:,.2f}"


def table(**columns):
    return pl.DataFrame({"y": ["a", "b"] * (ROWS // 2), **columns})


@pytest.mark.parametrize(
    ("format_", "text", "number"),
    [
        ("1,234.5", "1,234.50", 1234.5),
        ("1,234.5", "-12", -12.0),
        ("1,234.5", "(1,234.5)", -1234.5),
        ("1,234.5", "1'234.5", 1234.5),
        ("1,234.5", "\N{MINUS SIGN}0.5", -0.5),
        ("1,234.5", "12,34", None),
        ("1,234.5", "007", None),
        ("1,234.5", "$5", None),
        ("1,234.5", "-", None),
        ("1,234.5 $", "$1,234.50", 1234.5),
        ("1,234.5 $", "-$3", -3.0),
        ("1,234.5 $", "€5", None),
        ("1,234.5 %", "45.1%", 45.1),
        ("1.234,5", "1.234,5", 1234.5),
        ("1.234,5", "-0,5", -0.5),
        ("1.234,5", "(1,2)", None),
        ("1.234,5", "1.5", None),
        ("1.234,5 €", "1\N{NO-BREAK SPACE}234,50 €", 1234.5),
    ],
)
def test_numbers_are_read_as_they_are_written(format_, text, number):
    """Groups, decimal sign, currency and percent are understood, and what is written otherwise is no number."""
    read_ = pl.DataFrame({"word": [text]}).select(parse_number(pl.col("word"), format_)).item()
    assert read_ == number


@pytest.mark.parametrize(
    ("write", "kind", "format_"),
    [
        (lambda index: f"${money(index)}", Kind.REAL, "1,234.5 $"),
        (lambda index: f"{index * 12345:,}", Kind.INTEGER, "1,234.5"),
        (lambda index: f"{index / 4:.1f}%", Kind.REAL, "1,234.5 %"),
        (lambda index: f"{index / 8:.3f}".replace(".", ","), Kind.REAL, "1.234,5"),
        (lambda index: f"{index / 8:.1f} €".replace(".", ","), Kind.REAL, "1.234,5 €"),
        (lambda index: f"{index / 8:.3f}", Kind.REAL, ""),
        (lambda index: str(index * 7), Kind.INTEGER, ""),
    ],
)
def test_columns_of_written_numbers_are_numbers(write, kind, format_):
    """A column of written numbers is a feature of its kind, no row is set aside, and the file keeps the format."""
    data = table(x=[write(index) for index in range(ROWS)])
    schema = infer(data, "y")
    column = schema.column("x")
    assert (column.kind, column.role, column.format) == (kind, Role.FEATURE, format_)
    assert from_toml(to_toml(schema)) == schema
    outcome = validate(data, schema)
    assert outcome.rejections.is_empty()
    assert outcome.valid["x"].n_unique() == data["x"].n_unique()


@pytest.mark.parametrize(
    "words", [["€5", "$5"], ["1.2.3", "4.5.6"], ["0123", "0456"], ["12 34", "56 78"], ["1,2,3", "4,5,6"]]
)
def test_words_that_only_look_like_numbers_stay_words(words):
    """Two currencies, versions, codes and lists make no numeric column."""
    assert infer(table(x=words * (ROWS // 2)), "y").column("x").kind is Kind.CATEGORY


def test_a_few_large_numbers_with_separators_are_no_damage():
    """Where one value in a hundred passes a thousand, its separator costs no row."""
    data = table(x=[f"{index * 5 + 10:,}" for index in range(ROWS)])
    assert validate(data, infer(data, "y")).rejections.is_empty()


def test_a_stray_decimal_comma_moves_no_point():
    """One damaged value does not turn 1.234 into a thousand."""
    data = table(x=[f"{1 + index / 1000:.3f}" for index in range(ROWS - 1)] + ["1,5"])
    schema = infer(data, "y")
    assert schema.column("x").format == ""
    assert validate(data, schema).rejections["value"].to_list() == ["1,5"]


def test_prices_can_be_predicted(tmp_path):
    """A target of written numbers makes a regression on their values."""
    lines = [f'"{money(index)} €";{index * 7 % 50}' for index in range(ROWS)]
    (tmp_path / "prices.csv").write_text("\n".join(["price;size", *lines]))
    source = read(tmp_path / "prices.csv")
    schema = infer(source.table, "price")
    assert schema.task is Task.REGRESSION
    assert validate_source(source, schema).valid["price"].to_list() == [index * 997.5 for index in range(ROWS)]


def test_two_written_numbers_are_two_classes():
    """A target of two percentages is binary, and every row has its class."""
    data = pl.DataFrame({"x": [index * 0.37 % 1 for index in range(ROWS)], "rate": ["5%", "10%"] * (ROWS // 2)})
    schema = infer(data, "rate")
    assert set(schema.classes) == {"5%", "10%"}
    assert validate(data, schema).rejections.is_empty()
