"""Fixtures that several rooms share: a small finished project, built once, copied for each test."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from stockade.workspace.init import init
from stockade.workspace.project import Project

# Machines differ in speed, and a test that fails must fail again.
settings.register_profile("stockade", deadline=None, derandomize=True)
settings.load_profile("stockade")

QUICK = """
[train]
trials = 0
trainers = ["linear"]
folds = 3
[assess]
attacks = false
"""
"""Settings that make a run take a second."""


def write_people(path: Path, rows: int = 600, seed: int = 1) -> Path:
    """Write a small CSV with numbers, words, an identifier and a learnable target."""
    chance = random.Random(seed)
    lines = ["id,age,hours,region,employed"]
    for number in range(rows):
        age, hours = chance.randint(16, 90), chance.randint(0, 60)
        region = chance.choice(["north", "south", "east", "west"])
        likely = hours > 18 if chance.random() < 0.9 else chance.random() < 0.5
        lines.append(f"{number},{age},{hours},{region},{int(likely)}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with ``home`` (private) and ``project``: one version, run, promoted to production."""
    base = tmp_path_factory.mktemp("finished")
    before = os.environ.get("STOCKADE_HOME")
    os.environ["STOCKADE_HOME"] = str(base / "home")
    root = base / "project"
    root.mkdir()
    init(root, write_people(root / "people.csv"), "employed", name="people", persons=("ana", "ben"), mode="production")
    (root / "stockade.toml").write_text((root / "stockade.toml").read_text() + QUICK)
    (root / "policy" / "policy.toml").write_text(_lenient((root / "policy" / "policy.toml").read_text()))
    project = Project.open(root)
    project.run()
    project.promote(1, "staging", reason="looks right")
    project.approve(1, "production", person="ben", reason="figures reviewed")
    project.promote(1, "production", reason="replaces the old one")
    yield base
    if before is None:
        del os.environ["STOCKADE_HOME"]
    else:
        os.environ["STOCKADE_HOME"] = before


@pytest.fixture
def project(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of the finished project with a private folder of its own."""
    shutil.copytree(finished, tmp_path / "copy")
    monkeypatch.setenv("STOCKADE_HOME", str(tmp_path / "copy" / "home"))
    return Project.open(tmp_path / "copy" / "project")


def _lenient(policy: str) -> str:
    """The shipped policy without the rules about attacks, which a quick run does not mount."""
    kept = [line for line in policy.splitlines() if not line.startswith(("membership.auc", "robustness.accuracy"))]
    return "\n".join(kept) + "\n"
