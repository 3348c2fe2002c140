"""Read the signatures of a user's ``steps.py`` without running a line of it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stockade.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a function.

    Attributes:
        name: Its name.
        annotation: The annotation as text, empty where there is none.
        required: Whether it has no default.
        default: The default, where that is a literal; else None.
    """

    name: str
    annotation: str
    required: bool
    default: Any = None


@dataclass(frozen=True, slots=True)
class Function:
    """One public function of a file.

    Attributes:
        name: Its name.
        line: Where it starts, counted from 1.
        doc: First line of its docstring.
        parameters: In order.
        returns: The return annotation as text.
        fields: Names of the fields, where the return annotation is a NamedTuple of the same file.
    """

    name: str
    line: int
    doc: str
    parameters: tuple[Parameter, ...]
    returns: str
    fields: tuple[str, ...]


def read_functions(path: Path) -> dict[str, Function]:
    """Read the public top-level functions of a Python file, by name.

    Raises:
        ConfigError: the file is absent, not UTF-8, or not Python; the message has the line.
    """
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except OSError as error:
        raise ConfigError(f"the file cannot be read: {error.strerror}", where=str(path)) from error
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None) or 1
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise ConfigError(f"not valid Python: {reason}", where=f"{path}:{line}", remedy="correct the line") from error
    tuples = {node.name: _fields(node) for node in tree.body if isinstance(node, ast.ClassDef) and _is_tuple(node)}
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    return {node.name: _function(node, tuples) for node in functions}


def _is_tuple(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).rpartition(".")[2] == "NamedTuple" for base in node.bases)


def _fields(node: ast.ClassDef) -> tuple[str, ...]:
    return tuple(
        item.target.id for item in node.body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    )


def _function(node: ast.FunctionDef, tuples: dict[str, tuple[str, ...]]) -> Function:
    positional = [*node.args.posonlyargs, *node.args.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(node.args.defaults))
    pairs = list(zip(positional, [*defaults, *node.args.defaults], strict=True))
    pairs += zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    returns = _text(node.returns)
    return Function(
        name=node.name,
        line=node.lineno,
        doc=(ast.get_docstring(node) or "").partition("\n")[0],
        parameters=tuple(_parameter(argument, default) for argument, default in pairs),
        returns=returns,
        fields=tuples.get(returns, ()),
    )


def _parameter(argument: ast.arg, default: ast.expr | None) -> Parameter:
    value = None
    if default is not None:
        try:
            value = ast.literal_eval(default)
        except (ValueError, TypeError, RecursionError):
            value = None
    return Parameter(argument.arg, _text(argument.annotation), default is None, value)


def _text(node: ast.expr | None) -> str:
    if node is None:
        return ""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ast.unparse(node)
