"""``demo``: the census example end to end."""

from __future__ import annotations

import argparse
from pathlib import Path


def configure_demo(parser: argparse.ArgumentParser) -> None:
    """Describe ``stockade demo``."""
    parser.add_argument("--folder", type=Path, help="where to build it; default: a new folder below the temporary one")
    parser.add_argument("--trials", type=int, default=12, help="settings the search tries; default: 12")


def run_demo(options: argparse.Namespace) -> int:
    """Tell the story, with real data and real attacks; exit 1 if anything does not hold."""
    from stockade.cli import story

    return story.tell(options.folder, options.trials)
