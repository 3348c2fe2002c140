"""Every format of ours, as bytes that are kept: what is written today is what was written then, and is still read.

``STOCKADE_WRITE_GOLDEN=1`` writes files that are absent. A file that is there is never changed: a format that changes
gets a new version and a new file, and the reader keeps reading the old.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stockade.evidence import keys
from stockade.evidence.bundle import verify_bundle, write_bundle
from stockade.evidence.envelope import Envelope
from stockade.evidence.ledger import CheckpointMemory
from stockade.evidence.note import verifier_key, verify_checkpoint
from stockade.evidence.statement import Statement
from stockade.evidence.tiles import unpack_entries
from stockade.evidence.trust import parse
from stockade.evidence.verify import verify_envelope

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
MODEL = b"the bytes of a model"


def kept(name, data):
    path = GOLDEN / name
    if not path.exists() and os.environ.get("STOCKADE_WRITE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return path.read_bytes()


def sealed(story):
    return {
        "provenance": (story.steps[1], "builder"),
        "test-result": (story.result, "builder"),
        "run": (story.run, "builder"),
        "release": (story.release, "builder"),
        "decision": (story.decision(), "approver"),
        "waiver": (story.decision("waiver"), "approver"),
        "gate": (story.gate(), "promoter"),
    }


@pytest.mark.parametrize("name", ["provenance", "test-result", "run", "release", "decision", "waiver", "gate"])
def test_envelopes(world, story, name):
    """Envelopes and the statements in them, of every predicate type."""
    envelope, role = sealed(story)[name]
    data = kept(f"envelopes/{name}.v1.json", envelope.to_bytes())
    assert data == envelope.to_bytes()
    evidence = verify_envelope(data, world.trust, role, now=NOW)
    assert evidence.record is not None
    assert kept(f"statements/{name}.v1.json", Statement.parse(envelope.payload).to_bytes()) == envelope.payload
    assert Envelope.parse(data) == envelope


def test_trust_root(world):
    """The trust root, and its digest."""
    data = kept("trust.v1.json", world.trust.data)
    assert data == world.trust.data
    assert parse(data).digest.hex == "52bc1534aa2384d82a30d3f85e43c8dd63b4dd5de135312d426ded1219d7105c"


def test_log(world, story):
    """Checkpoint, tile, bundle of entries and verifier key."""
    files = {name: data for name, data in world.tiles.files.items() if name == "checkpoint" or name.endswith(".p/6")}
    assert sorted(files) == ["checkpoint", "tile/0/000.p/6", "tile/entries/000.p/6"]
    for name, data in files.items():
        assert kept(f"log/{name.replace('/', '-')}", data) == data
    spelled = verifier_key(world.ledger.origin, world.log.public)
    assert kept("log/verifier-key", spelled.encode()) == spelled.encode()
    assert verify_checkpoint(kept("log/checkpoint", b""), world.trust).size == 6
    assert len(unpack_entries(kept("log/tile-entries-000.p-6", b""))) == 6


def test_key_file(world, tmp_path):
    """An encrypted key of version 1 opens; its salt is random, so it is only read."""
    keys.save(world.alice, tmp_path / "a.key", b"a passphrase", memory_kib=64, passes=1)
    path = tmp_path / "golden.key"
    path.write_bytes(kept("key.v1.json", (tmp_path / "a.key").read_bytes()))
    path.chmod(0o600)
    assert keys.load(path, b"a passphrase").keyid == world.alice.keyid


def test_memory(world, story, tmp_path):
    """The memory of checkpoints."""
    data = kept("memory.v1.json", world.memory_file.read_bytes())
    assert data == world.memory_file.read_bytes()
    (tmp_path / "m").write_bytes(data)
    assert CheckpointMemory(tmp_path / "m").recall(world.ledger.origin) == (6, world.ledger.checkpoint().root)


def test_bundle(world, story, tmp_path):
    """A bundle, to the byte."""
    path = tmp_path / "b.zip"
    write_bundle(path, story.dossier(), world.ledger, artifacts={"model.onnx": MODEL, "card.json": b"{}"})
    data = kept("bundle.v1.zip", path.read_bytes())
    assert data == path.read_bytes()
    path.write_bytes(data)
    assert verify_bundle(path, world.trust.digest, NOW).trusted
