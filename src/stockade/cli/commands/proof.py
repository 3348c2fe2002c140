"""``bundle`` and ``verify``: one portable proof, and its verification anywhere.

``verify`` runs where only Python and `cryptography` are installed: it loads nothing but `stockade.evidence`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from stockade.types.record import to_plain

if TYPE_CHECKING:
    from stockade.evidence.bundle import BundleReport
    from stockade.types.digest import Digest


def configure_bundle(parser: argparse.ArgumentParser) -> None:
    """Describe ``stockade bundle``."""
    parser.add_argument("version", type=int, help="the version's number")
    parser.add_argument("--output", type=Path, help="where to write it; default: NAME-VERSION.stockade")
    parser.add_argument("--project", type=Path, default=Path(), help="the project's folder; default: here")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run_bundle(options: argparse.Namespace) -> int:
    """Write the release bundle of a version."""
    import stockade

    path = stockade.open(options.project).bundle(options.version, options.output)
    size = path.stat().st_size
    print(json.dumps({"bundle": str(path), "bytes": size}) if options.json else f"wrote {path} ({size / 1e6:.1f} MB)")
    return 0


def configure_verify(parser: argparse.ArgumentParser) -> None:
    """Describe ``stockade verify``."""
    parser.add_argument("bundle", type=Path, help="a release bundle")
    parser.add_argument("--trust", default="", help="trust.json, or the digest of the root that you trust (sha256:...)")
    parser.add_argument("--production", action="store_true", help="refuse a trial root of trust")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run_verify(options: argparse.Namespace) -> int:
    """Verify a bundle offline; exit 1 unless it is consistent and trusted."""
    from stockade.cli.look import visible
    from stockade.evidence.bundle import verify_bundle
    from stockade.evidence.trust import TrustRoot, parse

    trust: TrustRoot | Digest | None = None
    if options.trust.startswith("sha256:"):
        trust = _digest(options.trust)
    elif options.trust:
        trust = parse(Path(options.trust).read_bytes())
    report = verify_bundle(options.bundle, trust, production=options.production)
    if options.json:
        print(json.dumps(_plain(report), indent=2))
        return 0 if report.trusted else 1
    print(f"{options.bundle}: {'verified' if report.trusted else 'self-consistent, not trusted'}")
    # What a bundle says is shown also where nobody trusts it, so it must not steer the terminal.
    for line in report.proven:
        print(f"  proven      {visible(line)}")
    for line in report.unproven:
        print(f"  not proven  {visible(line)}")
    if not report.trusted:
        print("pass --trust trust.json or --trust sha256:DIGEST, obtained from the people you trust")
    return 0 if report.trusted else 1


def _digest(text: str) -> Digest:
    from stockade.errors import ConfigError
    from stockade.types.digest import Digest

    try:
        return Digest.parse(text)
    except ValueError as error:
        raise ConfigError(str(error), where="--trust", remedy="write sha256: and 64 hexadecimal digits") from None


def _plain(report: BundleReport) -> object:
    return to_plain(
        {"trusted": report.trusted, "proven": report.proven, "unproven": report.unproven, "model": report.dossier.model}
    )
