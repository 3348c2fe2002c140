"""Stockade: a secure machine-learning pipeline in which nothing reaches production unproven.

    import stockade

    project = stockade.open(".")
    run = project.run()
    print(run.verdict)

A command of the ``stockade`` program maps to one method of `Project`. Importing this package loads no heavy library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from stockade.workspace.project import Project

__version__ = "0.1.0"
__all__ = ["__version__", "open"]


def open(path: str | Path = ".") -> Project:  # noqa: A001  (reads as stockade.open)
    """Open the project in a folder that holds a ``stockade.toml``.

    Raises:
        stockade.errors.ConfigError: the file is missing or says something that cannot be.
    """
    from stockade.workspace.project import Project

    return Project.open(path)
