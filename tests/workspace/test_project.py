"""A project's verbs, as methods and as commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import QUICK, write_people
from stockade.cli.main import run as command
from stockade.errors import ConfigError, RefusedError, SelfApprovalError, TransitionError
from stockade.evidence.bundle import verify_bundle
from stockade.evidence.trust import parse
from stockade.workspace.init import init
from stockade.workspace.project import Project


def test_init_writes_six_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration has six lines, and nothing private lies in the project."""
    monkeypatch.setenv("STOCKADE_HOME", str(tmp_path / "home"))
    made = init(tmp_path / "new", write_people(tmp_path / "people.csv"), "employed")
    folder = tmp_path / "new"
    assert len((folder / "stockade.toml").read_text().splitlines()) == 6
    assert {"stockade.toml", "schema.toml", "trust.json", "policy/policy.toml"} <= set(made.files)
    for path in folder.rglob("*"):
        assert not path.name.endswith((".key", "passphrase"))
    assert parse((folder / "trust.json").read_bytes()).digest == made.trust


def test_init_overwrites_nothing(project: Project) -> None:
    """A folder that holds a project is left alone."""
    before = (project.root / "stockade.toml").read_bytes()
    with pytest.raises(ConfigError, match="already"):
        init(project.root, project.root / "people.csv", "employed")
    assert (project.root / "stockade.toml").read_bytes() == before


def test_an_unchanged_run_is_all_proven(project: Project) -> None:
    """Running again repeats no step and makes no new version, run statement or log entry."""
    before = project.status()
    run = project.run()
    assert all(step.cached for step in run.steps)
    assert run.version == 1
    assert project.status() == before


def test_a_changed_parameter_repeats_only_what_depends_on_it(project: Project) -> None:
    """Another seed repeats audit, split and what follows, and registers version 2."""
    path = project.root / "stockade.toml"
    path.write_text(path.read_text().replace("[train]", "[train]\nseed = 7"))
    run = Project.open(project.root).run()
    assert {step.name for step in run.steps if step.cached} == {"ingest", "validate", "clean", "anonymise"}
    assert run.version == 2


def test_every_step_is_isolated_and_attested(project: Project) -> None:
    """Each step of the run has provenance in the log and ran in the sandbox where this machine has one."""
    with_evidence = {step.name: step for step in project.run().steps}
    assert list(with_evidence) == [
        "ingest", "validate", "audit", "clean", "anonymise", "split", "train", "assess", "package"
    ]  # fmt: skip
    for name in with_evidence:
        shown = dict(project.show(name).fields)
        assert shown["origin"] == "built-in"
        assert shown["provenance"].startswith("sha256:")


def test_the_owner_cannot_approve(project: Project) -> None:
    """Nobody approves or waives their own work."""
    path = project.root / "stockade.toml"
    path.write_text(path.read_text().replace("[train]", "[train]\nseed = 9"))
    again = Project.open(project.root)
    number = again.run().version
    again.promote(number, "staging")
    with pytest.raises(SelfApprovalError):
        again.approve(number, "production", person="ana", reason="looks fine to me")
    with pytest.raises(RefusedError, match="approv"):
        again.promote(number, "production")


def test_rollback_restores_the_version_before(project: Project) -> None:
    """After a second promotion, a rollback gives production back to version 1."""
    path = project.root / "stockade.toml"
    path.write_text(path.read_text().replace("[train]", "[train]\nseed = 11"))
    again = Project.open(project.root)
    assert again.run().version == 2
    again.promote(2, "staging")
    again.approve(2, "production", person="ben", reason="reviewed")
    again.promote(2, "production")
    assert again.status().aliases == {"production": 2}
    assert again.rollback("production", reason="complaints").version == 1
    assert again.status().aliases == {"production": 1}
    assert [line.what for line in again.history()][-1] == "rollback"


def test_production_is_not_reached_from_nowhere(project: Project) -> None:
    """An alias moves along the table only."""
    path = project.root / "stockade.toml"
    path.write_text(path.read_text().replace("[train]", "[train]\nseed = 13"))
    again = Project.open(project.root)
    number = again.run().version
    with pytest.raises(TransitionError):
        again.promote(number, "production")


def test_a_bundle_verifies_against_the_pinned_root(project: Project, tmp_path: Path) -> None:
    """The bundle proves the version to whoever holds the digest of the root of trust."""
    bundle = project.bundle(1, tmp_path / "people-1.stockade")
    assert verify_bundle(bundle, project.trust.digest).trusted
    assert command(["verify", str(bundle), "--trust", str(project.trust.digest)]) == 0
    assert command(["verify", str(bundle)]) == 1
    assert command(["verify", str(bundle), "--trust", str(project.trust.digest), "--production"]) == 1
    assert command(["verify", str(bundle), "--trust", "sha256:" + "0" * 64]) == 1


def test_predictions_set_bad_rows_aside(project: Project, tmp_path: Path) -> None:
    """Rows that break the schema get no answer and are counted; the others do."""
    source = tmp_path / "new.csv"
    source.write_text("age,hours,region\n30,40,north\n900,40,north\n50,10,nowhere\n")
    found = project.predict(source, output=tmp_path / "answers.csv")
    assert (found.rows, found.rejected) == (1, 2)
    assert found.columns == ("row", "label", "probability 0", "probability 1")
    assert (tmp_path / "answers.csv").read_text().count("\n") == 2


def test_the_report_is_written_whole(project: Project) -> None:
    """The page is self-contained and below 300 kB."""
    page = project.report(1, project.root / "page.html").read_text()
    assert page.rstrip().endswith("</html>")
    assert len(page) <= 300_000
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_commands_print_what_the_methods_return(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """``--json`` of each reading command is one document."""
    folder = ["--project", str(project.root), "--json"]
    for words in (["status"], ["runs"], ["history"], ["show"], ["show", "train"], ["show", "model"], ["report"]):
        capsys.readouterr()
        assert command([*words, *folder]) == 0, words
        json.loads(capsys.readouterr().out)
    for words in (["status"], ["runs"], ["history"], ["show"], ["show", "train"], ["show", "model"]):
        assert command([*words, "--project", str(project.root)]) == 0


def test_research_mode_advises_and_production_mode_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same refusal exits 0 in research mode and 1 in production mode."""
    monkeypatch.setenv("STOCKADE_HOME", str(tmp_path / "home"))
    init(tmp_path, write_people(tmp_path / "people.csv"), "employed", name="people")
    path = tmp_path / "stockade.toml"
    path.write_text(path.read_text() + QUICK)
    assert command(["run", "--project", str(tmp_path), "--quiet"]) == 0
    assert "would be refused" in capsys.readouterr().out
    path.write_text(path.read_text().replace("research", "production"))
    assert command(["run", "--project", str(tmp_path), "--quiet"]) == 1
