"""Steps of this project's own: `clean` replaces the standard one, `consistency` is added."""

import polars as pl

from stockade.data.clean import clean as standard_clean
from stockade.schema.toml import from_toml
from stockade.types.results import Figure, Finding, Results, Severity


def clean(valid: pl.DataFrame, schema: str, *, diploma: int = 16) -> pl.DataFrame:
    """Normalise values as usual, then count everybody without a school diploma alike."""
    table = standard_clean(valid, from_toml(schema))
    return table.with_columns(pl.col("schooling").clip(lower_bound=diploma - 1))


def consistency(cleaned: pl.DataFrame, *, most: float = 0.01) -> Results:
    """Look for spouses who are not married."""
    spouses = cleaned.filter(pl.col("relationship") == "spouse")
    share = spouses.filter(pl.col("marital_status") != "married").height / max(spouses.height, 1)
    finding = Finding(
        rule="consistency.unmarried_spouses",
        subject="column marital_status",
        message=f"{share:.1%} of the spouses are not married",
        severity=Severity.HIGH,
        measure="unmarried_spouses",
        value=share,
        threshold=most,
        remedy="Compare the two questions in the survey's form.",
    )
    return Results(
        figures=(Figure("unmarried_spouses", share, count=spouses.height),),
        findings=(finding,) if share > most else (),
        checks=("consistency.unmarried_spouses",),
    )
