"""Propose the schema."""

from __future__ import annotations

import polars as pl

from stockade.schema.toml import to_toml


def infer(
    raw: pl.DataFrame,
    *,
    target: str,
    identifiers: tuple[str, ...] = (),
    time: str = "",
    group: str = "",
    sensitive: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
) -> str:
    """Propose the schema as TOML text."""
    from stockade.data.infer import Hints
    from stockade.data.infer import infer as propose

    hints = Hints(identifiers=identifiers, time=time, group=group, sensitive=sensitive, exclude=exclude)
    return to_toml(propose(raw, target, hints))
