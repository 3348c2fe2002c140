"""Put adapters to ports: the embedded store and the ledger over it. Whoever writes brings the log's signer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stockade.errors import ConfigError, EvidenceError, MissingEvidenceError
from stockade.evidence.ledger import Ledger
from stockade.evidence.memory import CheckpointMemory
from stockade.evidence.sign import Signer
from stockade.evidence.trust import TrustRoot, parse
from stockade.store.blobs import FolderBlobs
from stockade.store.catalogue import SqliteCatalog
from stockade.store.lock import exclusive
from stockade.store.tiles import FolderTiles
from stockade.workspace import state

TRUST_FILE = "trust.json"
_CATALOGUE = "catalogue.sqlite"


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
            "the project has no root of trust",
            where=str(path),
            remedy="get trust.json from where the project came from; only `stockade init` of a new project makes one",
        ) from None
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror}", where=str(path), remedy="check the file and its permissions"
        ) from error
    try:
        return parse(data)
    except EvidenceError as error:
        raise type(error)(error.message, where=error.where or str(path), remedy=error.remedy) from None


@contextmanager
def reading(folder: Path, trust: TrustRoot) -> Iterator[Workspace]:
    """Open a workspace to read; nothing in it is changed.

    Raises:
        MissingEvidenceError: nothing was ever written to it.
    """
    if not (folder / _CATALOGUE).exists():
        raise MissingEvidenceError("nothing was run here yet", where=str(folder), remedy="type `stockade run` first")
    yield _open(folder, trust, None)


@contextmanager
def writing(folder: Path, trust: TrustRoot, log: Signer) -> Iterator[Workspace]:
    """Open a workspace to write, made when absent; one process at a time.

    Raises:
        BusyError: another process writes to it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with exclusive(folder / "lock"):
        space = _open(folder, trust, log)
        # A process that died between its commit and its checkpoint left entries that are not published yet.
        space.ledger.publish()
        yield space


def _open(folder: Path, trust: TrustRoot, log: Signer | None) -> Workspace:
    read_only = log is None
    ledger = Ledger(
        SqliteCatalog(folder / _CATALOGUE, read_only=read_only),
        FolderTiles(folder / "log", read_only=read_only),
        trust,
        log,
        origin=origin(trust),
        memory=CheckpointMemory(state.checkpoints_file()),
    )
    return Workspace(folder, trust, FolderBlobs(folder / "blobs", read_only=read_only), ledger)


def people(root: TrustRoot) -> tuple[str, ...]:
    """The human persons of a root, those who may promote first, in the order of their names."""
    human = [name for name in root.persons if {"promoter", "approver", "policy", "root"} & set(root.roles_of(name))]
    return tuple(sorted(human, key=lambda name: ("promoter" not in root.roles_of(name), name)))


def origin(trust: TrustRoot) -> str:
    """Name of the log, as its checkpoints carry it: a log is its key."""
    return f"stockade.local/{min(trust.keys_of('log'))[:16]}"
