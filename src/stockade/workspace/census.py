"""The census example: where its files are, its purpose, and a disclosed, seeded copy with damaged rows."""

from __future__ import annotations

import random
from importlib.resources import files
from pathlib import Path
from typing import Any

PURPOSE = "Estimate missing employment answers in a survey; not for decisions about people."
SENSITIVE = ("sex", "race", "age", "disability")
DAMAGED_ROWS = 20

_AGES = (-4, -1, 130, 150, 199, 212, 999, 1200)
_WORDS = ("unknwon", "#REF!", "maried", "see note 4", "??")


def people(year: int) -> Path:
    """The packaged file of one survey year, 2015 or 2016."""
    return Path(str(files("stockade") / "examples" / "census" / f"people_{year}.parquet"))


def notice() -> str:
    """Origin, licence and code book of the data."""
    return Path(str(files("stockade") / "examples" / "census" / "NOTICE.md")).read_text(encoding="utf-8")


def write_damaged_copy(target: Path, seed: int = 2015) -> list[int]:
    """Copy the people of 2015 with twenty rows damaged: impossible ages, unknown words, missing targets.

    Returns:
        The damaged row numbers, counted from 1.
    """
    import polars as pl

    table = pl.read_parquet(people(2015))
    chance = random.Random(seed)  # noqa: S311  (repeatable damage, not a secret)
    chosen = sorted(chance.sample(range(table.height), DAMAGED_ROWS))
    columns: dict[str, list[Any]] = {name: table[name].to_list() for name in ("age", "marital_status", "employed")}
    for position, row in enumerate(chosen):
        if position < len(_AGES):
            columns["age"][row] = _AGES[position]
        elif position < len(_AGES) + len(_WORDS):
            columns["marital_status"][row] = _WORDS[position - len(_AGES)]
        else:
            columns["employed"][row] = None
    changed = [pl.Series(name, values, dtype=table.schema[name]) for name, values in columns.items()]
    table.with_columns(changed).write_parquet(target)
    return [row + 1 for row in chosen]
