"""Write the reference pages from what the program itself knows: ``make docs``.

A test runs this with ``--check`` and fails when a page is out of date.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import re
import sys
import typing
from collections.abc import Callable, Mapping
from pathlib import Path

import policy_tables

from stockade.cli.main import parser
from stockade.cli.verbs import VERBS
from stockade.lifecycle.standard import Design, standard
from stockade.pipeline.graph import Limits
from stockade.types.execution import Mode
from stockade.workspace.catalogue_of_errors import explanations
from stockade.workspace.config import Config

DOCS = Path(__file__).parent
NOTE = "<!-- written by docs/generate.py; do not edit -->\n"


def configuration() -> str:
    """The reference of stockade.toml."""
    lines = [NOTE, "# Configuration reference", "", "`stockade.toml`; only `source` and `target` have no default.", ""]
    hints = typing.get_type_hints(Config)
    for section in dataclasses.fields(Config):
        if section.name == "steps":
            continue
        kind = hints[section.name]
        lines += [f"## [{section.name}]", "", inspect.getdoc(kind) or "", "", "| key | type | default | meaning |"]
        lines.append("|---|---|---|---|")
        types = typing.get_type_hints(kind)
        for key in dataclasses.fields(kind):
            required = key.default is dataclasses.MISSING
            default = "required" if required else f"`{_toml(key.default)}`"
            lines.append(f"| `{key.name}` | {_word(types[key.name])} | {default} | {key.metadata['doc']} |")
        lines.append("")
    lines += [
        "## [steps.NAME]",
        "",
        "Parameters of the function `NAME` in the project's own `steps.py`; see [custom steps](custom-steps.md).",
        "",
    ]
    return "\n".join(lines)


def command_line() -> str:
    """The reference of the commands."""
    lines = [NOTE, "# Command reference", ""]
    lines += ["Exit codes: 0 ok, 1 a finding or refusal, 2 usage, 3 this machine. Most commands take `--json`.", ""]
    for verb in VERBS:
        lines += [f"## stockade {verb.name}", "", verb.summary[0].upper() + verb.summary[1:] + ".", ""]
        lines += ["```text", _help(parser(verb.name)).rstrip(), "```", ""]
    return "\n".join(lines)


def errors() -> str:
    """The list of error codes."""
    lines = [NOTE, "# Error codes", "", "`stockade explain CODE` prints the same.", ""]
    for code, text in explanations().items():
        lines += [f"## {code}", "", inspect.cleandoc(text), ""]
    return "\n".join(lines)


def policy() -> str:
    """The reference of policy.toml: prose by hand, tables between markers."""
    return _with_tables("policy.md", policy_tables.REGIONS)


def custom_steps() -> str:
    """The page on custom steps: prose by hand, a table and the sources of the examples."""
    text = _with_tables("custom-steps.md", {"steps": _steps})
    return re.sub(r"```python file=(\S+)\n.*?```", _with_file, text, flags=re.DOTALL)


def _steps() -> str:
    nowhere = Path("file")
    graph = standard(Design(nowhere, nowhere, parameters={}, limits=Limits(), secrets={}))
    lines = ["| step | takes | makes |", "|---|---|---|"]
    for step in graph.steps:
        takes, makes = (", ".join(f"`{name}`" for name in names) for names in (step.inputs, step.outputs))
        lines.append(f"| `{step.name}` | {takes} | {makes} |")
    return "\n".join(lines)


def _with_file(block: re.Match[str]) -> str:
    source = (DOCS.parent / block[1]).read_text(encoding="utf-8").rstrip()
    return f"```python file={block[1]}\n{source}\n```"


def _with_tables(page: str, tables: Mapping[str, Callable[[], str]]) -> str:
    text = (DOCS / page).read_text(encoding="utf-8")
    for name, write in tables.items():
        region = f"<!-- table: {name}; written by docs/generate.py -->\n\n{write()}\n\n<!-- end -->"
        pieces = re.split(rf"<!-- table: {name};.*?<!-- end -->", text, flags=re.DOTALL)
        if len(pieces) != 2:
            raise ValueError(f"{page} must have one place for the table {name!r}")
        text = region.join(pieces)
    return text


def _help(built: argparse.ArgumentParser) -> str:
    built.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=100)  # type: ignore[assignment]
    return built.format_help()


def _toml(value: object) -> str:
    if isinstance(value, Mode):
        value = value.value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _word(kind: object) -> str:
    if typing.get_origin(kind) is tuple:
        return "list of texts"
    words: dict[object, str] = {str: "text", int: "whole number", float: "number", bool: "true/false", Mode: "mode"}
    return words[kind]


PAGES = {
    "configuration.md": configuration,
    "commands.md": command_line,
    "errors.md": errors,
    "policy.md": policy,
    "custom-steps.md": custom_steps,
}


def main() -> int:
    """Write the pages, or with ``--check`` only compare them."""
    stale = []
    for name, write in PAGES.items():
        path = DOCS / name
        text = write()
        if "--check" in sys.argv:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            path.write_text(text, encoding="utf-8")
    if stale:
        sys.stderr.write(f"out of date: {', '.join(stale)}; run `make docs`\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
