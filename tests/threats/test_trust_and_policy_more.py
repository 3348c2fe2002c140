"""The attacker swaps the root of trust, or has a promoter's account and writes a policy of his own."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stockade.cli.main import run
from stockade.errors import ConfigError, MalformedError, RefusedError, UntrustedError
from stockade.evidence import keys
from stockade.evidence.trust import build_root
from stockade.policy.policy import Policy
from stockade.workspace.init import init
from stockade.workspace.project import Project


def test_everything_swapped_with_its_root_of_trust(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project replaced by one that agrees with a stranger's root is refused, and the former is taken back."""
    Project.open(project.root)
    rows = tmp_path / "people.csv"
    rows.write_text("hours,employed\n" + "".join(f"{n % 60},{int(n % 60 > 18)}\n" for n in range(300)))
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("STOCKADE_HOME", str(tmp_path / "stranger"))
        init(tmp_path / "evil", rows, "employed", name="people", persons=("ana", "ben"))
    shutil.move(project.root, tmp_path / "kept")
    shutil.copytree(tmp_path / "evil", project.root)
    with pytest.raises(UntrustedError, match="another than before"):
        Project.open(project.root)
    shutil.rmtree(project.root)
    shutil.move(tmp_path / "kept", project.root)
    assert Project.open(project.root).status().aliases == {"production": 1}


def test_nobody_reaches_production_alone(project: Project) -> None:
    """A promoter who writes a policy without approvals is refused: that takes another person, whatever it says."""
    policy = project.root / "policy" / "policy.toml"
    policy.write_text('[production]\napprovals = 0\n[evidence]\nminimum_isolation = "none"\nallow_trial = true\n')
    (project.root / "stockade.toml").write_text(
        (project.root / "stockade.toml").read_text().replace("folds = 3", "folds = 4")
    )
    project = Project.open(project.root)
    version = project.run().version
    project.promote(version, "staging", reason="mine")
    with pytest.raises(RefusedError, match="other person"):
        project.promote(version, "production", reason="mine")
    project.approve(version, "production", person="ben", reason="seen")
    assert project.promote(version, "production", reason="ours").target == "production"


@pytest.mark.parametrize("limit", [">= auc", "> auc - 0.1", "<= auc"])
def test_a_limit_against_itself_says_nothing(limit: str) -> None:
    """A rule that holds a figure against the same figure always holds, or never does, and is refused."""
    with pytest.raises(ConfigError, match="itself"):
        Policy.compile(f'thresholds.auc = "{limit}"\n')


@pytest.mark.parametrize("name", ["ana\x9b31m", "a\u202ena", "ana ", "a  b", "\uff41na", "ana\u200b", "a\u0301na"])
def test_names_that_look_like_others_are_refused(name: str) -> None:
    """A person's name is printable, normal text: no direction marks, no invisible or wide letters, no stray spaces."""
    pair = keys.generate()
    with pytest.raises(MalformedError):
        build_root(
            version=1,
            expires=datetime(2100, 1, 1, tzinfo=UTC),
            trial=True,
            persons={name: [pair.public]},
            roles={"root": [pair.public]},
            signers=[pair],
        )


def test_a_bundle_does_not_steer_the_terminal(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Reasons and names in somebody else's bundle are shown without control characters."""
    project.approve(1, "retired", person="ben", reason="fine \x1b]0;owned\x07\x9b2J\u202e")
    path = project.bundle(1, project.root / "b.stockade")
    assert run(["verify", str(path), "--trust", str(project.trust.digest)]) == 0
    shown = capsys.readouterr().out
    assert "fine" in shown
    assert all(sign.isprintable() or sign == "\n" for sign in shown)
