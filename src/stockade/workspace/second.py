"""A second environment that can verify and nothing else: Python, `cryptography` and this package, no ML library."""

from __future__ import annotations

import shutil
import sysconfig
import venv
from importlib import metadata
from pathlib import Path

import stockade
from stockade.errors import UnsupportedError

_NEEDED = ("cryptography", "cffi", "pycparser")


def make(folder: Path) -> Path:
    """Make a virtual environment with copies of what a verifier needs; returns its Python.

    Nothing is downloaded: the installed distributions are copied.

    Raises:
        UnsupportedError: this Python cannot make virtual environments, or lacks a needed distribution.
    """
    venv.EnvBuilder(with_pip=False, symlinks=True, clear=True).create(folder)
    python = folder / "bin" / "python"
    if not python.exists():
        raise UnsupportedError("a second environment cannot be made", where=str(folder), remedy="install python3-venv")
    target = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    target.mkdir(parents=True, exist_ok=True)
    for name in _NEEDED:
        _copy_distribution(name, target)
    source = Path(stockade.__file__).parent
    shutil.copytree(source, target / "stockade", ignore=shutil.ignore_patterns("__pycache__", "examples"))
    return python


def _copy_distribution(name: str, target: Path) -> None:
    try:
        files = metadata.files(name) or []
    except metadata.PackageNotFoundError:
        if name == "cryptography":
            raise UnsupportedError(f"{name} is not installed", remedy="install stockade again") from None
        return
    for file in files:
        if ".." in file.parts or "__pycache__" in file.parts:
            continue
        place = target / file
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(file.locate()), place)
