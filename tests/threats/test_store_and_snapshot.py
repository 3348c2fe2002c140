"""The attacker has write access to the store, or an old snapshot of everything."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from stockade.errors import DigestMismatchError, EvidenceError, LogError, MissingEvidenceError, StockadeError
from stockade.registry.reading import Reader
from stockade.types.digest import Digest
from stockade.workspace.attacks import ATTACKS, Attack, Target, blob_path
from stockade.workspace.project import Project
from stockade.workspace.serving import admitted
from stockade.workspace.wiring import reading


def _store(project: Project) -> Path:
    return project.root / project.config.workspace.folder


def _boot(project: Project) -> bytes:
    """Verify the chain as the server does before it boots; returns the model's bytes."""
    with reading(_store(project), project.trust) as space:
        return admitted(space, project.name, "production")[1]


def _target(project: Project) -> Target:
    with reading(_store(project), project.trust) as space:
        reader = Reader(space.ledger, project.name)
        version, dossier = reader.version(1), reader.dossier(1)
    named = {item.name: item.digest for item in version.artifacts}
    return Target(_store(project), project.name, version.model, named["card"], dossier.steps["audit"].digest)


def _change_database(project: Project, statement: str) -> None:
    with closing(sqlite3.connect(_store(project) / "catalogue.sqlite")) as database, database:
        assert database.execute(statement).rowcount > 0


def test_the_honest_case_boots(project: Project) -> None:
    """Nothing was altered: the server gets the bytes that were admitted."""
    assert Digest.of(_boot(project)) == _target(project).model


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_attacks_of_the_demo_are_refused(project: Project, attack: Attack, tmp_path: Path) -> None:
    """Each attack that the demo shows is refused by an error with a code of evidence."""
    attack.mount(_target(project))
    output = tmp_path / "out.stockade"
    victim = (lambda: project.bundle(1, output)) if attack.command[0] == "bundle" else (lambda: _boot(project))
    with pytest.raises(EvidenceError):
        victim()
    assert not output.exists()


def test_a_truncated_artifact_is_named(project: Project) -> None:
    """A blob cut short is refused with its digest."""
    model = _target(project).model
    path = blob_path(_store(project), model)
    data = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(data[:-1])
    with pytest.raises(DigestMismatchError, match=model.hex):
        _boot(project)


def test_a_missing_artifact_is_named(project: Project) -> None:
    """A blob taken away is missing evidence, not a crash."""
    model = _target(project).model
    blob_path(_store(project), model).unlink()
    with pytest.raises(MissingEvidenceError, match=model.hex[:12]):
        _boot(project)


def test_an_altered_cached_artifact_is_recomputed(project: Project) -> None:
    """The cache does not believe altered bytes: the step runs again and the finding names it."""
    with reading(_store(project), project.trust) as space:
        reader = Reader(space.ledger, project.name)
        step = reader.dossier(1).steps["split"]
    digest = step.statement.subjects[0].digest
    path = blob_path(_store(project), digest)
    data = bytearray(path.read_bytes())
    data[-9] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(data))
    told: list[object] = []
    run = project.run(told.append)
    assert {step.name for step in run.steps if not step.cached} == {"split"}
    assert [event.step for event in told if type(event).__name__ == "CacheRefused"] == ["split"]
    assert Digest.of(path.read_bytes()) == digest


def test_a_deleted_approval_row_shows(project: Project) -> None:
    """A decision that is in the log and not in the catalogue is a contradiction."""
    _change_database(project, "DELETE FROM records WHERE kind = 'approval'")
    with pytest.raises(LogError, match="deleted"):
        _boot(project)


def test_an_edited_envelope_is_refused(project: Project) -> None:
    """A statement changed in the database no longer has its digest."""
    _change_database(project, "UPDATE envelopes SET data = CAST(replace(CAST(data AS TEXT), 'A', 'B') AS BLOB)")
    with pytest.raises(StockadeError):
        _boot(project)


def test_an_old_snapshot_of_everything_shows(project: Project, tmp_path: Path) -> None:
    """A workspace put back to an earlier state is refused by whoever has seen the later checkpoint."""
    snapshot = tmp_path / "snapshot"
    shutil.copytree(_store(project), snapshot)
    project.promote(1, "retired", reason="withdrawn")
    with pytest.raises(MissingEvidenceError):
        _boot(project)
    shutil.rmtree(_store(project))
    shutil.copytree(snapshot, _store(project))
    with pytest.raises(LogError, match=r"smaller|rolled back"):
        _boot(project)


def test_a_removed_log_shows(project: Project) -> None:
    """Deleting checkpoint and tiles does not make a fresh start."""
    shutil.rmtree(_store(project) / "log")
    with pytest.raises(LogError):
        _boot(project)


def test_another_root_of_trust_proves_nothing(project: Project) -> None:
    """A trust root that the intruder made himself does not verify what the old one signed."""
    from stockade.workspace.keyring import make_trial_root

    stranger = make_trial_root(("mallory", "trudy"))
    (project.root / "trust.json").write_bytes(stranger.data)
    with pytest.raises(EvidenceError):
        _boot(Project.open(project.root))
