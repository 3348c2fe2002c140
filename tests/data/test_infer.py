import polars as pl
import pytest

from stockade.data.infer import Hints, infer, task_of
from stockade.data.source import read
from stockade.data.validate import validate
from stockade.errors import ColumnError, TargetError, TooFewRowsError
from stockade.schema.column import Kind, Role, Schema
from stockade.types.scorecard import Task

ROWS = 200


def table(**columns):
    base = {"x": [index * 0.37 % 1 for index in range(ROWS)], "y": ["no", "yes"] * (ROWS // 2)}
    return pl.DataFrame({**base, **columns})


def one(values, **hints):
    return infer(table(it=values), "y", Hints(**hints)).column("it")


@pytest.mark.parametrize(
    ("values", "kind", "role"),
    [
        (list(range(ROWS)), Kind.INTEGER, Role.IDENTIFIER),
        ([index * 7919 % 10007 for index in range(ROWS)], Kind.INTEGER, Role.FEATURE),
        ([f"u{index:05}-{index * 31}" for index in range(ROWS)], Kind.TEXT, Role.IDENTIFIER),
        ([f"{index} Some Street" for index in range(ROWS)], Kind.TEXT, Role.EXCLUDED),
        ([7] * ROWS, Kind.INTEGER, Role.CONSTANT),
        ([None] * ROWS, Kind.TEXT, Role.CONSTANT),
        (["a", "b"] * (ROWS // 2), Kind.CATEGORY, Role.FEATURE),
        (["true", "False"] * (ROWS // 2), Kind.BOOLEAN, Role.FEATURE),
        ([str(index % 50) for index in range(ROWS)], Kind.INTEGER, Role.FEATURE),
        ([f"{index % 50}.5" for index in range(ROWS)], Kind.REAL, Role.FEATURE),
        ([f"0{index % 50 + 2000}" for index in range(ROWS)], Kind.CATEGORY, Role.FEATURE),
        ([str(index % 50) for index in range(ROWS - 1)] + ["many"], Kind.INTEGER, Role.FEATURE),
        ([f"{index % 28 + 1:02}-{index % 12 + 1:02}-2015" for index in range(ROWS)], Kind.TIMESTAMP, Role.FEATURE),
        ([f"12/{index % 28 + 1:02}/2015" for index in range(ROWS)], Kind.TIMESTAMP, Role.FEATURE),
        ([f"12/{index % 28 + 1:02}/15" for index in range(ROWS)], Kind.TIMESTAMP, Role.FEATURE),
        ([f"Jan {index % 28 + 1:02}, 2015" for index in range(ROWS)], Kind.TIMESTAMP, Role.FEATURE),
        ([f"{index % 28 + 1}-DEC-2015" for index in range(ROWS)], Kind.TIMESTAMP, Role.FEATURE),
        ([f"1/{index % 28 + 1}/2015 {index % 12 + 1}:05 PM" for index in range(ROWS)], Kind.TIMESTAMP, Role.FEATURE),
        (["1.2.3", "4.5.12"] * (ROWS // 2), Kind.CATEGORY, Role.FEATURE),
    ],
)
def test_kinds_and_roles_are_told_from_values(values, kind, role):
    """Each sort of column is recognised."""
    column = one(values)
    assert (column.kind, column.role) == (kind, role)


def test_day_and_month_are_told_apart():
    """The format of dates is the one that all values fit."""
    assert one([f"12/{index % 28 + 1:02}/2015" for index in range(ROWS)]).format == "%m/%d/%Y"
    assert one([f"{index % 28 + 1:02}/12/2015" for index in range(ROWS)]).format == "%d/%m/%Y"


def test_a_name_like_an_identifier_counts_only_with_unique_values():
    """policy_number is an identifier when unique; shop_id with few values is a feature."""
    numbers = [float(index * 7919 % 10007) for index in range(ROWS)]
    schema = infer(table(policy_number=numbers, shop_id=[index % 5 for index in range(ROWS)]), "y")
    assert schema.column("policy_number").role is Role.IDENTIFIER
    assert schema.column("shop_id").role is Role.FEATURE


def test_rare_unknown_words_stay_out_but_small_groups_stay_in():
    """A misspelling among frequent words is left out; a word as rare as its neighbours is not."""
    size = 6000
    base = {"x": [index * 0.37 % 1 for index in range(size)], "y": ["no", "yes"] * (size // 2)}
    misspelt = ["male", "female"] * (size // 2 - 1) + ["femlae", "?"]
    thinning = ["a"] * (size - 16) + ["b"] * 14 + ["c"] * 2
    schema = infer(pl.DataFrame({**base, "sex": misspelt, "race": thinning}), "y")
    assert schema.column("sex").categories == ("female", "male")
    assert schema.column("sex").nullable
    assert "femlae" in schema.column("sex").note
    assert schema.column("race").categories == ("a", "b", "c")


def test_time_is_found_in_ordered_rows_and_panels():
    """One timestamp that rows follow, or a panel of products and days, makes the table ordered in time."""
    days = pl.Series("day", range(ROWS)).cast(pl.Date)
    assert infer(table(day=days), "y").column("day").role is Role.TIME
    shuffled = days.sample(fraction=1, shuffle=True, seed=1)
    assert infer(table(day=shuffled), "y").column("day").role is Role.FEATURE
    panel = table(day=[index % 20 for index in range(ROWS)], shop=[f"s{index // 20}" for index in range(ROWS)])
    assert infer(panel.with_columns(pl.col("day").cast(pl.Date)), "y").ordered
    assert not infer(table(day=days, other=days), "y").ordered


def test_hints_are_obeyed():
    """What the user says of columns decides."""
    data = table(
        a=[index % 7 for index in range(ROWS)],
        b=[index % 3 for index in range(ROWS)],
        c=range(ROWS),
        d=["u", "v"] * 100,
    )
    hints = Hints(identifiers=("a",), time="c", group="b", sensitive=("d",), exclude=("d",))
    schema = infer(data, "y", hints)
    roles = {column.name: column.role for column in schema.columns}
    assert roles == {
        "x": Role.FEATURE,
        "y": Role.TARGET,
        "a": Role.IDENTIFIER,
        "b": Role.GROUP,
        "c": Role.TIME,
        "d": Role.EXCLUDED,
    }
    assert [column.name for column in schema.sensitive()] == ["d"]
    assert schema.column("c").maximum is None


@pytest.mark.parametrize(
    "hints", [{"time": "xx"}, {"exclude": ("y",)}, {"time": "x", "group": "x"}, {"time": "y"}, {"sensitive": ("z",)}]
)
def test_hints_that_cannot_be_are_refused(hints):
    """A hint names an existing column, and not the target."""
    with pytest.raises(ColumnError):
        infer(table(), "y", Hints(**hints))


def test_time_must_be_ordered():
    """A column of words cannot be time."""
    with pytest.raises(ColumnError, match="cannot be ordered"):
        infer(table(word=["a", "b"] * 100), "y", Hints(time="word"))


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        ([0, 1] * 100, Task.BINARY, ("0", "1")),
        ([1.0, 2.0] * 100, Task.BINARY, ("1", "2")),
        ([True, False] * 100, Task.BINARY, ("false", "true")),
        (["Y", "N"] * 100, Task.BINARY, ("N", "Y")),
        (["fraud"] * 20 + ["legit"] * 180, Task.BINARY, ("legit", "fraud")),
        ([index % 10 for index in range(ROWS)], Task.MULTICLASS, tuple("0123456789")),
        (["a", "b", "c", "d"] * 50, Task.MULTICLASS, ("a", "b", "c", "d")),
        ([index % 10 * 100 for index in range(ROWS)], Task.REGRESSION, ()),
        ([index * 0.5 for index in range(ROWS)], Task.REGRESSION, ()),
        ([str(index) for index in range(ROWS)], Task.REGRESSION, ()),
    ],
)
def test_the_task_is_told_from_the_target(values, task, classes):
    """Two values are binary, few words or close whole numbers are classes, other numbers are regression."""
    schema = infer(table(goal=values), "goal")
    assert (task_of(schema), schema.classes) == (task, classes)


@pytest.mark.parametrize(
    ("counts", "task"),
    [
        ((270, 270, 180, 90, 36, 12, 3, 1), Task.REGRESSION),
        ((600, 300, 75, 15, 2), Task.REGRESSION),
        ((262, 394, 352, 297, 207, 159, 93, 69, 39, 38, 23, 20, 12, 9, 26), Task.REGRESSION),
        ((2, 20, 160, 220, 88, 17, 1), Task.REGRESSION),
        ((164, 55, 36, 35, 13), Task.MULTICLASS),
        ((50, 100, 200, 400, 250), Task.MULTICLASS),
        ((2118, 2833, 358, 27, 95, 174, 205), Task.MULTICLASS),
        ((900, 100, 6), Task.MULTICLASS),
    ],
)
def test_counts_are_told_from_numbered_classes(counts, task):
    """Numbers that thin out on both sides of the most frequent are counted, not named; the schema says so."""
    values = [value for value, count in enumerate(counts) for _ in range(count)]
    data = pl.DataFrame({"x": [index * 0.37 % 1 for index in range(len(values))], "count": values})
    schema = infer(data, "count")
    assert schema.task is task
    assert "task" in schema.target_column.note or "categories" in schema.target_column.note


@pytest.mark.parametrize(
    ("words", "classes"),
    [
        (("False", "True"), ("false", "true")),
        (("FALSE", "TRUE"), ("false", "true")),
        (("0.0", "1.0"), ("0", "1")),
        (("-1", "+1"), ("-1", "1")),
        (("-0.0", "1.0"), ("0", "1")),
        (("0.50", "1.50"), ("0.5", "1.5")),
        (("нет", "да"), ("нет", "да")),
        (("01", "02"), ("01", "02")),
    ],
)
def test_classes_hold_however_their_text_is_written(words, classes):
    """No row is set aside because a class is written otherwise than the schema names it."""
    data = table(goal=[*words] * (ROWS // 2))
    schema = infer(data, "goal")
    outcome = validate(data, schema)
    assert schema.classes == classes
    assert outcome.rejections.is_empty()
    assert outcome.valid["goal"].to_list() == [*classes] * (ROWS // 2)


def test_a_hinted_task_decides():
    """Few whole numbers are regression where the user says so."""
    data = table(goal=[index % 10 for index in range(ROWS)])
    assert infer(data, "goal", Hints(task=Task.REGRESSION)).task is Task.REGRESSION
    with pytest.raises(TargetError):
        infer(data, "goal", Hints(task=Task.BINARY))
    with pytest.raises(TargetError):
        infer(table(goal=["a", "b", "c", "d"] * 50), "goal", Hints(task=Task.REGRESSION))


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        ([None] * ROWS, TargetError, "no row has a value"),
        ([1] * ROWS, TargetError, "one value"),
        (["a"] * ROWS, TargetError, "one value"),
        ([1] * 3 + [None] * (ROWS - 3), TooFewRowsError, "only 3 rows"),
        ([f"text number {index}" for index in range(ROWS)], TargetError, "different values"),
        (pl.Series(range(ROWS)).cast(pl.Date), TargetError, "dates"),
    ],
)
def test_targets_without_anything_to_learn_are_refused(values, error, words):
    """A target that is empty, constant, too short or without repetition is refused with a remedy."""
    with pytest.raises(error) as caught:
        infer(table(goal=values), "goal")
    assert words in caught.value.message
    assert caught.value.remedy


def test_damage_makes_no_third_class():
    """A word that hardly occurs beside two classes leaves the task binary."""
    features = [index * 0.37 % 1 for index in range(6000)]
    data = pl.DataFrame({"x": features, "goal": ["0"] * 2999 + ["1"] * 3000 + ["maybe"]})
    assert infer(data, "goal").classes == ("0", "1")


def test_an_absent_target_suggests_the_nearest():
    """A misspelt target names the column that was probably meant."""
    with pytest.raises(TargetError) as caught:
        infer(table(employed=[0, 1] * 100), "emploid")
    assert "'employed'" in caught.value.remedy
    with pytest.raises(TargetError):
        task_of(Schema(()))


def test_nothing_to_learn_from_is_refused():
    """A table needs at least one feature, and is told why its columns are none."""
    with pytest.raises(ColumnError, match="only the target"):
        infer(table().select("y"), "y")
    with pytest.raises(ColumnError, match="name is identifier"):
        infer(table().select("y").with_columns(name=pl.Series([f"n{row}" for row in range(ROWS)])), "y")


def test_many_words_are_a_feature_where_most_rows_name_a_frequent_one():
    """A few large cities and many small ones are a category; words that hardly repeat are not."""
    rows = 4000
    cities = [f"city {row % 20}" if row % 3 else f"village {row // 5}" for row in range(rows)]
    names = [f"name {row // 3}" for row in range(rows)]
    data = pl.DataFrame({"city": cities, "name": names, "y": ["a", "b"] * (rows // 2)})
    schema = infer(data, "y")
    assert (schema.column("city").kind, schema.column("city").role) == (Kind.CATEGORY, Role.FEATURE)
    assert schema.column("city").categories == ()
    assert schema.column("name").role is Role.EXCLUDED


def test_text_and_typed_files_propose_the_same_kinds(tmp_path):
    """A table read from CSV, where all is text, gets the kinds and bounds of the typed one."""
    data = table(n=[index % 50 for index in range(ROWS)], w=["a", "b"] * 100, m=[None, "k"] * 100)
    data.write_csv(tmp_path / "a.csv")
    assert infer(read(tmp_path / "a.csv").table, "y") == infer(data, "y")
