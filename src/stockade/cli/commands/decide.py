"""``approve``, ``waive``, ``promote``, ``rollback``, ``history``: decisions by people, each signed with a reason."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from stockade.types.record import to_plain

if TYPE_CHECKING:
    from stockade.workspace.outcomes import Decided
    from stockade.workspace.project import Project

_ALIASES = ("staging", "canary", "production")


def configure_approve(parser: argparse.ArgumentParser) -> None:
    """Describe ``stockade approve``."""
    parser.add_argument("version", type=int, help="the version's number")
    parser.add_argument("--to", required=True, choices=_ALIASES, help="the alias it may be promoted to")
    _by_another(parser)


def run_approve(options: argparse.Namespace) -> int:
    """Sign an approval."""
    decided = _open(options).approve(
        options.version, options.to, person=options.person, reason=options.reason, days=options.days
    )
    return _print(options, [decided], f"{decided.person} approved version {decided.version} for {decided.target}")


def configure_waive(parser: argparse.ArgumentParser) -> None:
    """Describe ``stockade waive``."""
    parser.add_argument("version", type=int, help="the version's number")
    parser.add_argument("rule", help="the rule's id, as the verdict table shows it")
    parser.add_argument("--to", required=True, nargs="+", choices=_ALIASES, help="the aliases it is waived for")
    _by_another(parser)


def run_waive(options: argparse.Namespace) -> int:
    """Sign a waiver for each alias named."""
    decided = _open(options).waive(
        options.version,
        options.rule,
        tuple(options.to),
        person=options.person,
        reason=options.reason,
        days=options.days,
    )
    aliases = " and ".join(options.to)
    return _print(
        options, list(decided), f"{options.person} waived {options.rule} of version {options.version} for {aliases}"
    )


def configure_promote(parser: argparse.ArgumentParser) -> None:
    """Describe ``stockade promote``."""
    parser.add_argument("version", type=int, help="the version's number")
    parser.add_argument("--to", required=True, choices=(*_ALIASES, "retired"), help="the alias to move")
    parser.add_argument("--as", dest="person", default="", metavar="PERSON", help="who asks; default: the owner")
    parser.add_argument("--reason", default="requested", help="why, for the record")
    _common(parser)


def run_promote(options: argparse.Namespace) -> int:
    """Ask the policy, and move the alias if it admits the version; exit 1 when it refuses."""
    from stockade.cli import look
    from stockade.errors import RefusedError

    project = _open(options)
    try:
        decided = project.promote(options.version, options.to, person=options.person, reason=options.reason)
    except RefusedError as error:
        if options.json or error.decision is None:
            raise
        look.decision(error.decision)
        return error.exit_code
    return _print(options, [decided], f"{decided.target} is now version {decided.version}")


def configure_rollback(parser: argparse.ArgumentParser) -> None:
    """Describe ``stockade rollback``."""
    parser.add_argument("alias", choices=_ALIASES, help="the alias to give back")
    parser.add_argument("--as", dest="person", default="", metavar="PERSON", help="who decides; default: the owner")
    parser.add_argument("--reason", required=True, help="why, for the record")
    _common(parser)


def run_rollback(options: argparse.Namespace) -> int:
    """Give an alias back to the version that held it before."""
    decided = _open(options).rollback(options.alias, reason=options.reason, person=options.person)
    return _print(options, [decided], f"{decided.target} is version {decided.version} again")


def configure_history(parser: argparse.ArgumentParser) -> None:
    """Describe ``stockade history``."""
    _common(parser)


def run_history(options: argparse.Namespace) -> int:
    """List all decisions, each from its verified envelope."""
    from stockade.cli import look

    events = _open(options).history()
    if options.json:
        print(json.dumps(to_plain(events), indent=2))
        return 0
    look.table(
        "decisions",
        ("when", "who", "what", "version", "alias", "reason"),
        [(item.made[:19], item.person, item.what, str(item.version), item.target, item.reason) for item in events],
    )
    return 0


def _by_another(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--as", dest="person", required=True, metavar="PERSON", help="who decides, as in trust.json")
    parser.add_argument("--reason", required=True, help="why, for the record")
    parser.add_argument("--days", type=float, default=30.0, help="days it holds; default: 30")
    _common(parser)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", type=Path, default=Path(), help="the project's folder; default: here")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _open(options: argparse.Namespace) -> Project:
    import stockade

    return stockade.open(options.project)


def _print(options: argparse.Namespace, decided: list[Decided], sentence: str) -> int:
    if options.json:
        print(json.dumps(to_plain(decided if len(decided) > 1 else decided[0]), indent=2))
    else:
        until = f", until {decided[0].expires[:10]}" if decided[0].expires else ""
        print(f"{sentence}{until}; signed and logged")
    return 0
