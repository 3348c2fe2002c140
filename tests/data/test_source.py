import csv
import io

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stockade.data.rejection import rejections_of
from stockade.data.source import read
from stockade.errors import ColumnError, DataError, SourceUnreadableError
from stockade.schema.column import ROW


def write(folder, content, name="people.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "a.csv", "empty"),
        (b"  \n\n", "a.csv", "empty"),
        (b"a,b\n", "a.csv", "no rows"),
        (b"a,b\n1\n2\n", "a.csv", "no line is a record: 1 fields where the header has 2 (line 2)"),
        (b"a,b\n1,\xe9t\xe9\n", "a.csv", "not UTF-8: byte 0xe9 at position 3 of line 2"),
        ("a,b\n1,2\n".encode("utf-16"), "a.csv", "UTF-16"),
        (b'a,b\n1,"x\n2,3\n4,5\n', "a.csv", "quotation mark in row 1 is never closed"),
        (b"a,b\n1,\x002\n", "a.csv", "neither text nor Parquet"),
        (b"a,b\n1,2\n", "a.parquet", "not a Parquet file"),
        (b"PAR1 and nothing else PAR1", "a.parquet", "Parquet file cannot be read"),
        (b"\x1f\x8b\x08\x00", "a.csv.gz", "gzip"),
        (b'[{"a": 1}]', "a.json", "one JSON list"),
    ],
)
def test_unusable_files_are_named(tmp_path, content, name, words):
    """A file that cannot be used is refused with what is wrong, where, and what to do."""
    with pytest.raises(SourceUnreadableError) as caught:
        read(write(tmp_path, content, name))
    assert words in caught.value.message
    assert name in caught.value.where
    assert caught.value.remedy


def test_a_missing_file_suggests_its_neighbour(tmp_path):
    """A misspelt path names the file that was probably meant."""
    write(tmp_path, "a\n1\n")
    with pytest.raises(SourceUnreadableError) as caught:
        read(tmp_path / "peple.csv")
    assert "people.csv" in caught.value.remedy
    with pytest.raises(SourceUnreadableError):
        read(tmp_path)


@pytest.mark.parametrize("content", ["a,b,a\n1,2,3\n", "a,#row\n1,2\n", "a,#text\n1,2\n", "#!0,a\n1,2\n"])
def test_names_that_cannot_be_told_apart_are_refused(tmp_path, content):
    """Duplicated and reserved column names are refused."""
    with pytest.raises(ColumnError):
        read(write(tmp_path, content))


@pytest.mark.parametrize("comment", ["", "# made by a tool\n", "# made by a tool, in, 2020\n# again\n"])
@pytest.mark.parametrize("header", ["a,b", "# a,b", "#,b"])
def test_comments_before_the_header_are_left_out(tmp_path, comment, header):
    """Lines of # with another number of fields are no header, and names may start with #."""
    source = read(write(tmp_path, f"{comment}{header}\n1,2\n3,4\n"))
    assert source.table.columns == [ROW, *header.split(",")]
    assert source.table.rows() == [(1, "1", "2"), (2, "3", "4")]
    assert source.rejections.is_empty()


def test_lines_that_end_in_carriage_returns_alone_are_refused_with_a_remedy(tmp_path):
    """A file with line ends of old is told how to be converted."""
    with pytest.raises(SourceUnreadableError) as caught:
        read(write(tmp_path, "a,b\r1,2\r3,4\r"))
    assert "tr '\\r' '\\n'" in caught.value.remedy


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_names_are_the_same_however_their_accents_are_stored(tmp_path, suffix):
    """A letter with its accent apart is the same name as the composed one."""
    table = pl.DataFrame({"nai\u0308ve": [1, 2]})
    path = tmp_path / f"a.{suffix}"
    {"csv": table.write_csv, "parquet": table.write_parquet, "jsonl": table.write_ndjson}[suffix](path)
    assert read(path).table.columns == [ROW, "na\u00efve"]


def test_row_numbers_are_numbers(tmp_path):
    """A typed file whose column of the reserved name holds no row numbers is refused."""
    pl.DataFrame({ROW: ["a", "b"], "x": [1, 2]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(ColumnError):
        read(tmp_path / "a.parquet")


def test_ragged_rows_are_set_aside_with_their_numbers(tmp_path):
    """A row with too many or too few fields is rejected with row, text and reason; the others keep their numbers."""
    source = read(write(tmp_path, "a,b\n1,2\n3,4,5\n6\n7,8\n"))
    assert source.table.rows() == [(1, "1", "2"), (4, "7", "8")]
    assert source.damaged.rows() == [(2, "3,4,5"), (3, "6")]
    first, second = rejections_of(source.rejections)
    assert (first.row, first.rule, second.row) == (2, "ragged", 3)
    assert "3 fields where the header has 2 (line 3)" in first.reason


def test_quotes_newlines_marks_and_line_ends_are_understood(tmp_path):
    """A byte order mark, CRLF, quoted newlines, doubled quotes and a missing last newline are all plain CSV."""
    source = read(write(tmp_path, b'\xef\xbb\xbfa,b\r\n"x\r\ny","say ""hi"""\r\n1,2'))
    assert source.table.columns == [ROW, "a", "b"]
    assert source.table.rows() == [(1, "x\r\ny", 'say "hi"'), (2, "1", "2")]


@pytest.mark.parametrize(("separator", "name"), [(";", "a.csv"), ("\t", "a.tsv"), ("\t", "a.csv"), ("|", "a.txt")])
def test_the_separator_is_told_from_the_header(tmp_path, separator, name):
    """Semicolons, tabs and bars separate fields as well as commas."""
    source = read(write(tmp_path, "a,b\n1,2\n".replace(",", separator), name))
    assert source.table.rows() == [(1, "1", "2")]


def test_blank_lines_inside_are_rows_and_at_the_end_are_not(tmp_path):
    """A blank line between rows is a row without values; blank lines at the end are nothing."""
    source = read(write(tmp_path, "a,b\n1,2\n\n3,4\n\n\n"))
    assert source.table.rows() == [(1, "1", "2"), (2, "", ""), (3, "3", "4")]


def test_json_lines_keep_types_and_mixed_columns_become_text(tmp_path):
    """Columns of one type keep it; a mixed column becomes text; a line that is no object is set aside."""
    lines = '{"a": 1, "b": true, "c": 1}\n{"a": 2.5, "b": null, "c": "x"}\nnonsense\n{"a": 3, "a": 4}\n[1]\n{"d": 1}\n'
    source = read(write(tmp_path, lines, "a.jsonl"))
    assert source.table.schema == {
        ROW: pl.Int64, "a": pl.Float64, "b": pl.Boolean, "c": pl.String, "d": pl.Int64,
    }  # fmt: skip
    assert source.table.rows()[1] == (2, 2.5, None, "x", None)
    assert source.rejections["row"].to_list() == [3, 4, 5]
    assert source.table[ROW].to_list() == [1, 2, 6]


def test_nested_values_are_refused(tmp_path):
    """Lists and records in a column are refused with the column's name, in JSON Lines and in Parquet."""
    with pytest.raises(ColumnError, match="'a' holds lists"):
        read(write(tmp_path, '{"a": [1]}\n', "a.jsonl"))
    pl.DataFrame({"b": [[1], [2]]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(ColumnError, match="'b' holds lists"):
        read(tmp_path / "a.parquet")


def test_a_truncated_parquet_file_is_refused(tmp_path):
    """A Parquet file that was cut off is refused, not half read."""
    pl.DataFrame({"a": range(1000)}).write_parquet(tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    with pytest.raises(SourceUnreadableError):
        read(write(tmp_path, whole[: len(whole) // 2], "b.parquet"))


def test_parquet_types_are_brought_down_to_few(tmp_path):
    """Small integers, decimals, categories, dates and zoned times become the types that schemas know."""
    table = pl.DataFrame({"a": [1], "b": ["x"], "c": ["2015-01-02"], "d": ["2015-01-02T01:00:00+01:00"], "e": [2**63]})
    table = table.with_columns(
        pl.col("a").cast(pl.Int8),
        pl.col("b").cast(pl.Categorical),
        pl.col("c").str.to_date(),
        pl.col("d").str.to_datetime("%+").dt.convert_time_zone("Europe/Rome"),
        pl.lit("1.5").cast(pl.Decimal(10, 2)).alias("f"),
    )
    table.write_parquet(tmp_path / "a.parquet")
    found = read(tmp_path / "a.parquet").table
    assert found.dtypes == [
        pl.Int64, pl.Int64, pl.String, pl.Datetime("us"), pl.Datetime("us"), pl.String, pl.Float64,
    ]  # fmt: skip
    assert found["d"].dt.to_string("%H").item() == "00"


FIELD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.lists(st.tuples(FIELD, FIELD), min_size=1, max_size=8))
def test_any_table_survives_csv(tmp_path, rows):
    """Whatever a CSV writer writes, quotes and newlines included, is read back field by field."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([("a", "b"), *rows])
    table = read(write(tmp_path, text.getvalue())).table
    assert table.select("a", "b").rows() == rows


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["a.csv", "a.tsv", "a.jsonl", "a.parquet"]))
def test_any_bytes_are_a_table_or_a_data_error(tmp_path, content, name):
    """No content makes reading fail in another way, and every line is either a row or a rejection."""
    try:
        source = read(write(tmp_path, content, name))
    except DataError:
        return
    numbers = [*source.table[ROW], *source.damaged[ROW]]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
