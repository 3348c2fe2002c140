"""Put adapters to ports: the embedded store, the ledger over it, and the signers that a command needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stockade.errors import ConfigError, MissingEvidenceError
from stockade.evidence.ledger import Ledger
from stockade.evidence.memory import CheckpointMemory
from stockade.evidence.trust import TrustRoot, parse
from stockade.store.blobs import FolderBlobs
from stockade.store.catalogue import SqliteCatalog
from stockade.store.lock import exclusive
from stockade.store.tiles import FolderTiles
from stockade.workspace import keyring, state

TRUST_FILE = "trust.json"


@dataclass(frozen=True, slots=True)
class Workspace:
    """The opened store of one project.

    Attributes:
        folder: Where it lies.
        trust: The root that everything in it is verified against.
        blobs: Artifacts by digest.
        ledger: Statements in their log; without a log key it can only be read.
    """

    folder: Path
    trust: TrustRoot
    blobs: FolderBlobs
    ledger: Ledger


def read_trust(root: Path) -> TrustRoot:
    """Read the project's root of trust.

    Raises:
        ConfigError: the project has none.
        EvidenceError: it does not hold.
    """
    path = root / TRUST_FILE
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(
            "the project has no root of trust", where=str(path), remedy="`stockade init` makes a trial one"
        ) from None
    return parse(data)


@contextmanager
def opened(folder: Path, trust: TrustRoot, *, write: bool) -> Iterator[Workspace]:
    """Open a workspace; `write` takes its lock and the log's key, otherwise nothing is changed.

    Raises:
        BusyError: another process writes to it.
        MissingEvidenceError: it is to be read, and nothing was ever written.
    """
    if not write:
        if not (folder / "catalogue.sqlite").exists():
            raise MissingEvidenceError(
                "nothing was run here yet", where=str(folder), remedy="type `stockade run` first"
            )
        yield _open(folder, trust, write=False)
        return
    folder.mkdir(parents=True, exist_ok=True)
    with exclusive(folder / "lock"):
        yield _open(folder, trust, write=True)


def _open(folder: Path, trust: TrustRoot, *, write: bool) -> Workspace:
    catalog = SqliteCatalog(folder / "catalogue.sqlite", read_only=not write)
    ledger = Ledger(
        catalog,
        FolderTiles(folder / "log", read_only=not write),
        trust,
        keyring.signer(trust, keyring.LOG) if write else None,
        origin=origin(trust),
        memory=CheckpointMemory(state.checkpoints_file()),
    )
    return Workspace(folder, trust, FolderBlobs(folder / "blobs", read_only=not write), ledger)


def origin(trust: TrustRoot) -> str:
    """Name of the log, as its checkpoints carry it: a log is its key."""
    return f"stockade.local/{min(trust.keys_of('log'))[:16]}"
