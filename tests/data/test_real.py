import gzip

import numpy as np
import polars as pl
import pytest

from stockade.data.audit import audit
from stockade.data.infer import infer
from stockade.data.profile import profile
from stockade.data.rejection import rejections_of
from stockade.data.source import read
from stockade.data.split import split
from stockade.data.validate import validate, validate_source
from stockade.schema.column import ROW, Role
from stockade.schema.toml import from_toml, to_toml
from stockade.types.results import Severity
from stockade.types.scorecard import Task

TABLES = [
    ("adult_train", "income", Task.BINARY, 0),
    ("adult_test", "income", Task.BINARY, 0),
    ("german_credit", "credit_risk", Task.BINARY, 0),
    ("insurance_claims_fraud", "fraud_reported", Task.BINARY, 1),
    ("mammography_microcalcification", "target", Task.BINARY, 0),
    ("online_shoppers", "Revenue", Task.BINARY, 0),
    ("retail_demand_daily", "units", Task.REGRESSION, 0),
    ("spambase", "type", Task.BINARY, 0),
    ("magic_gamma", "class", Task.BINARY, 0),
    ("phishing_websites", "is_phishing", Task.BINARY, 0),
    ("elec2_nsw_electricity", "class", Task.BINARY, 0),
    # Two air pressures of 5,503 hPa among 979 to 1,048 are truly damaged.
    ("noaa_weather_rain", "target", Task.BINARY, 2),
    *((f"census/people_{year}", "employed", Task.BINARY, 0) for year in (2015, 2016, 2017, 2018)),
]
ROLES = {
    "insurance_claims_fraud": {"policy_number": Role.IDENTIFIER, "incident_location": Role.EXCLUDED},
    "retail_demand_daily": {"date": Role.TIME},
    "census/people_2015": {"id": Role.IDENTIFIER, "year": Role.CONSTANT},
}


@pytest.mark.parametrize(("name", "target", "task", "damaged"), TABLES, ids=[row[0] for row in TABLES])
def test_real_tables_lose_no_legitimate_row(sets, name, target, task, damaged):
    """Of each real table only truly damaged rows are set aside, roles are told, and the schema's file is equal."""
    source = read(sets / f"{name}.parquet")
    schema = infer(source.table, target)
    assert schema.task is task
    expected = {item.name: Role.FEATURE for item in schema.columns} | {target: Role.TARGET} | ROLES.get(name, {})
    if name.startswith("census"):
        expected |= ROLES["census/people_2015"]
    assert {item.name: item.role for item in schema.columns} == expected
    outcome = validate_source(source, schema)
    assert outcome.quarantine.height == damaged
    assert outcome.valid.height + damaged == source.table.height
    assert from_toml(to_toml(schema)) == schema


@pytest.mark.parametrize("name", ["german_credit", "insurance_claims_fraud", "retail_demand_daily", "online_shoppers"])
def test_the_whole_room_runs_on_real_tables(sets, name):
    """Profile, audit and split work on real tables, and no clean table is called leaking."""
    target = dict(row[:2] for row in TABLES)[name]
    source = read(sets / f"{name}.parquet")
    schema = infer(source.table, target)
    valid = validate_source(source, schema).valid
    assert profile(valid, schema).rows == valid.height
    findings = audit(valid, schema).results.findings
    assert all(finding.severity.rank < Severity.HIGH.rank for finding in findings)
    assert sorted(split(valid, schema, folds=5, test_share=0.2, seed=1).unique()) == [-1, *range(5 + schema.ordered)]


def test_a_table_of_another_year_satisfies_the_schema(sets):
    """The schema proposed from 2015 accepts all but a handful of the people of 2016."""
    schema = infer(read(sets / "census/people_2015.parquet").table, "employed")
    outcome = validate_source(read(sets / "census/people_2016.parquet"), schema)
    assert outcome.quarantine.height == 0


def test_digits_are_ten_classes(sets):
    """Handwritten digits are read as a multiclass table whose empty border is constant."""
    images = gzip.decompress((sets / "mnist-t10k-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((sets / "mnist-t10k-labels-idx1-ubyte.gz").read_bytes())
    pixels = np.frombuffer(images, np.uint8, offset=16).reshape(10_000, 784)[:3000]
    table = pl.DataFrame(pixels, schema=[f"p{index}" for index in range(784)], orient="row")
    table = table.with_columns(pl.Series("digit", np.frombuffer(labels, np.uint8, offset=8)[:3000]))
    schema = infer(table, "digit")
    assert schema.task is Task.MULTICLASS
    assert schema.classes == tuple("0123456789")
    assert schema.column("p0").role is Role.CONSTANT
    assert 550 < len(schema.features()) < 784
    assert validate(table, schema).quarantine.is_empty()


CHANGES = (
    [("age", value) for value in (-5, 212, 999, -1, 150, 212, 999, -5)]
    + [("sex", "unknown word"), ("marital_status", "maried"), ("disability", "maybe"), ("nativity", "alien")]
    + [("citizenship", "xx"), ("mobility", "???x"), ("vision_difficulty", "sometimes")]
    + [("employed", None)] * 5
)


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_twenty_damaged_people_are_found_with_row_and_reason(sets, tmp_path, suffix):
    """Of the census with twenty damaged rows exactly these are set aside, though the schema is told from that table."""
    table = pl.read_parquet(sets / "census/people_2015.parquet")
    rows = np.random.default_rng(2015).choice(table.height, len(CHANGES), replace=False).tolist()
    damage = dict(zip(rows, CHANGES, strict=True))
    columns = {name: table[name].to_list() for name in {column for column, _ in CHANGES}}
    for row, (column, value) in damage.items():
        columns[column][row] = value
    damaged = table.with_columns(pl.Series(name, values) for name, values in columns.items())
    path = tmp_path / f"people.{suffix}"
    getattr(damaged, {"parquet": "write_parquet", "csv": "write_csv", "jsonl": "write_ndjson"}[suffix])(path)

    source = read(path)
    schema = infer(source.table, "employed")
    outcome = validate_source(source, schema)
    found = {item.row: (item.column, item.value, item.rule) for item in rejections_of(outcome.rejections)}
    rules = {"age": "range", "employed": "target"}
    expected = {
        row + 1: (column, "" if value is None else str(value), rules.get(column, "category"))
        for row, (column, value) in damage.items()
    }
    assert found == expected
    assert len(CHANGES) == outcome.rejections.height == outcome.quarantine.height == 20
    assert all(item.reason for item in rejections_of(outcome.rejections))
    assert outcome.quarantine[ROW].to_list() == sorted(expected)
    clean = infer(table, "employed")
    assert [(item.kind, item.role, item.categories, item.maximum) for item in schema.columns] == [
        (item.kind, item.role, item.categories, item.maximum) for item in clean.columns
    ]
