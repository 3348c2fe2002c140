"""Five attacks on a copy of a project, as an intruder with write access to its store would mount them.

They are part of the demo and of the threat tests; each changes files of the copy alone and uses no key of the project.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from stockade.types.digest import Digest


@dataclass(frozen=True, slots=True)
class Target:
    """What an intruder has found out about a project.

    Attributes:
        store: The workspace's folder in the copy.
        name: The registered model.
        model: Digest of the model in production.
        card: Digest of its model card.
        step: Digest of the envelope that proves one step.
    """

    store: Path
    name: str
    model: Digest
    card: Digest
    step: Digest


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack.

    Attributes:
        name: What is done, in the past tense.
        mount: Does it.
        command: The command of an honest user that must then refuse.
    """

    name: str
    mount: Callable[[Target], None]
    command: tuple[str, ...]


def copied(project: Path, folder: Path) -> Path:
    """Copy a project, to attack the copy."""
    shutil.copytree(project, folder, symlinks=True)
    return folder


def blob_path(store: Path, digest: Digest) -> Path:
    """Where the embedded store keeps a blob."""
    return store / "blobs" / digest.hex[:2] / digest.hex


def _flip(target: Target) -> None:
    path = blob_path(target.store, target.model)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    _overwrite(path, bytes(data))


def _edit(target: Target) -> None:
    with closing(sqlite3.connect(target.store / "catalogue.sqlite")) as database, database:
        database.execute("UPDATE records SET fields = replace(fields, 'staging', 'production')")


def _swap(target: Target) -> None:
    _overwrite(blob_path(target.store, target.card), blob_path(target.store, target.model).read_bytes())


def _remove(target: Target) -> None:
    with closing(sqlite3.connect(target.store / "catalogue.sqlite")) as database, database:
        database.execute("DELETE FROM envelopes WHERE digest IN (?, ?)", (str(target.step), target.step.hex))


def _offer(target: Target) -> None:
    """Register a model of one's own, signed by a key of one's own, and index it as released."""
    from stockade.evidence.envelope import Envelope, Signature, pae
    from stockade.evidence.predicates import ReleaseInfo
    from stockade.evidence.statement import PAYLOAD_TYPE, Subject
    from stockade.store.catalogue import SqliteCatalog
    from stockade.types.ledger import Record

    stranger = b"a model that nobody signed"
    digest = Digest.of(stranger)
    _overwrite(blob_path(target.store, digest), stranger)
    payload = ReleaseInfo(target.name, 2, digest).statement((Subject("model", digest),)).to_bytes()
    keyid = Digest.of(pae(PAYLOAD_TYPE, payload)).hex
    envelope = Envelope(PAYLOAD_TYPE, payload, (Signature(keyid, bytes(64)),))
    catalogue = SqliteCatalog(target.store / "catalogue.sqlite")
    record = Record("version", f"{target.name}@2", envelope.digest, {"alias": "production"})
    catalogue.commit([record], [envelope.to_bytes()], [b'{"envelope":"' + str(envelope.digest).encode() + b'"}'])
    catalogue.close()


def _overwrite(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(data)


ATTACKS = (
    Attack("a byte of the model was flipped", _flip, ("serve", "--port", "0")),
    Attack("a row of the database was edited", _edit, ("serve", "--port", "0")),
    Attack("the model card was swapped for another file", _swap, ("bundle", "1")),
    Attack("the evidence of the audit step was removed", _remove, ("serve", "--port", "0")),
    Attack("an unsigned model was offered to the server", _offer, ("serve", "--port", "0")),
)
