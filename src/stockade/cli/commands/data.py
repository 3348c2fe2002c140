"""``stockade data``: profile, validate, clean, anonymise or audit any file, with no project."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from stockade.errors import ConfigError
from stockade.types.record import to_plain
from stockade.types.results import Finding


def configure_data(parser: argparse.ArgumentParser) -> None:
    """Describe ``stockade data``."""
    parser.add_argument(
        "action", choices=("profile", "schema", "validate", "audit", "clean", "anonymise"), help="what to do"
    )
    parser.add_argument("file", type=Path, help="CSV, Parquet or JSON Lines")
    parser.add_argument("--schema", type=Path, help="a schema.toml to hold it against; default: propose one")
    parser.add_argument("--target", default="", help="the column to predict, where no schema names it")
    parser.add_argument("--output", type=Path, help="where to write the resulting rows (.csv .parquet .jsonl)")
    parser.add_argument("--quarantine", type=Path, help="where `validate` writes the rows it sets aside")
    parser.add_argument("--drop", nargs="+", default=[], metavar="COLUMN", help="columns `anonymise` leaves out")
    parser.add_argument(
        "--pseudonymise",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help="columns `anonymise` replaces by keyed pseudonyms",
    )
    parser.add_argument("--key-file", type=Path, help="file with the key of the pseudonyms, 32 bytes or more")
    parser.add_argument("--sarif", type=Path, help="also write findings as SARIF")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run_data(options: argparse.Namespace) -> int:
    """Do what was asked with one file; exit 1 when rows were set aside or the audit found something serious."""
    return {
        "profile": _profile,
        "schema": _schema,
        "validate": _validate,
        "audit": _audit,
        "clean": _clean,
        "anonymise": _anonymise,
    }[options.action](options)


def _profile(options: argparse.Namespace) -> int:
    from stockade.cli import look
    from stockade.workspace import rooms

    found = rooms.profile(options.file, options.schema)
    if options.json:
        print(json.dumps(to_plain(found), indent=2))
    else:
        look.profile(found)
    return 0


def _schema(options: argparse.Namespace) -> int:
    from stockade.workspace import rooms

    _needs(options, "target")
    text = rooms.propose(options.file, options.target)
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        print(text)
    return 0


def _validate(options: argparse.Namespace) -> int:
    from stockade.cli import look
    from stockade.workspace import rooms

    _needs_schema(options)
    found = rooms.validate(options.file, options.schema, options.target, options.output, options.quarantine)
    _write_sarif(options, found.results.findings)
    if options.json:
        print(json.dumps(to_plain(found), indent=2))
    else:
        if found.rejections:
            look.quarantine(found.rejections)
        print(f"{found.valid:,} of {found.rows:,} rows satisfy the schema")
    return 1 if found.rejections else 0


def _audit(options: argparse.Namespace) -> int:
    from stockade.cli import look
    from stockade.types.results import Outcome
    from stockade.workspace import rooms

    _needs_schema(options)
    results = rooms.audit(options.file, options.schema, options.target)
    _write_sarif(options, results.findings)
    if options.json:
        print(json.dumps(to_plain(results) | {"outcome": results.outcome.value}, indent=2))
    else:
        look.results(results)
    return 1 if results.outcome is Outcome.FAILED else 0


def _clean(options: argparse.Namespace) -> int:
    from stockade.workspace import rooms

    _needs_schema(options)
    _needs(options, "output")
    rows = rooms.clean(options.file, options.schema, options.target, options.output)
    print(json.dumps({"rows": rows}) if options.json else f"{rows:,} rows written to {options.output}")
    return 0


def _anonymise(options: argparse.Namespace) -> int:
    from stockade.workspace import rooms

    _needs(options, "output")
    if not options.drop and not options.pseudonymise:
        raise ConfigError("nothing to anonymise", remedy="name columns after --drop or --pseudonymise")
    if options.pseudonymise:
        _needs(options, "key_file")
    try:
        key = options.key_file.read_bytes() if options.key_file else b""
    except OSError as error:
        message = f"the key of the pseudonyms cannot be read: {error.strerror}"
        raise ConfigError(message, where=str(options.key_file), remedy="check the path after --key-file") from error
    rows = rooms.anonymise(
        options.file, options.output, drop=tuple(options.drop), pseudonymise=tuple(options.pseudonymise), key=key
    )
    print(json.dumps({"rows": rows}) if options.json else f"{rows:,} rows written to {options.output}")
    return 0


def _needs(options: argparse.Namespace, name: str) -> None:
    if not getattr(options, name):
        flag = "--" + name.replace("_", "-")
        raise ConfigError(f"`stockade data {options.action}` needs {flag}", remedy=f"add {flag} ...")


def _needs_schema(options: argparse.Namespace) -> None:
    if options.schema is None and not options.target:
        raise ConfigError(
            f"`stockade data {options.action}` needs a schema or a target",
            remedy="add --schema schema.toml, or --target COLUMN to have one proposed",
        )


def _write_sarif(options: argparse.Namespace, findings: tuple[Finding, ...]) -> None:
    if options.sarif:
        import stockade
        from stockade.report.sarif import to_sarif

        options.sarif.write_text(to_sarif(findings, options.file, stockade.__version__), encoding="utf-8")
