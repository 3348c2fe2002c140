import pytest

from stockade.schema.column import Column, Kind, Role, Schema
from stockade.schema.constraint import Rule, bounds_text, constraints_of
from stockade.schema.folds import rounds
from stockade.types.record import from_plain, to_plain
from stockade.types.scorecard import Task

AGE = Column("age", Kind.INTEGER, minimum=0, maximum=114)
TARGET = Column("employed", Kind.CATEGORY, Role.TARGET, categories=("0", "1"))


def test_a_schema_survives_json():
    """A schema written as plain values is read back equal."""
    schema = Schema((AGE, TARGET), "employed", Task.BINARY)
    assert from_plain(Schema, to_plain(schema)) == schema


def test_features_leave_out_every_other_role():
    """Only columns of role feature reach a model."""
    others = tuple(Column(role.value, Kind.REAL, role) for role in Role if role not in (Role.FEATURE, Role.TARGET))
    schema = Schema((AGE, *others, TARGET), "employed", Task.BINARY)
    assert schema.features() == (AGE,)
    assert schema.ordered
    assert schema.classes == ("0", "1")


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": Kind.CATEGORY, "minimum": 0.0},
        {"kind": Kind.INTEGER, "categories": ("a",)},
        {"kind": Kind.INTEGER, "minimum": 2.0, "maximum": 1.0},
        {"kind": Kind.REAL, "maximum": float("inf")},
        {"kind": Kind.CATEGORY, "categories": ("a", "a")},
        {"kind": Kind.TEXT, "format": "%Y"},
        {"kind": Kind.REAL, "format": "%Y"},
        {"kind": Kind.TEXT, "name": ""},
    ],
)
def test_contradictory_columns_are_refused(fields):
    """A column whose fields contradict each other cannot be made."""
    with pytest.raises(ValueError):
        Column(**{"name": "x", **fields})


@pytest.mark.parametrize(
    ("columns", "target", "task"),
    [
        ((AGE, AGE), "", None),
        ((AGE, TARGET), "", None),
        ((AGE,), "age", Task.REGRESSION),
        ((AGE, TARGET), "employed", None),
        ((AGE, TARGET), "employed", Task.MULTICLASS),
        ((AGE, TARGET), "employed", Task.REGRESSION),
        ((Column("a", Kind.REAL, Role.TIME), Column("b", Kind.REAL, Role.TIME)), "", None),
    ],
)
def test_contradictory_schemas_are_refused(columns, target, task):
    """Names are unique, one column is the target, and the task fits it."""
    with pytest.raises(ValueError):
        Schema(columns, target, task)


def test_constants_identifiers_and_time_are_not_checked():
    """Only features and the target have constraints."""
    others = tuple(Column(role.value, Kind.INTEGER, role, minimum=0, maximum=1) for role in Role if not role.checked)
    checked = {item.column.name for item in constraints_of(Schema((AGE, *others, TARGET), "employed", Task.BINARY))}
    assert checked == {"age", "employed"}


def test_reasons_name_the_constraint():
    """A reason says what a value must be."""
    rules = {item.rule: item for item in constraints_of(Schema((AGE, TARGET), "employed", Task.BINARY))}
    assert rules[Rule.RANGE].reason("212") == "age must be from 0 to 114"
    assert rules[Rule.CATEGORY].reason("2") == "employed must be one of 0, 1"
    assert rules[Rule.TYPE].reason("x") == "age must be a whole number"
    assert rules[Rule.TARGET].reason("") == "the target employed is missing"
    assert bounds_text(Column("x", Kind.REAL, minimum=-0.5)) == "at least -0.5"
    assert bounds_text(Column("x", Kind.REAL, maximum=3)) == "at most 3"


def test_every_fold_is_held_out_once():
    """Without time, each fold is held out once and all others train."""
    assert rounds(3, ordered=False) == (((1, 2), 0), ((0, 2), 1), ((0, 1), 2))


def test_the_future_never_trains():
    """In time order, only blocks before the one held out train."""
    assert rounds(3, ordered=True) == (((0,), 1), ((0, 1), 2), ((0, 1, 2), 3))


@pytest.mark.parametrize(("folds", "ordered"), [(1, False), (0, True)])
def test_too_few_folds_are_refused(folds, ordered):
    """Cross-validation needs something to train on."""
    with pytest.raises(ValueError):
        rounds(folds, ordered=ordered)
