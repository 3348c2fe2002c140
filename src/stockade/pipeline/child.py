"""The process of one step: confine, say so, import, decode, call, encode, report, end.

The order matters: the isolation is reported before any code of the step is imported, so that line is the engine's own
word. Nothing after it is believed by the reader.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.util
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from stockade.errors import StepOutputError, StockadeError
from stockade.pipeline import codec
from stockade.pipeline.order import Failure, Task
from stockade.sandbox.confine import Confinement, close_descriptors, confine
from stockade.types import progress
from stockade.types.record import to_plain

CHANNEL = 3
OUTPUT = "out"
TEMPORARY = "tmp"
RESULT = "result"
_FAILED = 1


def run(task: Task) -> NoReturn:
    """Run a task to its end in this process, whose descriptors are already null, log, log and channel."""
    status = _FAILED
    try:
        close_descriptors(CHANNEL + 1)
        folder = Path(task.folder)
        os.umask(0o077)
        os.chdir(folder / OUTPUT)
        isolation = confine(_confinement(task), fresh_interpreter=task.fresh)
        _send({"isolation": to_plain(isolation)})
        os.environ.update(task.environment)
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        progress.connect(CHANNEL)
        _work(task, folder)
        _send({"done": True})
        status = 0
    except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever the step raised is reported
        _explain(error, task)
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        # No cleanup of the zygote's copy may run here: no atexit, no buffers, no threads to join.
        os._exit(status)


def _confinement(task: Task) -> Confinement:
    return Confinement(
        read=(*map(Path, task.read), *map(Path, task.sources), *map(Path, task.inputs.values())),
        listed=tuple(map(Path, task.listed)),
        write=(Path(task.folder), Path(os.devnull)),
        memory_bytes=task.memory_bytes,
        file_bytes=task.output_bytes,
        processes=task.processes > 0,
        user=task.user,
        die_with_parent=True,
    )


def _work(task: Task, folder: Path) -> None:
    function = _load(task)
    bound = codec.bind(function, {name: Path(path) for name, path in task.inputs.items()}, task.params)
    value = function(**bound)
    codec.check_returned(function, value)
    results = folder / RESULT
    results.mkdir()
    for index, item in enumerate(codec.spread(value, task.outputs)):
        codec.encode(item, results / str(index))


def _load(task: Task) -> Callable[..., object]:
    place, _, name = task.call.rpartition(":")
    module = (
        _load_file(Path(place), map(Path, task.sources)) if place.startswith("/") else importlib.import_module(place)
    )
    function: object = getattr(module, name, None)
    if not callable(function):
        raise StepOutputError(f"{place} has no function {name!r}")
    return function


class _DeclaredFinder(importlib.abc.MetaPathFinder):
    """Imports modules beside a user's file, if they are among the declared sources.

    The folder itself stays off the path: nothing undeclared in it can be imported, and its names are not listed.
    """

    def __init__(self, folder: Path, declared: Iterable[Path]) -> None:
        self._folder = folder
        self._declared = frozenset(declared)

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        place = self._folder.joinpath(*fullname.split("."))
        package, module = place / "__init__.py", place.with_name(f"{place.name}.py")
        if package in self._declared:
            return importlib.util.spec_from_file_location(
                fullname, package, submodule_search_locations=[str(package.parent)]
            )
        return importlib.util.spec_from_file_location(fullname, module) if module in self._declared else None


def _load_file(path: Path, declared: Iterable[Path]) -> ModuleType:
    # Last in line, so that a file beside it cannot take the place of an installed module.
    sys.meta_path.append(_DeclaredFinder(path.parent, declared))
    name = path.stem if path.stem not in sys.modules else f"custom_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise StepOutputError(f"{path} cannot be loaded as Python")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _explain(error: BaseException, task: Task) -> None:
    failure = Failure(type(error).__name__, str(error) or type(error).__name__, where=_line(error, task))
    if isinstance(error, StockadeError):
        failure = Failure(type(error).__name__, error.message, error.code, error.where, error.remedy)
    with contextlib.suppress(OSError, MemoryError):
        if not isinstance(error, StockadeError):
            traceback.print_exception(error)
        _send({"failure": {name: text[:2000] for name, text in to_plain(failure).items()}})


def _line(error: BaseException, task: Task) -> str:
    """The innermost line of the user's own file that the error passed through; empty where there is none."""
    file = task.call.rpartition(":")[0]
    if isinstance(error, SyntaxError) and error.filename == file:
        return f"{file}:{error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"{file}:{lines[-1]}" if lines else ""


def _send(message: object) -> None:
    view = memoryview(json.dumps(message).encode() + b"\n")
    while view:
        view = view[os.write(CHANNEL, view) :]


def main() -> NoReturn:
    """Entry of a freshly executed interpreter: the task comes on standard input."""
    sys.dont_write_bytecode = True
    with open(0, "rb", closefd=False) as stream:
        task = Task.parse(stream.read())
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    run(task)


if __name__ == "__main__":
    main()
