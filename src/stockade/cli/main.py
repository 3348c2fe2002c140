"""Dispatch: find the verb, load its module, turn errors into one screen and an exit code."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from stockade.cli.verbs import VERBS, Verb
from stockade.errors import ConfigError, StockadeError

_INTERRUPTED = 130


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns the process's exit code and never raises."""
    try:
        return _dispatch(list(arguments))
    except StockadeError as error:
        _show(error, as_json="--json" in arguments)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nstopped; finished steps are kept, run again to go on", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        failure = _machine_error(error)
        _show(failure, as_json="--json" in arguments)
        return failure.exit_code
    except Exception as error:  # noqa: BLE001  (the outermost place: a defect of ours is one screen as well)
        return _defect(error, as_json="--json" in arguments)


def parser(verb: str | None = None) -> argparse.ArgumentParser:
    """Build the parser of the whole program, or of one verb with all its options."""
    if verb is None:
        return _program_parser()
    found = _find(verb)
    module = importlib.import_module(f"stockade.cli.commands.{found.module}")
    built = _Parser(prog=f"stockade {verb}", description=found.summary, epilog=f"example: {found.example}")
    getattr(module, f"configure_{found.function}")(built)
    return built


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        if len(arguments) > 1 and arguments[0] == "help":
            parser(arguments[1]).print_help()
        else:
            _program_parser().print_help()
        return 0 if arguments else 2
    if arguments[0] in ("-V", "--version"):
        import stockade

        print(f"stockade {stockade.__version__}")
        return 0
    found = _find(arguments[0])
    options = parser(arguments[0]).parse_args(arguments[1:])
    module = importlib.import_module(f"stockade.cli.commands.{found.module}")
    result = getattr(module, f"run_{found.function}")(options)
    sys.stdout.flush()
    return int(result)


def _find(name: str) -> Verb:
    for verb in VERBS:
        if verb.name == name:
            return verb
    import difflib

    close = difflib.get_close_matches(name, [verb.name for verb in VERBS], n=1)
    meant = f"did you mean `stockade {close[0]}`?" if close else "`stockade --help` lists the commands"
    raise ConfigError(f"there is no command {name!r}", remedy=meant)


class _Parser(argparse.ArgumentParser):
    """An argument parser whose mistakes look like all other errors."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(message, remedy=f"`{self.prog} --help` shows how it is typed")


def _program_parser() -> argparse.ArgumentParser:
    width = max(len(verb.name) for verb in VERBS) + 2
    lines: list[str] = []
    for part in dict.fromkeys(verb.part for verb in VERBS):
        lines.append(f"\n{part}:")
        lines += [f"  {verb.name:<{width}}{verb.summary}" for verb in VERBS if verb.part == part]
    built = argparse.ArgumentParser(
        prog="stockade",
        usage="stockade COMMAND [options]",
        description="A secure machine-learning pipeline: nothing reaches production unproven.",
        epilog="\n".join(lines)
        + "\n\n`stockade COMMAND --help` says more. Exit codes: 0 ok, 1 finding or refusal, 2 usage, 3 this machine.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    built.add_argument("-V", "--version", action="store_true", help="print the version")
    return built


def _show(error: StockadeError, *, as_json: bool) -> None:
    if as_json:
        document = {"code": error.code, "message": error.message, "where": error.where, "remedy": error.remedy}
        print(json.dumps({"error": document}))
        return
    from stockade.cli import look

    look.error(error)


def _defect(error: Exception, *, as_json: bool) -> int:
    """Show an error that nobody foresaw: where in our code it arose, and how to report it."""
    import traceback

    from stockade.errors import DefectError

    if os.environ.get("STOCKADE_TRACEBACK"):
        traceback.print_exception(error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    failure = _missing(error) or DefectError(
        f"{type(error).__name__}: {str(error)[:300]}",
        where=f"{frame.filename}:{frame.lineno}",
        remedy="run it again with STOCKADE_TRACEBACK=1 set, and report what it prints",
    )
    _show(failure, as_json=as_json)
    return failure.exit_code


def _missing(error: Exception) -> StockadeError | None:
    """Say that a library is not there: an environment that was made to verify bundles holds but one."""
    from stockade.errors import UnsupportedError

    if not isinstance(error, ModuleNotFoundError) or (error.name or "stockade").startswith("stockade"):
        return None
    return UnsupportedError(
        f"this installation cannot do that: the library {str(error.name).partition('.')[0]} is missing",
        where=sys.prefix,
        remedy="install stockade with its dependencies, `pip install stockade`; without them it verifies bundles only",
    )


def _machine_error(error: OSError) -> StockadeError:
    import errno

    from stockade.errors import ServiceError, StorageFullError

    where = str(error.filename or "")
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR):
        words = {errno.ENOENT: "there is no such file or folder", errno.EISDIR: "a file is expected, not a folder"}
        return ConfigError(
            words.get(error.errno, "a folder is expected, not a file"), where=where, remedy="check the path"
        )
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFullError("the disk is full", where=where, remedy="free some space and run again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ServiceError("permission denied", where=where, remedy="check who owns the file and its folder")
    return ServiceError(error.strerror or str(error), where=where, remedy="see `stockade doctor`")
