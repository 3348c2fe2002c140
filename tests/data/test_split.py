import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.data.rowhash import row_hashes
from stockade.data.split import split
from stockade.errors import TargetError, TooFewRowsError
from stockade.schema.column import ROW, Column, Kind, Role, Schema
from stockade.types.scorecard import Task

TARGET = Column("y", Kind.CATEGORY, Role.TARGET, categories=("0", "1"))
SCHEMA = Schema((Column("x", Kind.REAL), Column("w", Kind.CATEGORY), TARGET), "y", Task.BINARY)


def table(rows=1000, distinct=400, seed=3):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            ROW: range(1, rows + 1),
            "x": rng.integers(0, distinct, rows).astype(float),
            "w": rng.choice(["a", "b"], rows),
            "y": rng.choice(["0", "1"], rows, p=[0.8, 0.2]),
            "g": rng.integers(0, 60, rows),
        }
    )


def test_equal_rows_share_a_fold():
    """No two rows with the same features lie in different folds."""
    data = table()
    counts = data.with_columns(split(data, SCHEMA)).group_by("x", "w").agg(pl.col("fold").n_unique())
    assert counts["fold"].max() == 1


def test_classes_and_sizes_are_even():
    """Test and folds have their shares of rows and of each class."""
    data = table(5000, 4000)
    parts = data.with_columns(split(data, SCHEMA, folds=4, test_share=0.2)).group_by("fold").agg(
        pl.len(), (pl.col("y") == "1").mean().alias("rate")
    )  # fmt: skip
    assert sorted(parts["fold"]) == [-1, 0, 1, 2, 3]
    assert ((parts["len"].cast(pl.Int64) - 1000).abs() <= 5).all()
    assert (parts["rate"] - (data["y"] == "1").mean()).abs().max() < 0.005


def test_the_split_does_not_depend_on_the_order_of_rows():
    """Shuffled rows keep their folds; another seed moves them."""
    data = table()
    shuffled = data.sample(fraction=1, shuffle=True, seed=8)
    again = shuffled.with_columns(split(shuffled, SCHEMA, seed=4)).sort(ROW)["fold"]
    assert again.equals(split(data, SCHEMA, seed=4))
    assert not again.equals(split(data, SCHEMA, seed=5))


def test_the_split_is_the_same_on_every_machine():
    """The hash behind the split is fixed: these values must never change."""
    data = pl.DataFrame(
        {"a": [1.5, -0.0, None, 0.0], "b": ["é", None, "", "x"], "c": [1, 2, None, 4], "d": [True, None, False, True]}
    )
    assert [int(value) for value in row_hashes(data, data.columns, 7)] == FIXED


FIXED = [17029565643740997114, 559700698879452598, 8469521442025070412, 15713537988772268638]


def test_negative_zero_is_zero_and_nan_is_null():
    """Values that mean the same hash equally, and missing values unlike zero or no text."""
    data = pl.DataFrame({"a": [0.0, -0.0, None, float("nan")]})
    zero, negative, null, nan = row_hashes(data, ["a"], 1)
    assert zero == negative != null == nan
    empty, none = row_hashes(pl.DataFrame({"a": ["", None]}), ["a"], 1)
    assert empty != none


def test_groups_are_never_torn_apart():
    """Rows of one group share a fold, and so do groups linked by equal rows."""
    data = table(1000, 100_000)
    schema = Schema((*SCHEMA.columns, Column("g", Kind.INTEGER, Role.GROUP)), "y", Task.BINARY)
    folds = data.with_columns(split(data, schema))
    assert folds.group_by("g").agg(pl.col("fold").n_unique())["fold"].max() == 1
    assert folds["fold"].n_unique() == 6


def test_time_is_cut_into_blocks():
    """The test is the last block in time, blocks follow each other, and equal moments stay together."""
    data = table().with_columns(t=pl.Series(np.random.default_rng(0).integers(0, 90, 1000)))
    schema = Schema((*SCHEMA.columns, Column("t", Kind.INTEGER, Role.TIME)), "y", Task.BINARY)
    parts = data.with_columns(split(data, schema, folds=3, test_share=0.25))
    ranges = parts.group_by("fold").agg(pl.len(), pl.col("t").min().alias("first"), pl.col("t").max().alias("last"))
    ordered = ranges.sort("first")
    assert ordered["fold"].to_list() == [0, 1, 2, 3, -1]
    assert (ordered["last"].head(4) < ordered["first"].tail(4)).all()
    assert abs(ordered["len"].to_list()[-1] - 250) <= 15


def test_a_numeric_target_is_spread_evenly():
    """Large values of a numeric target occur in every part."""
    rng = np.random.default_rng(1)
    data = pl.DataFrame({"x": rng.normal(size=500), "y": rng.lognormal(0, 2, 500)})
    schema = Schema((Column("x", Kind.REAL), Column("y", Kind.REAL, Role.TARGET)), "y", Task.REGRESSION)
    parts = data.with_columns(split(data, schema)).group_by("fold").agg(pl.col("y").median())
    assert parts["y"].max() < 1.6 * parts["y"].min()


def test_a_row_repeated_endlessly_leaves_the_test_its_share():
    """A row that makes up a third of the table trains; the test keeps its size and its mix of classes."""
    rng = np.random.default_rng(2)
    values = np.where(np.arange(3000) < 1000, 0.0, rng.normal(size=3000))
    labels = np.where(np.arange(3000) < 1000, "0", rng.choice(["0", "1"], 3000))
    data = pl.DataFrame({"x": values, "w": ["a"] * 3000, "y": labels})
    folds = split(data, SCHEMA)
    test = data.filter(folds == -1)
    assert abs(test.height - 600) < 20
    assert abs((test["y"] == "1").mean() - (data["y"] == "1").mean()) < 0.06


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (table(3), "3 rows are too few"),
        (table(1000, 400).with_columns(y=pl.lit("0")), "class '1' has no row left"),
        (
            table(1000, 400).with_columns(y=pl.when(pl.col(ROW) <= 3).then(pl.lit("1")).otherwise(pl.lit("0"))),
            "class '1' has",
        ),
        (table(1000, 1).with_columns(w=pl.lit("a")), "different rows"),
    ],
)
def test_too_few_rows_are_refused(data, words):
    """A split that leaves a part without rows or a class is refused with what is lacking."""
    with pytest.raises(TooFewRowsError, match=words) as caught:
        split(data, SCHEMA)
    assert caught.value.remedy


def test_impossible_requests_are_refused():
    """Parameters have ranges, a target is needed, and moments must be known and many."""
    with pytest.raises(ValueError):
        split(table(), SCHEMA, folds=1)
    with pytest.raises(ValueError):
        split(table(), SCHEMA, test_share=0.9)
    with pytest.raises(TargetError):
        split(table(), Schema((Column("x", Kind.REAL),)))
    schema = Schema((*SCHEMA.columns, Column("g", Kind.INTEGER, Role.TIME)), "y", Task.BINARY)
    with pytest.raises(TooFewRowsError, match="different moments"):
        split(table().with_columns(g=pl.col("g") % 3), schema)
    with pytest.raises(TooFewRowsError, match="no value of the time"):
        split(table().with_columns(g=pl.lit(None, pl.Int64)), schema)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.integers(60, 200), st.integers(2, 40), st.integers(2, 6), st.floats(0.05, 0.5))
def test_every_split_keeps_its_promises(seed, rows, distinct, folds, share):
    """For any table, equal rows stay together and every part has rows, or the split is refused."""
    data = table(rows, distinct, seed)
    try:
        parts = split(data, SCHEMA, folds=folds, test_share=share, seed=seed)
    except TooFewRowsError:
        return
    assert set(parts) == {-1, *range(folds)}
    assert data.with_columns(parts).group_by("x", "w").agg(pl.col("fold").n_unique())["fold"].max() == 1


def test_rows_that_are_equal_by_chance_go_their_own_ways():
    """Features of few values make cases that look alike: every part gets some of each, whatever the order of rows."""
    rng = np.random.default_rng(0)
    columns = (
        Column("x", Kind.CATEGORY),
        Column("z", Kind.BOOLEAN),
        Column("y", Kind.CATEGORY, Role.TARGET, categories=("0", "1")),
    )
    schema = Schema(columns, "y", Task.BINARY)
    table = pl.DataFrame(
        {"x": rng.choice(["a", "b", "c"], 900), "z": rng.random(900) < 0.5, "y": rng.choice(["0", "1"], 900)}
    )
    folds = split(table, schema)
    for part in range(-1, 5):
        assert table.filter(folds == part).unique().height == 12
    assert (folds == -1).mean() == pytest.approx(0.2, abs=0.02)
    order = rng.permutation(900)
    shuffled = table[order]
    counted = [
        rows.with_columns(fold).group_by(pl.all()).len().sort("x", "z", "y", "fold")
        for rows, fold in ((table, folds), (shuffled, split(shuffled, schema)))
    ]
    assert counted[0].equals(counted[1])


def test_repeated_rows_of_many_values_stay_together():
    """Ten copies of each of a hundred rows of measurements share a part each."""
    rng = np.random.default_rng(0)
    schema = Schema((Column("x", Kind.REAL), Column("y", Kind.REAL, Role.TARGET)), "y", Task.REGRESSION)
    table = pl.DataFrame({"x": rng.normal(size=100), "y": rng.normal(size=100)})
    table = pl.concat([table] * 10)
    folds = split(table, schema)
    assert table.with_columns(folds).group_by("x").agg(pl.col("fold").n_unique())["fold"].max() == 1


@pytest.mark.parametrize("rows", [21, 25, 40, 60, 119])
def test_small_regressions_are_split(rows):
    """Every part of a small table with a numeric target gets rows."""
    rng = np.random.default_rng(0)
    schema = Schema((Column("x", Kind.REAL), Column("y", Kind.REAL, Role.TARGET)), "y", Task.REGRESSION)
    table = pl.DataFrame({"x": rng.normal(size=rows), "y": rng.normal(size=rows)})
    counts = split(table, schema).value_counts()
    assert counts.height == 6
    assert counts["count"].min() >= 2
