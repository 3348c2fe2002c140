"""The first-party source files that a step's function can reach, read by AST and never imported.

First party is what is not an installed distribution: this package, the folder of a user's ``steps.py``, and packages
that are on the path outside the library folders (a project installed in development mode). Distributions count by
version instead. Followed are import statements anywhere in a file and text constants that name a first-party module,
for modules are also loaded by name. Other files in a package's folder, such as templates, count as its sources.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path

from stockade.errors import ConfigError
from stockade.pipeline.graph import Step
from stockade.pipeline.surroundings import library_folders
from stockade.types.digest import Digest

_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_OWN_ROOT = Path(__file__).resolve().parents[2]
# It names the upper floors, which it loads when asked to; no step may reach those, so they are not followed from here.
_FRONT_DOOR = _OWN_ROOT / "stockade" / "__init__.py"


@dataclass(frozen=True, slots=True, order=True)
class SourceFile:
    """A source file: its name relative to where it is imported from, its path, and the digest of its bytes."""

    name: str
    path: Path
    digest: Digest


@dataclass(frozen=True, slots=True)
class _Reading:
    stamp: tuple[int, int]
    digest: Digest
    names: tuple[tuple[int, str], ...]


class SourceReader:
    """Traces sources; a file is parsed again only when its size or time of change differs.

    Not safe to share between threads.
    """

    def __init__(self) -> None:
        self._readings: dict[Path, _Reading] = {}

    def changed(self, files: Iterable[SourceFile]) -> SourceFile | None:
        """The first of these files whose content is no longer what it was, or None."""
        for file in files:
            try:
                if self._read(file.path).digest != file.digest:
                    return file
            except OSError:
                return file
        return None

    def trace(self, step: Step) -> tuple[SourceFile, ...]:
        """All source files a step can reach, sorted by name.

        Raises:
            ConfigError: the file or module of the step is absent or not Python.
        """
        folder = Path(step.place).parent if step.is_file else None
        start = Path(step.place).stem if step.is_file else step.place
        waiting = list(_resolve(start, folder))
        if not any(module == start for module, _, _ in waiting) or (step.is_file and not Path(step.place).is_file()):
            raise ConfigError(f"there is no {step.place}", where=step.name)
        found: dict[Path, SourceFile] = {}
        while waiting:
            module, root, path = waiting.pop()
            if path in found:
                continue
            reading = self._read(path)
            found[path] = SourceFile(path.relative_to(root).as_posix(), path, reading.digest)
            for level, name in reading.names:
                waiting += _resolve(_absolute(module, level, name, is_package=path.name == "__init__.py"), folder)
        return tuple(sorted(found.values()))

    def _read(self, path: Path) -> _Reading:
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        known = self._readings.get(path)
        if known is None or known.stamp != stamp:
            data = path.read_bytes()
            names = _names(data, path) if path.suffix == ".py" and path != _FRONT_DOOR else ()
            known = self._readings[path] = _Reading(stamp, Digest.of(data), names)
        return known


def _names(data: bytes, path: Path) -> tuple[tuple[int, str], ...]:
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None) or 1
        raise ConfigError(f"not valid Python: {error}", where=f"{path}:{line}") from error
    names: set[tuple[int, str]] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names.add((node.level, module))
            names.update((node.level, f"{module}.{alias.name}".strip(".")) for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            place = node.value.partition(":")[0]
            if len(place) < 200 and _DOTTED.fullmatch(place):
                names.add((0, place))
    return tuple(sorted(names))


def _absolute(module: str, level: int, name: str, *, is_package: bool) -> str:
    if not level:
        return name
    parts = module.split(".")
    kept = parts[: len(parts) - level + (1 if is_package else 0)]
    return ".".join([*kept, name]).strip(".")


def _resolve(module: str, folder: Path | None) -> Iterator[tuple[str, Path, Path]]:
    """Yield name, root and file of each module that importing `module` runs, if it is first party."""
    top = module.partition(".")[0]
    root = _root_of(top, folder)
    if root is None or not top:
        return
    here = root
    done: list[str] = []
    for part in module.split("."):
        done.append(part)
        package = here / part / "__init__.py"
        if package.is_file():
            yield ".".join(done), root, package
            for path in _beside(package.parent):
                yield ".".join(done), root, path
        else:
            for path in (here / f"{part}.py", *sorted(here.glob(f"{part}.*.so"))):
                if path.is_file():
                    yield ".".join(done), root, path
        here /= part
        if not here.is_dir():
            return


@cache
def _beside(package: Path) -> tuple[Path, ...]:
    return tuple(
        path for path in sorted(package.iterdir()) if path.is_file() and path.suffix not in (".py", ".pyc", ".so")
    )


def _root_of(top: str, folder: Path | None) -> Path | None:
    if folder and ((folder / f"{top}.py").is_file() or (folder / top).is_dir()):
        return folder
    return _OWN_ROOT if top == "stockade" else _outside(top)


@cache
def _outside(top: str) -> Path | None:
    try:
        spec = PathFinder.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.has_location or not spec.origin:
        return None
    path = Path(spec.origin)
    if any(path.is_relative_to(library) for library in library_folders()):
        return None
    return (path.parent if path.name == "__init__.py" else path).parent
