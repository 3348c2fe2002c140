"""Data of one's own: nothing is given but a file and the column to predict."""

from __future__ import annotations

import random
from pathlib import Path

import polars as pl
import pytest
from sklearn.datasets import load_digits

from journey.shell import Shell
from journey.test_sources import quick
from stockade.schema.column import Role
from stockade.types.scorecard import Task
from stockade.workspace.files import schema_file

DATA = Path(__file__).parents[2].parent / "shared" / "data"

SETS = {
    "german_credit": ("credit_risk", Task.BINARY, {}, 0),
    "online_shoppers": ("Revenue", Task.BINARY, {}, 0),
    "insurance_claims_fraud": (
        "fraud_reported", Task.BINARY, {"policy_number": Role.IDENTIFIER, "incident_location": Role.EXCLUDED}, 1,
    ),
    "retail_demand_daily": ("units", Task.REGRESSION, {"date": Role.TIME}, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", SETS)
def test_real_sets_run_to_the_end_with_nothing_but_a_target(bare: Shell, name: str) -> None:
    """`init` and `run` find the task, identifiers and the order in time, and set aside only the row that is empty."""
    source = DATA / f"{name}.parquet"
    if not source.exists():
        pytest.skip(f"{source} is not here")
    target, task, roles, empty = SETS[name]
    bare.works("init", str(source), "--target", target)
    schema = schema_file(bare.folder / "schema.toml")
    assert schema.task is task
    assert {column: schema.column(column).role for column in roles} == roles
    quick(bare.folder)
    out = bare.works("run")
    assert ("quarantine: 1 row set aside" in out) == bool(empty)
    assert "baseline" in out
    assert (bare.folder / "report.html").stat().st_size <= 300_000


def test_ten_classes_from_csv(bare: Shell) -> None:
    """A target of ten whole numbers makes a task of ten classes."""
    digits = load_digits()
    pixels = {f"p{number}": digits.data[:, number] for number in range(64)}
    pl.DataFrame({**pixels, "digit": digits.target}).write_csv(bare.folder / "digits.csv")
    bare.works("init", "digits.csv", "--target", "digit")
    assert schema_file(bare.folder / "schema.toml").task is Task.MULTICLASS
    quick(bare.folder)
    assert "baseline.accuracy" in bare.works("run")


def test_the_format_of_a_file_changes_nothing(bare: Shell) -> None:
    """The same rows as CSV, JSON Lines and Parquet get the same schema and, byte for byte, the same model."""
    chance = random.Random(4)
    ages = [chance.randint(18, 80) for _ in range(200)]
    table = pl.DataFrame(
        {
            "age": ages,
            "town": [chance.choice("abc") for _ in ages],
            "old": ["yes" if age > 50 else "no" for age in ages],
        }
    )
    writers = {"a.csv": table.write_csv, "b.jsonl": table.write_ndjson, "c.parquet": table.write_parquet}
    models = set()
    for name, write in writers.items():
        write(bare.folder / name)
        bare.works("init", name, "--target", "old", "--folder", name[0])
        quick(bare.folder / name[0])
        out = bare.works("run", "--project", name[0])
        models.add(out.partition("model ")[2].split(",")[0])
    schemas = {(bare.folder / name[0] / "schema.toml").read_text() for name in writers}
    assert len(schemas) == 1
    assert len(models) == 1
