"""``run``: the pipeline, live."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from stockade.errors import ConfigError
from stockade.types.record import to_plain


def configure_run(parser: argparse.ArgumentParser) -> None:
    """Describe ``stockade run``."""
    parser.add_argument("--project", type=Path, default=Path(), help="the project's folder; default: here")
    parser.add_argument("--sarif", type=Path, help="also write findings as SARIF")
    parser.add_argument("--quiet", action="store_true", help="print the verdict only")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run_run(options: argparse.Namespace) -> int:
    """Run the pipeline; in production mode exit 1 when the policy refuses the version."""
    import stockade
    from stockade.cli import look

    if options.sarif and not options.sarif.parent.is_dir():
        message = "there is no such folder to write findings to"
        raise ConfigError(message, where=str(options.sarif.parent), remedy="check the path after --sarif")
    project = stockade.open(options.project)
    if options.json or options.quiet:
        run = project.run()
    else:
        with look.RunDisplay() as display:
            run = project.run(display.on_event)
    if options.sarif:
        from stockade.report.sarif import to_sarif

        text = to_sarif(run.findings, project.config.data.source, stockade.__version__)
        options.sarif.write_text(text, encoding="utf-8")
    if options.json:
        print(json.dumps(to_plain(run) | {"blocked": run.blocked}, indent=2))
    else:
        look.run(run)
    return 1 if run.blocked else 0
