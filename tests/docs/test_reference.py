"""What the program knows, the reference says: nothing is undocumented, and nothing is out of date."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any

import pytest

from docs.reading import ROOT, blocks, prose
from stockade.cli.verbs import VERBS
from stockade.evidence import predicates, statement
from stockade.evidence.predicates import Predicate
from stockade.evidence.statement import Statement
from stockade.evidence.trust import ROLES
from stockade.policy import document
from stockade.policy.vocabulary import GAPS, MEASURES
from stockade.serve.app import _routes
from stockade.serve.identity import Identity
from stockade.types.digest import Digest
from stockade.workspace.catalogue_of_errors import explanations
from stockade.workspace.config import Config

DOCS = ROOT / "docs"
WRITTEN = {
    getattr(predicates, name).TYPE: getattr(predicates, name)
    for name in predicates.__all__
    if hasattr(getattr(predicates, name), "TYPE") and name != "Predicate"
}


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_generated_pages_are_up_to_date() -> None:
    """`make docs` would change nothing."""
    command = [sys.executable, str(DOCS / "generate.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_a_stale_page_is_noticed(tmp_path: Path) -> None:
    """The check can fail: a page with a letter more is out of date."""
    copy = tmp_path / "docs"
    copy.mkdir()
    for path in (*DOCS.glob("*.md"), *DOCS.glob("*.py")):
        (copy / path.name).write_bytes(path.read_bytes())
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (copy / "errors.md").write_text(text("errors.md") + "x")
    command = [sys.executable, str(copy / "generate.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == "out of date: errors.md; run `make docs`\n"


def test_every_command_is_documented() -> None:
    """Each verb has a section."""
    assert re.findall(r"^## stockade (\w+)$", text("commands.md"), re.MULTILINE) == [verb.name for verb in VERBS]


def test_every_setting_is_documented() -> None:
    """Each key of each section has a line."""
    page = text("configuration.md")
    hints = typing.get_type_hints(Config)
    for section in dataclasses.fields(Config):
        if section.name != "steps":
            part = page.partition(f"## [{section.name}]\n")[2].partition("\n## ")[0]
            keys = re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)
            assert keys == [item.name for item in dataclasses.fields(hints[section.name])]


def test_every_error_code_is_documented() -> None:
    """Each code has a section."""
    assert set(re.findall(r"^## (\w+)$", text("errors.md"), re.MULTILINE)) == set(explanations())


def test_every_figure_and_gap_is_documented() -> None:
    """Each figure and family of gaps that a policy may name stands in its table."""
    page = text("policy.md")
    for name in MEASURES:
        assert f"`{name}`" in page
    for name in GAPS:
        assert f"| `{name}` |" in page


def test_every_section_and_key_of_a_policy_is_documented() -> None:
    """Each section and each key of `[evidence]` stands in the table of keys."""
    table = text("policy.md").partition("## Sections and keys")[2].partition("\n## ")[0]
    for name in ("thresholds", "fairness", "evidence", *document.ALIASES):
        assert f"`[{name}]`" in table
    for name in (*document._EVIDENCE, "columns", "approvals", "format"):
        assert f"`{name}`" in table


def test_every_family_of_rules_is_documented() -> None:
    """Each kind of rule that policy.toml compiles to has a line, with whether it can be waived."""
    sys.path.insert(0, str(DOCS))
    try:
        import policy_tables
    finally:
        sys.path.remove(str(DOCS))
    page = text("policy.md")
    families = policy_tables.families()
    for name, rule in families.items():
        line = next(item for item in page.splitlines() if item.startswith(f"| `{name}` |"))
        assert ("| yes |" in line) == rule.waivable
    # Every field of a document is exercised by `families`; a new one must be added there, and then shows in the page.
    exercised = {"thresholds", "columns", "gaps", "required_steps", "forbid_custom", "forbid_failed", "approvals"}
    on_by_default = {"minimum_isolation", "custom_figures", "allow_trial"}
    assert {item.name for item in dataclasses.fields(document.Document)} == exercised | on_by_default


def test_the_example_policy_compiles() -> None:
    """The policy that the page shows is one."""
    shown = [block.text for block in blocks(DOCS / "policy.md") if block.language == "toml"]
    assert len(shown) == 1
    assert document.read(shown[0]).columns == ("disability", "sex")


def test_every_predicate_type_has_a_page() -> None:
    """Each type that is written has one page, which names it first, and the index lists it."""
    known = {
        value for name, value in vars(statement).items() if name.isupper() and str(value).startswith(("http", "urn"))
    }
    known -= {statement.STATEMENT_TYPE, statement.BOM}
    assert set(WRITTEN) == known
    found = {}
    for page in (DOCS / "predicates").glob("*.md"):
        types = re.findall(r"^`((?:https|urn):[^`]+)`", prose(page), re.MULTILINE)
        assert len(types) == 1, page.name
        found[types[0]] = page.name
    assert set(found) == known
    for kind, page in found.items():
        assert f"(predicates/{page}) | `{kind}` |" in text("index.md")


@pytest.mark.parametrize("page", sorted((DOCS / "predicates").glob("*.md")), ids=lambda path: path.stem)
def test_examples_of_predicates_are_real(page: Path) -> None:
    """Each example is read by the strict reader of its type, and each of its fields is in the table."""
    shown = [json.loads(block.text) for block in blocks(page) if block.language == "json"]
    assert len(shown) == 1
    data = json.dumps(shown[0], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    read = Statement.parse(data)
    record: type[Predicate] = WRITTEN[read.predicate_type]
    assert record.of(read).to_predicate() == shown[0]["predicate"]
    table = prose(page)
    for name in _names(shown[0]["predicate"], depth=3):
        assert re.search(rf"\b{re.escape(name)}\b", table), name


def _names(value: Any, depth: int) -> set[str]:
    if isinstance(value, dict) and depth:
        deeper = [_names(item, depth - 1) for name, item in value.items() if name not in {"parameters", "digest"}]
        return set(value).union(*deeper)
    if isinstance(value, list) and depth:
        return set().union(*(_names(item, depth) for item in value))
    return set()


def test_every_endpoint_and_role_is_documented() -> None:
    """The table of endpoints has each path of the server with its method, and roles of trust are all named."""
    page = text("serving.md")
    routes = _routes(Identity("NAME", "VERSION", Digest.of(b"")))
    for path, route in routes.items():
        if "/versions/" not in path:
            role = route.role.value if route.role else "none"
            assert f"| `{path}` | {route.method} | {role} |" in page
    for role in ROLES:
        assert f"`{role}`" in text("formats.md")


def test_formats_name_their_versions() -> None:
    """The golden files' own fields and versions stand in the page on formats."""
    page = text("formats.md")
    golden = ROOT / "tests" / "evidence" / "golden"
    for name in ("key.v1.json", "memory.v1.json"):
        held = json.loads((golden / name).read_text(encoding="utf-8"))
        assert f"`{held['format']}`, version {held['version']}" in page
    for part in ("kdf", "cipher"):
        for field in json.loads((golden / "key.v1.json").read_text(encoding="utf-8"))[part]:
            assert f"`{field}`" in page
    for field in json.loads((golden / "trust.v1.json").read_text(encoding="utf-8"))["signed"]:
        assert f"`{field}`" in page
    assert (golden / "log" / "checkpoint").read_text(encoding="utf-8").strip() in page
