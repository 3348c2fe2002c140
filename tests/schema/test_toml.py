import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.errors import ConfigError
from stockade.schema.column import NUMBER_STYLES, Column, Kind, Role, Schema
from stockade.schema.toml import from_toml, to_toml
from stockade.types.scorecard import Task

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
WORDS = st.lists(TEXT, max_size=30, unique=True).map(tuple)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


NUMBER_FORMATS = st.sampled_from(["", *NUMBER_STYLES, "1,234.5 $", "1.234,5 €"])


@st.composite
def columns(draw, name):
    kind = draw(st.sampled_from(Kind))
    low, high = sorted((draw(NUMBERS), draw(NUMBERS)))
    return Column(
        name,
        kind,
        draw(st.sampled_from([Role.FEATURE, Role.IDENTIFIER, Role.CONSTANT, Role.EXCLUDED])),
        nullable=draw(st.booleans()),
        minimum=low if kind.numeric and draw(st.booleans()) else None,
        maximum=high if kind.numeric and draw(st.booleans()) else None,
        categories=draw(WORDS) if kind is Kind.CATEGORY else (),
        format=draw(TEXT) if kind is Kind.TIMESTAMP else draw(NUMBER_FORMATS) if kind.numeric else "",
        sensitive=draw(st.booleans()),
        note=draw(TEXT),
    )


@st.composite
def schemas(draw):
    names = draw(st.lists(TEXT.filter(bool), min_size=1, max_size=5, unique=True))
    made = [draw(columns(name)) for name in names]
    if draw(st.booleans()):
        classes = draw(st.lists(TEXT, min_size=2, max_size=5, unique=True))
        made[0] = Column(names[0], Kind.CATEGORY, Role.TARGET, categories=tuple(classes))
        return Schema(tuple(made), names[0], Task.BINARY if len(classes) == 2 else Task.MULTICLASS)
    return Schema(tuple(made))


@given(schemas())
def test_a_schema_survives_its_file(schema):
    """Any schema written as TOML is read back equal."""
    assert from_toml(to_toml(schema)) == schema


@given(st.text(max_size=200))
def test_any_text_is_a_schema_or_a_config_error(text):
    """No text makes the reader fail in another way."""
    with pytest.raises(ConfigError):
        from_toml(text)


FILE = """\
format = 1
target = "y"
task = "binary"

[columns.age]
kind = "integer"
minimum = 0
maximum = 114

[columns."two words"]
kind = "real"

[columns.y]
kind = "category"
role = "target"
categories = ["0", "1"]
"""


def test_the_file_is_read():
    """Roles and nullability have defaults, and integers are accepted as bounds."""
    schema = from_toml(FILE)
    assert schema.column("age") == Column("age", Kind.INTEGER, minimum=0.0, maximum=114.0)
    assert schema.task is Task.BINARY


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("maximum = 114", "maximun = 114", 8, "did you mean 'maximum'?"),
        ('role = "target"', 'role = "taget"', 15, "did you mean 'target'?"),
        ("maximum = 114", "maximum = -1", 5, "minimum 0 is greater than maximum -1"),
        ("maximum = 114", 'maximum = "much"', 8, "maximum must be a number"),
        ("maximum = 114", "maximum = true", 8, "maximum must be a number"),
        ("maximum = 114", "maximum = 1" + "0" * 400, 8, "too large"),
        ('kind = "real"', 'role = "feature"', 10, "has no kind"),
        ('target = "y"', 'target = "age "', 2, "did you mean 'age'?"),
        ('categories = ["0", "1"]', 'categories = ["0", 1]', 16, "categories must be texts"),
        ('categories = ["0", "1"]', 'categories = ["0", "1", "2"]', 13, "a binary target has two classes, not 3"),
        ("format = 1", "format = 2", 1, "format must be 1"),
        ("[columns.age]", "[columns.age", 5, "not TOML"),
        ('task = "binary"', 'tusk = "binary"', 3, "did you mean 'task'?"),
    ],
)
def test_mistakes_name_line_and_remedy(old, new, line, words):
    """A mistake is reported with its line and the word that was probably meant."""
    assert old in FILE
    with pytest.raises(ConfigError) as caught:
        from_toml(FILE.replace(old, new, 1), "schema.toml")
    assert caught.value.where.split(":")[:2] == ["schema.toml", str(line)]
    assert words in f"{caught.value.message} {caught.value.remedy}"


@pytest.mark.parametrize("text", ["format = 1\n", "format = 1\n[columns]\na = 1\n", "format = 1\ncolumns = 3\n"])
def test_files_without_columns_are_refused(text):
    """A schema has columns, and each is a table."""
    with pytest.raises(ConfigError):
        from_toml(text)
