"""Values to files and back, by type; runs in the step's own process.

| annotation or value | file |
|---|---|
| polars DataFrame, LazyFrame (input only) | Parquet |
| frozen dataclass, tuple or list of them, dict, number, None | JSON, read strictly |
| str | UTF-8 text |
| bytes | the bytes |
| pathlib.Path | input: the path of the file; output: a regular file that the step wrote in its folder |

Nothing is ever pickled.
"""

from __future__ import annotations

import inspect
import json
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Union

from stockade.errors import StepOutputError
from stockade.types.record import from_plain, to_plain


def bind(
    function: Callable[..., object],
    inputs: Mapping[str, Path],
    params: Mapping[str, Any],
) -> dict[str, object]:
    """Decode inputs and parameters as the function's annotations ask.

    Args:
        function: The step.
        inputs: File of each input and secret, by parameter.
        params: JSON values, by parameter.

    Raises:
        StepOutputError: the function has no such parameter, or a parameter without default gets nothing.
        ValueError: a file or value is not what the annotation says.
    """
    hints = typing.get_type_hints(function)
    _check_parameters(function, {*inputs, *params})
    bound: dict[str, object] = {name: decode(path, hints.get(name, Path)) for name, path in inputs.items()}
    for name, value in params.items():
        bound[name] = from_plain(hints.get(name, object), value, name)
    return bound


def _check_parameters(function: Callable[..., object], given: set[str]) -> None:
    parameters = inspect.signature(function).parameters
    takes_any = any(item.kind is item.VAR_KEYWORD for item in parameters.values())
    if not takes_any and (unknown := sorted(given - set(parameters))):
        raise StepOutputError(
            f"{function.__name__}() has no parameter {unknown[0]!r}",
            remedy=f"it has: {', '.join(parameters) or 'none'}",
        )
    for name, item in parameters.items():
        needed = item.default is item.empty and item.kind not in (item.VAR_KEYWORD, item.VAR_POSITIONAL)
        if needed and name not in given:
            raise StepOutputError(f"{function.__name__}() needs the parameter {name!r}, which nothing provides")


def decode(path: Path, kind: Any) -> object:
    """Read a file as a value of the annotated type.

    Raises:
        ValueError: the content is not of that type.
    """
    kind = _without_none(kind)
    if kind is Path:
        return path
    if kind is bytes:
        return path.read_bytes()
    if kind is str:
        return path.read_text(encoding="utf-8")
    if _is_polars(kind, "DataFrame"):
        import polars as pl

        try:
            return pl.read_parquet(path)
        except pl.exceptions.PolarsError as error:
            raise StepOutputError(
                f"the artifact {path.stem!r} is no table",
                remedy="return a polars DataFrame from the step that makes it",
            ) from error
    if _is_polars(kind, "LazyFrame"):
        import polars as pl

        return pl.scan_parquet(path)
    return from_plain(kind, json.loads(path.read_text(encoding="utf-8")), path.name)


def _without_none(kind: Any) -> Any:
    if typing.get_origin(kind) in (Union, types.UnionType):
        kinds = [option for option in typing.get_args(kind) if option is not type(None)]
        return kinds[0] if len(kinds) == 1 else kind
    return kind


def _is_polars(kind: object, name: str) -> bool:
    return isinstance(kind, type) and kind.__name__ == name and kind.__module__.partition(".")[0] == "polars"


def check_returned(function: Callable[..., object], value: object) -> None:
    """Hold what a step returned against its annotation, as far as that is a table, text, bytes or a path.

    Raises:
        StepOutputError: it is something else.
    """
    kind = typing.get_type_hints(function).get("return")
    checked = kind in (str, bytes, Path) or _is_polars(kind, "DataFrame")
    if isinstance(kind, type) and checked and not isinstance(value, kind):
        raise StepOutputError(
            f"it returned a {type(value).__name__}, and its annotation says {kind.__name__}",
            remedy="correct the return value, or the annotation",
        )


def spread(value: object, count: int) -> tuple[object, ...]:
    """Match what a step returned with the number of its outputs.

    Raises:
        StepOutputError: it returned another number of values.
    """
    if count == 0:
        return ()
    named = isinstance(value, tuple) and hasattr(value, "_fields")
    if count == 1 and not (named and len(typing.cast("tuple[object, ...]", value)) == 1):
        return (value,)
    if not isinstance(value, tuple) or len(value) != count:
        got = f"{len(value)} values" if isinstance(value, tuple) else type(value).__name__
        raise StepOutputError(f"the step returned {got}, and has {count} outputs")
    return value


def encode(value: object, path: Path) -> None:
    """Write a value to `path`; the same value always gives the same bytes.

    Raises:
        StepOutputError: the value cannot be stored.
    """
    if isinstance(value, Path):
        _take_file(value, path)
    elif isinstance(value, bytes):
        path.write_bytes(value)
    elif isinstance(value, str):
        path.write_text(value, encoding="utf-8")
    elif _is_polars(type(value), "DataFrame"):
        typing.cast("Any", value).write_parquet(path, compression="zstd", statistics=True)
    else:
        path.write_bytes(_json(value))


def _take_file(value: Path, path: Path) -> None:
    if value.is_symlink() or not value.is_file():
        raise StepOutputError(f"the step returned the path {value.name!r}, which is not a regular file")
    try:
        value.rename(path)
    except OSError as error:
        raise StepOutputError(f"the step returned the path {value.name!r}, which is not in its own folder") from error


def _json(value: object) -> bytes:
    try:
        text = json.dumps(to_plain(value), ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise StepOutputError(
            f"the step returned a {type(value).__name__} that cannot be stored: {error}",
            remedy="return a DataFrame, bytes, text, a frozen dataclass, plain JSON values or the path of a file",
        ) from error
    return text.encode()
