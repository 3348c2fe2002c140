"""Attackers with a valid account, and attackers with write access to the database or an old snapshot of everything.

The first can only do what policy grants, and nobody approves his own work. For the second, rows are an index over signed
envelopes: no forged version, approval or promotion is accepted, and deletion and roll-back show.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from dataclasses import replace

import pytest

from registry.world import GAP, NOW, SOON, UNFAIR, World
from stockade.errors import (
    DigestMismatchError,
    EvidenceError,
    LogError,
    MissingEvidenceError,
    RefusedError,
    SelfApprovalError,
    SignatureError,
)
from stockade.evidence.envelope import Envelope
from stockade.evidence.ledger import Sealed
from stockade.evidence.predicates import Decision, ReleaseInfo
from stockade.evidence.sign import seal
from stockade.evidence.statement import DECISION, Subject
from stockade.evidence.text import write_time
from stockade.evidence.tiles import entry_of
from stockade.registry.promote import Draft, decide
from stockade.registry.reading import event_record
from stockade.registry.records import Event, RoleError
from stockade.types.ledger import Record


@pytest.fixture
def world(tmp_path):
    opened = World(tmp_path / "workspace")
    yield opened
    opened.catalog.close()


def forged(world: World, kind: str, signer, *, source: str, target: str, version: int = 1, nonce: str = "n", **changes):
    """A decision as an attacker would write it, signed by whichever key the attacker has."""
    dossier = world.registry.dossier(version)
    decision = Decision(
        **{
            "kind": kind,
            "name": "census",
            "version": version,
            "model": dossier.model,
            "source": source,
            "target": target,
            "policy": world.policy.digest,
            "evidence": dossier.evidence_set,
            "rule": "",
            "reason": "because",
            "expires": "",
            "nonce": nonce,
            "made": write_time(NOW),
            **changes,
        }
    )
    envelope = seal(decision.statement([Subject("model", decision.model)]), signer)
    return Sealed(envelope, (event_record(Event(decision, ("ann",), envelope.digest, -1)),))


# A valid account


def test_self_approval(world):
    """Who ran the pipeline cannot approve it, not by the verb and not with a hand-made envelope of his own key."""
    world.release()
    world.stage()
    with pytest.raises(SelfApprovalError):
        world.registry.approve(1, "production", world.policy, world.keys.ann, reason="mine")
    world.ledger.append([forged(world, "approval", world.keys.ann, source="staging", target="production")])
    with pytest.raises(RefusedError) as caught:
        world.registry.promote(1, "production", world.policy, world.keys.beatrix, reason="go")
    assert [item.rule for item in caught.value.decision.refused] == ["approvals.production"]


def test_self_waiver(world):
    """Who ran the pipeline cannot waive its rules, not even through a colleague who asks for the promotion."""
    world.release(figures=UNFAIR)
    made = forged(world, "waiver", world.keys.ann, source="none", target="staging", rule=GAP, expires=write_time(SOON))
    world.ledger.append([made])
    with pytest.raises(RefusedError, match="disability"):
        world.registry.promote(1, "staging", world.policy, world.keys.beatrix, reason="go")


def test_an_approval_replayed_for_another_version(world):
    """An approval of version 1 under a row of version 2 is refused, and does not let version 2 pass."""
    world.release()
    world.stage()
    world.approve()
    world.registry.promote(1, "production", world.policy, world.keys.ann, reason="go")
    world.release(b"model 2", UNFAIR)
    world.edit("UPDATE records SET key = 'census@2' WHERE kind = 'approval'")
    with pytest.raises(LogError, match="approval of census@2 is not what the log proves"):
        world.stage(2)


def test_a_decision_replayed_in_the_log(world):
    """The same promotion appended again, to bring back what was rolled back, is refused as a replay."""
    for number in (1, 2):
        world.release(f"model {number}".encode())
        world.produce(number)
    promotion = world.registry.deployed("production")
    world.registry.rollback("production", world.keys.ann, reason="complaints")
    world.ledger.append([Sealed(Envelope.parse(world.ledger.envelope(promotion.envelope)))])
    with pytest.raises(LogError, match="replayed"):
        world.registry.aliases()


def test_a_waiver_kept_beyond_its_end(world):
    """An expired waiver does not admit a promotion."""
    world.release(figures=UNFAIR)
    world.registry.waive(1, [GAP], world.policy, world.keys.beatrix, reason="x", expires=SOON)
    world.clock.now = SOON
    with pytest.raises(RefusedError, match="disability"):
        world.stage()


def test_an_approval_without_the_role(world):
    """A person who may not approve is refused by the verb, and a hand-made approval of that key does not verify."""
    world.release()
    world.stage()
    with pytest.raises(RoleError):
        world.registry.approve(1, "production", world.policy, world.keys.carl, reason="x")
    world.ledger.append([forged(world, "approval", world.keys.carl, source="staging", target="production")])
    with pytest.raises(SignatureError, match="approver"):
        world.registry.promote(1, "production", world.policy, world.keys.ann, reason="go")


def test_a_builder_cannot_decide(world):
    """The key that attests steps promotes nothing: breaking into the runner is not enough."""
    world.release(figures=UNFAIR)
    world.ledger.append([forged(world, "promotion", world.keys.builder, source="none", target="staging")])
    with pytest.raises(SignatureError, match="promoter"):
        world.registry.aliases()


def test_a_promoter_cannot_go_round_the_policy(world):
    """A promotion signed by a real promoter but past the policy moves the alias in name only: no admission follows."""
    world.release(figures=UNFAIR)
    world.ledger.append([forged(world, "promotion", world.keys.ann, source="none", target="staging")])
    assert world.registry.aliases() == {"staging": 1}
    with pytest.raises(RefusedError, match="disability"):
        world.registry.admitted("staging", world.policy)


def test_a_promotion_that_jumps_the_table(world):
    """A promotion signed straight from none to production is no state of the registry."""
    world.release()
    world.ledger.append([forged(world, "promotion", world.keys.ann, source="none", target="production")])
    with pytest.raises(LogError, match="cannot become"):
        world.registry.aliases()


# Write access to the database


def test_a_promotion_forged_by_a_stranger(world):
    """A promotion under a stranger's key, slipped into the log, is refused by name and holds no alias."""
    world.release(figures=UNFAIR)
    world.ledger.append([forged(world, "promotion", world.keys.stranger, source="none", target="staging")])
    with pytest.raises(SignatureError, match="does not know"):
        world.registry.aliases()
    with pytest.raises(SignatureError):
        world.registry.admitted("staging", world.policy)


def test_a_version_forged_by_a_stranger(world):
    """A release that no builder signed is no version."""
    version = world.release()
    info = ReleaseInfo("census", 2, version.run)
    envelope = seal(info.statement([Subject("model", version.model)]), world.keys.stranger)
    world.ledger.append([Sealed(envelope, (Record("version", "census@2", envelope.digest, {}),))])
    with pytest.raises(SignatureError):
        world.registry.versions()


@pytest.mark.parametrize(
    ("statement", "error", "says"),
    [
        (
            "UPDATE records SET fields = json_set(fields, '$.target', 'production') WHERE kind = 'promotion'",
            LogError,
            "promotion of census@1 is not what the log proves",
        ),
        (
            "UPDATE records SET fields = json_set(fields, '$.persons', 'carl') WHERE kind = 'approval'",
            LogError,
            "approval of census@1 is not what",
        ),
        (
            "UPDATE records SET fields = json_set(fields, '$.model', 'sha256:00') WHERE kind = 'version'",
            LogError,
            "version of census@1 is not what",
        ),
        ("UPDATE records SET key = 'census@7' WHERE kind = 'version'", LogError, "version of census@7 is not what"),
        ("UPDATE records SET kind = 'waiver' WHERE kind = 'approval'", LogError, "waiver of census@1 is not what"),
        (
            "UPDATE records SET key = 'other@1' WHERE kind = 'promotion'",
            LogError,
            "promotion of census@1 is in the log and was deleted",
        ),
        (
            "DELETE FROM records WHERE kind = 'promotion'",
            LogError,
            "promotion of census@1 is in the log and was deleted",
        ),
        ("DELETE FROM records WHERE kind = 'version'", LogError, "version of census@1 is in the log and was deleted"),
        (
            "INSERT INTO records (kind, key, envelope, fields) SELECT kind, key, envelope, fields FROM records WHERE kind = 'approval'",
            LogError,
            "stands in the catalogue twice",
        ),
        (
            "UPDATE envelopes SET data = CAST(replace(CAST(data AS TEXT), 'payload', 'paylaod') AS BLOB)",
            DigestMismatchError,
            "was altered",
        ),
        (
            "UPDATE leaves SET data = CAST(replace(CAST(data AS TEXT), 'decision', 'decisiom') AS BLOB)",
            LogError,
            "entries",
        ),
        ("DELETE FROM leaves WHERE place = (SELECT MAX(place) FROM leaves)", LogError, "entries"),
    ],
)
def test_an_edited_database(world, statement, error, says):
    """Whichever row is edited, moved, copied or deleted, the next look at the registry is an error that names it."""
    world.release()
    world.produce()
    assert world.registry.aliases() == {"production": 1}
    world.edit(statement)
    with pytest.raises(error, match=says) as caught:
        world.registry.aliases()
    assert caught.value.remedy
    with pytest.raises(EvidenceError):
        world.registry.admitted("production", world.policy)


@pytest.mark.parametrize("step", ["validate", "audit", "train", "assess"])
def test_the_evidence_of_one_step_removed(world, step):
    """Without the envelope of any one step nothing is admitted, and the error names the step."""
    world.release()
    world.produce()
    envelope = world.registry.dossier(1).steps[step].digest
    world.edit("DELETE FROM envelopes WHERE digest = ?", str(envelope))
    with pytest.raises(MissingEvidenceError, match=f"the evidence of step '{step}' is missing"):
        world.registry.admitted("production", world.policy)


def test_the_evidence_of_a_result_removed(world):
    """Without the result of the assessment nothing is admitted."""
    world.release()
    world.produce()
    envelope = world.registry.dossier(1).results["assess"].digest
    world.edit("DELETE FROM envelopes WHERE digest = ?", str(envelope))
    with pytest.raises(MissingEvidenceError, match="a result is missing"):
        world.registry.admitted("production", world.policy)


def test_a_waiver_widened_in_place(world):
    """A waiver rewritten for another rule, with every digest in the tables adjusted, is not what the log holds."""
    world.release(figures={**UNFAIR, "ece": 0.5})
    world.registry.waive(1, [GAP], world.policy, world.keys.beatrix, reason="x", expires=SOON, targets=["staging"])
    event = world.registry.history()[0]
    old = Envelope.parse(world.ledger.envelope(event.envelope))
    new = replace(old, payload=old.payload.replace(GAP.encode(), b"max.ece"))
    before, after = str(old.digest), str(new.digest)
    world.edit("UPDATE envelopes SET data = ?, digest = ? WHERE digest = ?", new.to_bytes(), after, before)
    world.edit("UPDATE records SET envelope = ? WHERE envelope = ?", after, before)
    world.edit(
        "UPDATE leaves SET data = ?, envelope = ? WHERE envelope = ?", entry_of(new.digest, DECISION), after, before
    )
    with pytest.raises(LogError, match="entries"):
        world.stage()


def test_an_old_snapshot_of_everything(world, tmp_path):
    """Database, tiles and checkpoint put back to before a retirement: signed and consistent, and still refused."""
    world.release()
    world.produce()
    world.catalog.close()
    kept = tmp_path / "kept"
    shutil.copytree(world.folder, kept, ignore=shutil.ignore_patterns("outside"))
    world.edit("SELECT 1")
    world.registry.retire(1, world.policy, world.keys.ann, reason="harm")
    world.catalog.close()
    shutil.rmtree(world.folder / "log")
    (world.folder / "catalogue.db").unlink()
    shutil.copytree(kept, world.folder, dirs_exist_ok=True)
    world.open()
    with pytest.raises(LogError, match="rolled back"):
        world.registry.admitted("production", world.policy)


def test_a_row_without_a_log_entry(world):
    """A promotion that was put into the tables but not into the log is named, not believed."""
    world.release(figures=UNFAIR)
    made = forged(world, "promotion", world.keys.ann, source="none", target="staging")
    record = made.records[0]
    world.catalog.close()
    connection = sqlite3.connect(world.folder / "catalogue.db")
    with connection:
        connection.execute("INSERT INTO envelopes VALUES (?, ?)", (str(record.envelope), made.envelope.to_bytes()))
        connection.execute(
            "INSERT INTO records (kind, key, envelope, fields) VALUES (?, ?, ?, ?)",
            (record.kind, record.key, str(record.envelope), json.dumps(dict(record.fields), sort_keys=True)),
        )
    connection.close()
    world.edit("SELECT 1")
    with pytest.raises(MissingEvidenceError, match="not in the log"):
        world.registry.aliases()


def test_a_drafted_decision_counts_only_once_it_is_logged(world):
    """An approval that was signed but never entered the log is nobody's approval."""
    world.release()
    world.stage()
    draft = Draft("approval", "staging", "production", world.policy.digest, "kept in a drawer")
    decide(world.ledger, world.registry.dossier(1), draft, world.keys.beatrix, NOW)
    with pytest.raises(RefusedError, match="nobody else"):
        world.registry.promote(1, "production", world.policy, world.keys.ann, reason="go")
