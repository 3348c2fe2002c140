from pathlib import Path

import numpy as np
import polars as pl
import pytest

from stockade.schema.column import Column, Kind, Role, Schema
from stockade.types.scorecard import Task

SETS = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture(scope="session")
def sets():
    """The folder of real tables, beside the project."""
    if not SETS.is_dir():
        pytest.skip("the folder of real tables is not beside the project")
    return SETS


@pytest.fixture
def people():
    """Three people, and the schema they satisfy."""
    table = pl.DataFrame(
        {
            "age": ["20", "30", "40"],
            "sex": ["male", "female", "female"],
            "pay": ["1.5", "", "2"],
            "employed": ["1", "0", "1"],
        }
    )
    columns = (
        Column("age", Kind.INTEGER, minimum=0, maximum=114),
        Column("sex", Kind.CATEGORY, categories=("female", "male")),
        Column("pay", Kind.REAL, nullable=True, minimum=0),
        Column("employed", Kind.CATEGORY, Role.TARGET, categories=("0", "1")),
    )
    return table, Schema(columns, "employed", Task.BINARY)


@pytest.fixture
def cases():
    """Two thousand rows whose label depends on two features, and their schema."""
    rng = np.random.default_rng(5)
    first, second = rng.normal(size=(2, 2000))
    label = (first + second + rng.normal(0, 0.3, 2000) > 0).astype(int)
    table = pl.DataFrame(
        {
            "#row": range(1, 2001),
            "key": [f"k{index}" for index in range(2000)],
            "first": first,
            "second": second,
            "word": rng.choice(["a", "b", None], 2000).tolist(),
            "label": [str(value) for value in label],
        }
    )
    columns = (
        Column("key", Kind.TEXT, Role.IDENTIFIER),
        Column("first", Kind.REAL),
        Column("second", Kind.REAL),
        Column("word", Kind.CATEGORY, nullable=True, categories=("None", "a", "b")),
        Column("label", Kind.CATEGORY, Role.TARGET, categories=("0", "1")),
    )
    return table, Schema(columns, "label", Task.BINARY)
