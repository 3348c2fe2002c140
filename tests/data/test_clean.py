import hashlib
import hmac

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.data.anonymise import anonymise, pseudonym
from stockade.data.clean import clean
from stockade.data.profile import profile
from stockade.data.validate import validate
from stockade.errors import ColumnError, ConfigError
from stockade.schema.column import ROW, Column, Kind, Role, Schema
from stockade.types.record import from_plain, to_plain
from stockade.types.table import Bar, Profile, Tally

KEY = bytes(range(32))
SCHEMA = Schema((Column("word", Kind.CATEGORY), Column("number", Kind.REAL)))


def test_values_are_normalised():
    """Spaces go, accents are composed, markers of nothing become null, and there is one zero."""
    table = pl.DataFrame(
        {ROW: [1, 2, 3], "word": [" a ", "e\u0301", "N/A"], "number": [-0.0, float("nan"), 1.5], "more": [1, 2, 3]}
    )
    cleaned = clean(table, SCHEMA)
    assert cleaned.rows() == [(1, "a", 0.0), (2, "é", None), (3, None, 1.5)]
    assert str(cleaned["number"][0]) == "0.0"


@given(st.lists(st.tuples(st.text(max_size=8) | st.none(), st.floats() | st.none()), max_size=10))
def test_cleaning_is_stateless(rows):
    """Cleaning twice changes nothing, and a row is cleaned alone as it is among others."""
    table = pl.DataFrame(rows, schema={"word": pl.String, "number": pl.Float64}, orient="row")
    cleaned = clean(table, SCHEMA)
    assert clean(cleaned, SCHEMA).equals(cleaned)
    for index in range(table.height):
        assert clean(table[index : index + 1], SCHEMA).equals(cleaned[index : index + 1])


def test_columns_are_dropped_and_pseudonymised(people):
    """Dropped columns leave table and schema; pseudonyms replace values and keep equal ones equal."""
    table, schema = people
    valid = validate(table, schema).valid
    result, fitting = anonymise(valid, schema, drop=["pay"], pseudonymise=["sex"], key=KEY)
    assert result.columns == [ROW, "age", "sex", "employed"]
    assert fitting.names == ("age", "sex", "employed")
    assert result["sex"][1] == result["sex"][2] != result["sex"][0]
    assert "male" not in result["sex"]
    assert validate(result, fitting).valid.height == 3


def test_a_pseudonym_is_keyed_and_bound_to_its_column():
    """It is HMAC-SHA-256 over the column's name with its length and the value, and differs by column and key."""
    expected = hmac.new(KEY, b"\x00\x00\x00\x03sexmale", hashlib.sha256).hexdigest()[:32]
    assert pseudonym("sex", "male", KEY) == expected
    assert len({pseudonym("sex", "male", KEY), pseudonym("se", "xmale", KEY), pseudonym("sex", "male", KEY[::-1])}) == 3


def test_identifiers_keep_their_role_as_pseudonyms():
    """A pseudonymised identifier stays an identifier, whole numbers written without a point, and null stays null."""
    table = pl.DataFrame({"id": [1.0, None, 3.0]})
    result, fitting = anonymise(
        table, Schema((Column("id", Kind.REAL, Role.IDENTIFIER),)), pseudonymise=["id"], key=KEY
    )
    assert result["id"].to_list() == [pseudonym("id", "1", KEY), None, pseudonym("id", "3", KEY)]
    assert fitting.column("id").role is Role.IDENTIFIER


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"drop": ["agee"]}, ColumnError),
        ({"drop": ["employed"]}, ColumnError),
        ({"drop": ["age"], "pseudonymise": ["age"], "key": KEY}, ColumnError),
        ({"pseudonymise": ["sex"], "key": KEY[:31]}, ConfigError),
        ({"pseudonymise": ["sex"]}, ConfigError),
    ],
)
def test_impossible_requests_are_refused(people, arguments, error):
    """Unknown columns, the target and short keys are refused with a remedy."""
    table, schema = people
    with pytest.raises(error) as caught:
        anonymise(validate(table, schema).valid, schema, **arguments)
    assert caught.value.remedy


def test_a_profile_counts_what_is_there(people):
    """Numbers have quantiles and bars, words have tallies, and the record survives JSON."""
    table, schema = people
    found = profile(table, schema)
    age, sex, pay, _ = found.columns
    assert (age.minimum, age.mean, age.maximum, age.quantiles[2]) == (20.0, 30.0, 40.0, 30.0)
    assert sum(bar.count for bar in age.histogram) == 3
    assert sex.top == (Tally("female", 2), Tally("male", 1))
    assert (pay.count, pay.nulls, pay.distinct) == (2, 1, 2)
    assert from_plain(Profile, to_plain(found)) == found


def test_whole_numbers_have_bars_of_whole_width():
    """A column of few whole numbers has one bar for each."""
    table = pl.DataFrame({"n": [1, 1, 2, 4]})
    (column,) = profile(table, Schema((Column("n", Kind.INTEGER),))).columns
    assert column.histogram == (Bar(1, 2, 2), Bar(2, 3, 1), Bar(3, 4, 0), Bar(4, 5, 1))


@given(st.lists(st.floats() | st.none(), max_size=30), st.sampled_from([Kind.REAL, Kind.INTEGER]))
def test_any_column_has_a_profile(values, kind):
    """Infinite, huge, missing and no values are all described, and bars add up."""
    (column,) = profile(pl.DataFrame({"n": values}, schema={"n": pl.Float64}), Schema((Column("n", kind),))).columns
    assert column.count + column.nulls == len(values)
    assert sum(bar.count for bar in column.histogram) == column.count
    assert len(column.histogram) <= 24
