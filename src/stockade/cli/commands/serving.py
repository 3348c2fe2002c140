"""``serve`` and ``predict``: inference with a model whose chain was verified first."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

_ALIASES = ("production", "canary", "staging")


def configure_serve(parser: argparse.ArgumentParser) -> None:
    """Describe ``stockade serve``."""
    parser.add_argument("--alias", choices=_ALIASES, default="production", help="which version; default: production")
    parser.add_argument("--host", default=None, help="address to listen on; default: from stockade.toml")
    parser.add_argument("--port", type=int, default=None, help="port to listen on, 0 for a free one")
    parser.add_argument("--project", type=Path, default=Path(), help="the project's folder; default: here")
    parser.add_argument("--json", action="store_true", help="announce the endpoint as one line of JSON")


def run_serve(options: argparse.Namespace) -> int:
    """Verify the chain, boot from the verified bytes, serve until stopped."""
    import stockade
    from stockade.cli import look
    from stockade.types.record import to_plain
    from stockade.workspace.serving import Endpoint

    def ready(endpoint: Endpoint) -> None:
        if options.json:
            print(json.dumps(to_plain(endpoint), default=str), flush=True)
            return
        look.summary(
            f"serving {endpoint.name} {endpoint.version}",
            [
                ("url", endpoint.url),
                ("model", str(endpoint.model)),
                ("certificate authority", str(endpoint.ca)),
                ("API key", f"in {endpoint.key_file}"),
                ("stop", "Ctrl-C"),
            ],
        )

    project = stockade.open(options.project)
    project.serve(options.alias, host=options.host, port=options.port, ready=ready)
    return 0


def configure_predict(parser: argparse.ArgumentParser) -> None:
    """Describe ``stockade predict``."""
    parser.add_argument("file", type=Path, help="CSV, Parquet or JSON Lines with the features")
    parser.add_argument("--output", type=Path, help="where to write the answers; default: print the first rows")
    parser.add_argument("--alias", choices=_ALIASES, default="production", help="which version; default: production")
    parser.add_argument("--project", type=Path, default=Path(), help="the project's folder; default: here")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run_predict(options: argparse.Namespace) -> int:
    """Predict the rows of a file; rows that break the schema get no answer but a reason."""
    import stockade
    from stockade.cli import look

    found = stockade.open(options.project).predict(options.file, options.alias, output=options.output)
    if options.json:
        print(json.dumps({"rows": found.rows, "rejected": found.rejected, "answers": found.head}))
    elif options.output:
        print(f"{found.rows:,} rows answered, {found.rejected:,} set aside; wrote {options.output}")
    else:
        look.table("answers", found.columns, [tuple(str(value) for value in row) for row in found.head])
    return 1 if found.rejected else 0
