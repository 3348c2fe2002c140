"""Verify a bundle where nothing but Python and `cryptography` is installed.

python -m stockade.evidence BUNDLE [--trust FILE|sha256:DIGEST] [--production]

Exits 0 when it verified against the trust root given, 1 when something does not hold or no root was given, 2 for a
wrong command line, 3 when a file cannot be read.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from stockade.errors import ServiceError, StockadeError
from stockade.evidence.bundle import verify_bundle
from stockade.evidence.trust import MAX_BYTES, TrustRoot, parse
from stockade.types.digest import Digest


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m stockade.evidence", description="Verify a bundle offline.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--trust", help="trust root: a file, or sha256:DIGEST")
    parser.add_argument("--production", action="store_true", help="refuse a trust root that is for trials")
    options = parser.parse_args(arguments)
    try:
        report = verify_bundle(options.bundle, _trusted(options.trust), production=options.production)
    except StockadeError as error:
        sys.stderr.write(f"{error.code} {error}\n")
        if error.remedy:
            sys.stderr.write(f"  {error.remedy}\n")
        return error.exit_code
    sys.stdout.writelines(f"proven    {line}\n" for line in report.proven)
    sys.stdout.writelines(f"unproven  {line}\n" for line in report.unproven)
    sys.stdout.write("verified\n" if report.trusted else "self-consistent, not trusted\n")
    return 0 if report.trusted else 1


def _trusted(text: str | None) -> TrustRoot | Digest | None:
    if text is None:
        return None
    if text.startswith("sha256:"):
        try:
            return Digest.parse(text)
        except ValueError as error:
            sys.stderr.write(f"{error}\n")
            raise SystemExit(2) from None
    try:
        with Path(text).open("rb") as stream:
            return parse(stream.read(MAX_BYTES + 1))
    except OSError as error:
        raise ServiceError(f"cannot be read: {error.strerror}", where=text, remedy="check the path") from error


if __name__ == "__main__":
    sys.exit(main())
