"""Write what travels with the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from stockade.schema.toml import from_toml
from stockade.types.digest import Digest
from stockade.types.record import to_plain
from stockade.types.scorecard import Leaderboard, Scorecard
from stockade.types.table import Profile


class Packaged(NamedTuple):
    """What travels with the model: its card and its bill of materials."""

    card: dict[str, Any]
    card_text: str
    bom: dict[str, Any]


def package(  # noqa: PLR0917  (artifacts are bound by name)
    model: bytes,
    training: Path,
    testing: Path,
    layout: str,
    profile: Profile,
    scorecard: Scorecard,
    leaderboard: Leaderboard | None = None,
    plan: dict[str, Any] | None = None,
    *,
    name: str = "model",
    objective: str = "",
    packages: tuple[tuple[str, str], ...] = (),
) -> Packaged:
    """Write the model card and the bill of materials from what was measured."""
    from stockade.assess.bom import DataPart, bill_of_materials
    from stockade.assess.card import build_card
    from stockade.assess.card_text import to_markdown

    card = build_card(
        name,
        scorecard,
        from_toml(layout),
        profile=profile,
        purpose=objective,
        leaderboard=leaderboard,
        plan=plan,
    )
    data = [
        DataPart("training", Digest.of_file(training), None, "Rows that the model was fitted on."),
        DataPart("testing", Digest.of_file(testing), scorecard.rows, "Rows that only the assessment saw."),
    ]
    bom = bill_of_materials(card, Digest.of(model), data=data, packages=packages)
    return Packaged(to_plain(card), to_markdown(card), bom)
