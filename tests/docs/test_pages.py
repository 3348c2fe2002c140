"""Every page is whole: its links lead somewhere, and it speaks of the project alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.reading import ROOT, anchors, pages, prose

FORBIDDEN = (
    r"pypi\.org|pythonhosted|index-url|--extra-index|artifactory|devpi",
    r"(?<![\w.~/-])/(work|home|root|Users|private|mnt|opt|srv)/",
    r"(?i)\b(claude|chatgpt|copilot|openai|anthropic|llm)\b",
    r"/tmp/",
)
"""Package hosts, paths of a machine, and how or where the project is made."""


@pytest.mark.parametrize("page", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link and picture is a file or folder of the project, and every anchor a heading."""
    targets = re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", prose(page))
    for target in (first or second for first, second in targets):
        if re.match(r"https?://|mailto:", target):
            continue
        name, _, anchor = target.partition("#")
        found = (page.parent / name).resolve() if name else page
        assert found.exists(), f"{target} does not exist"
        assert ROOT in found.parents, f"{target} leads out of the project"
        if anchor:
            assert anchor in anchors(found), f"{target} has no such heading"


@pytest.mark.parametrize("page", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_speak_of_the_project_alone(page: Path) -> None:
    """No page names a package host, a machine's path, or how it was written."""
    text = page.read_text(encoding="utf-8")
    for pattern in FORBIDDEN:
        found = re.search(pattern, text)
        assert found is None, f"{found and found[0]!r} in {page.name}"


def test_every_page_is_reached_from_the_readme() -> None:
    """A page that nothing links to would never be read."""
    seen, queue = set(), [ROOT / "README.md"]
    while queue:
        page = queue.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        links = re.findall(r"\]\(([^)\s#]+)", prose(page))
        inside = [(page.parent / link).resolve() for link in links if "://" not in link]
        queue += [path for path in inside if path.is_file()]
        queue += [path for folder in inside if folder.is_dir() for path in folder.glob("*.md")]
    assert {page for page in pages() if page.is_relative_to(ROOT / "docs")} <= seen


def test_pictures_are_small() -> None:
    """The README's pictures do not weigh on a clone."""
    pictures = list((ROOT / "docs" / "images").iterdir())
    assert pictures
    assert all(path.stat().st_size <= 250_000 for path in pictures)
