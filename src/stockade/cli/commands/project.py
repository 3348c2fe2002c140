"""``init``, ``status``, ``runs``, ``show``, ``report``: a project and what there is in it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from stockade.types.record import to_plain

if TYPE_CHECKING:
    from stockade.workspace.project import Project


def configure_init(parser: argparse.ArgumentParser) -> None:
    """Describe ``stockade init``."""
    parser.add_argument("source", type=Path, help="CSV, Parquet or JSON Lines file")
    parser.add_argument("--target", required=True, help="the column to predict")
    parser.add_argument("--name", default="", help="name of the model; default: the file's name")
    parser.add_argument("--folder", type=Path, default=Path(), help="where to make the project; default: here")
    parser.add_argument(
        "--sensitive", nargs="+", default=[], metavar="COLUMN", help="columns that make fairness groups"
    )
    parser.add_argument("--time", default="", help="the column that orders the rows")
    parser.add_argument(
        "--persons",
        nargs=2,
        default=["owner", "reviewer"],
        metavar=("FIRST", "SECOND"),
        help="who runs and promotes, and who approves; default: owner reviewer",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run_init(options: argparse.Namespace) -> int:
    """Make a project: stockade.toml, a policy folder, a trial root of trust."""
    from stockade.cli import look
    from stockade.workspace.init import init

    made = init(
        options.folder,
        options.source,
        options.target,
        name=options.name,
        sensitive=tuple(options.sensitive),
        time=options.time,
        persons=(options.persons[0], options.persons[1]),
    )
    if options.json:
        print(json.dumps(to_plain(made), indent=2))
        return 0
    look.summary(
        f"made the project {made.name}",
        [
            ("written", ", ".join(made.files)),
            ("root of trust", f"{made.trust} (trial)"),
            ("persons", f"{made.persons[0]} runs and promotes, {made.persons[1]} approves and waives"),
            ("read and commit", "schema.toml: from now on it is enforced"),
            ("next", "stockade run"),
        ],
    )
    return 0


def configure_status(parser: argparse.ArgumentParser) -> None:
    """Describe ``stockade status``."""
    _common(parser)


def run_status(options: argparse.Namespace) -> int:
    """Show versions, aliases and the log."""
    from stockade.cli import look

    status = _open(options).status()
    if options.json:
        print(json.dumps(to_plain(status), indent=2))
        return 0
    look.summary(
        status.name,
        [
            ("folder", status.folder),
            ("mode", status.mode.value),
            ("root of trust", f"{status.trust}{' (trial)' if status.trial else ''}"),
            ("log", f"{status.log_size} entries, verified"),
            ("runs", str(status.runs)),
            ("aliases", ", ".join(f"{alias} → {number}" for alias, number in status.aliases.items()) or "none yet"),
        ],
    )
    look.table(
        "versions",
        ("version", "alias", "model", "run", "registered"),
        [(str(item.version), item.alias, item.model.short, item.run, item.registered) for item in status.versions],
    )
    return 0


def configure_runs(parser: argparse.ArgumentParser) -> None:
    """Describe ``stockade runs``."""
    _common(parser)


def run_runs(options: argparse.Namespace) -> int:
    """List the runs, each from its verified statement."""
    from stockade.cli import look

    runs = _open(options).runs()
    if options.json:
        print(json.dumps(to_plain(runs), indent=2))
        return 0
    look.table(
        "runs",
        ("run", "by", "mode", "started", "rows", "set aside", "model"),
        [
            (
                item.run,
                item.initiator,
                item.mode,
                item.started[:19],
                f"{item.rows:,}",
                f"{item.rejected:,}",
                item.model.short,
            )
            for item in runs
        ],
    )
    return 0


def configure_show(parser: argparse.ArgumentParser) -> None:
    """Describe ``stockade show``."""
    parser.add_argument("what", nargs="?", default="", help="a version's number, a run's id, a step or an artifact")
    _common(parser)


def run_show(options: argparse.Namespace) -> int:
    """Show one thing in full."""
    from stockade.cli import look

    shown = _open(options).show(options.what)
    if options.json:
        print(json.dumps(to_plain(shown), indent=2))
        return 0
    look.summary(shown.title, list(shown.fields))
    for title, lines in shown.lists.items():
        if lines:
            print(f"\n{title}")
            for line in lines:
                print(f"  {line}")
    return 0


def configure_report(parser: argparse.ArgumentParser) -> None:
    """Describe ``stockade report``."""
    parser.add_argument("version", nargs="?", type=int, help="default: the newest version")
    parser.add_argument("--output", type=Path, help="where to write the page; default: report.html in the project")
    _common(parser)


def run_report(options: argparse.Namespace) -> int:
    """Write the report of a version as one self-contained page."""
    path = _open(options).report(options.version, options.output)
    print(json.dumps({"report": str(path)}) if options.json else f"wrote {path}")
    return 0


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", type=Path, default=Path(), help="the project's folder; default: here")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _open(options: argparse.Namespace) -> Project:
    import stockade

    return stockade.open(options.project)
