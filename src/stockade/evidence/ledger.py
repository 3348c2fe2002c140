"""The ledger: what was attested, where it stands in the log, and the proof of both.

It joins two ports. The catalogue sequences: one transaction gives envelopes, index entries and leaves their places.
The log is derived from it: tiles, then a signed checkpoint once they are durable. A crash between the two leaves leaves
without tiles, which `Ledger.publish` makes up for. Reading goes the other way: nothing the catalogue says is believed
until its envelope is verified and its leaf is proven against a checkpoint that continues the largest one ever seen.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from stockade.errors import DigestMismatchError, LogError, MissingEvidenceError, SignatureError, StockadeError
from stockade.evidence.envelope import Envelope
from stockade.evidence.memory import CheckpointMemory
from stockade.evidence.merkle import (
    EMPTY_ROOT,
    Inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    nodes_of,
)
from stockade.evidence.merkle import root as tree_root
from stockade.evidence.note import Checkpoint, require_name, sign_checkpoint, verify_checkpoint
from stockade.evidence.public import PublicKey
from stockade.evidence.sign import Signer
from stockade.evidence.statement import Statement
from stockade.evidence.tiles import CHECKPOINT, WIDTH, Edge, LogStorage, TileReader, entry_of, read_entry
from stockade.evidence.trust import TrustRoot
from stockade.evidence.verify import Evidence, verify_envelope
from stockade.types.digest import Digest
from stockade.types.ledger import Record, Row

__all__ = ["Catalog", "CheckpointMemory", "Ledger", "Sealed"]

_BATCH = 4096
_MOST_REMEMBERED = 4096
_RESTORE = "restore the workspace from a copy, or start a new one and run again"


class Catalog(Protocol):
    """Sequences leaves and indexes envelopes; believed in neither.

    `commit` is one durable transaction. All methods may be called from several threads; several processes take turns.
    What it returns belongs to the caller.
    """

    def commit(self, records: Sequence[Record], envelopes: Sequence[bytes], leaves: Sequence[bytes]) -> range:
        """Write all of it or nothing; the leaf at position i is of the envelope at position i. Returns their places.

        With nothing to write, the empty range at the end of the log.
        """

    def find(self, kind: str, key: str | None = None) -> list[Row]:
        """Index entries of a kind, and of a key if given, oldest first."""

    def leaves(self, start: int, stop: int) -> list[bytes]:
        """The log's entries from `start` up to `stop`, fewer where it ends before."""

    def envelope(self, digest: Digest) -> bytes | None:
        """An envelope's bytes, ``None`` where there is none of that digest."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """An envelope to append, and the index entries that point to it."""

    envelope: Envelope
    records: Sequence[Record] = ()


class Ledger:
    """Appends to the log and verifies out of it. Safe to use from several threads; appending processes take turns.

    Args:
        catalog: Sequences and indexes.
        tiles: Holds the log.
        trust: Says whose signatures count.
        signer: The log's key; ``None`` to read only.
        origin: The log's name, unique to the workspace, without space or plus sign.
        memory: The largest checkpoint seen.
        clock: Tells the time that the trust root's expiry is held against.

    Raises:
        MalformedError: `origin` cannot be the name of a log.
    """

    def __init__(  # noqa: PLR0917  # one argument a collaborator, in the order of the path of a statement
        self,
        catalog: Catalog,
        tiles: LogStorage,
        trust: TrustRoot,
        signer: Signer | None,
        origin: str,
        memory: CheckpointMemory,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        require_name(origin)
        self._catalog = catalog
        self._tiles = tiles
        self._signer = signer
        self._memory = memory
        self._clock = clock
        self._lock = threading.RLock()
        self._seen: Checkpoint | None = None
        self._edge: Edge | None = None
        self._reader = TileReader(tiles, 0)
        self._places: dict[bytes, int] = {}
        self._placed = 0
        self._verified: dict[tuple[Digest, str, str | None, int], Evidence] = {}
        self.trust = trust
        self.origin = origin

    def append(self, entries: Sequence[Sealed]) -> list[int]:
        """Commit envelopes with their index entries in one transaction, then publish them in the log.

        Returns:
            The leaf of each, in order.

        Raises:
            SignatureError: there is no log key, or it is not the trust root's.
            LogError: the log contradicts its catalogue or what was seen before.
            MalformedError: an envelope does not hold a statement.
            ValueError: an index entry points to another envelope.
            StockadeError: catalogue or storage cannot be written; what was committed is published next time.
        """
        if not entries:
            return []
        envelopes: list[bytes] = []
        leaves: list[bytes] = []
        records: list[Record] = []
        for item in entries:
            if any(record.envelope != item.envelope.digest for record in item.records):
                raise ValueError("an index entry points to the envelope that it comes with")
            statement = Statement.parse(item.envelope.payload)
            envelopes.append(item.envelope.to_bytes())
            leaves.append(entry_of(item.envelope.digest, statement.predicate_type))
            records.extend(item.records)
        with self._lock:
            # Without its key, or after it was tampered with, a log is refused before anything is added to it.
            self._log_key()
            self._opened_edge()
            places = self._catalog.commit(records, envelopes, leaves)
            self.publish()
        return list(places)

    def publish(self) -> Checkpoint:
        """Bring tiles and checkpoint up to the catalogue; does nothing when they are.

        Raises:
            SignatureError: there is no log key, or it is not the trust root's.
            LogError: the log contradicts its catalogue or what was seen before.
            StockadeError: the storage cannot be written.
        """
        with self._lock:
            edge = self._opened_edge()
            # Whatever goes wrong from here on, the edge is read again from what was really written.
            self._edge = None
            while batch := self._catalog.leaves(edge.size, edge.size + _BATCH):
                edge.extend(batch)
            if self._seen is not None and self._seen.size == edge.size:
                self._edge = edge
                return self._seen
            signer, key = self._log_key()
            checkpoint = sign_checkpoint(self.origin, edge.size, edge.root(), signer, key)
            verify_checkpoint(checkpoint.note, self.trust, self.origin)
            self._tiles.write(CHECKPOINT, checkpoint.note)
            self._take(checkpoint)
            self._edge = edge
            return checkpoint

    def find(self, kind: str, key: str | None = None) -> list[Row]:
        """Index entries of a kind, and of a key if given, oldest first. Nothing in them is verified."""
        return self._catalog.find(kind, key)

    def envelope(self, digest: Digest) -> bytes:
        """An envelope's bytes by digest; what they say is not verified.

        Raises:
            MissingEvidenceError: there is none.
            DigestMismatchError: the bytes are others.
        """
        data = self._catalog.envelope(digest)
        if data is None:
            raise MissingEvidenceError(f"the envelope {digest} is missing", where="catalogue", remedy=_RESTORE)
        if Digest.of(data) != digest:
            raise DigestMismatchError(f"the envelope {digest} was altered", where="catalogue", remedy=_RESTORE)
        return data

    def verify(self, subject: Row | Envelope | bytes, role: str, predicate: str | None = None) -> Evidence:
        """Verify an envelope, and that the log holds it; see `verify_envelope` for the steps.

        Args:
            subject: An index entry as found, or an envelope.
            role: Who must have signed it.
            predicate: Type that the predicate must have.

        Raises:
            DigestMismatchError: the index entry points to another envelope.
            MissingEvidenceError: the log does not hold the envelope.
            EvidenceError: any other step fails.
        """
        with self._lock:
            data = _bytes_of(subject)
            digest = Digest.of(data)
            checkpoint = self.checkpoint()
            leaf = _row_leaf(subject, digest) if isinstance(subject, Row) else self._leaf(data, digest, checkpoint)
            key = (digest, role, predicate, leaf)
            moment = self._clock()
            if key in self._verified:
                # The log only grows, as every new checkpoint is proven to; what it held it holds.
                self.trust.require_current(moment)
                return self._verified[key]
            evidence = verify_envelope(
                data,
                self.trust,
                role,
                now=moment,
                predicate=predicate,
                inclusion=self._proof(leaf, checkpoint),
                checkpoint=checkpoint,
            )
            if len(self._verified) >= _MOST_REMEMBERED:
                self._verified.clear()
            self._verified[key] = evidence
            return evidence

    def checkpoint(self) -> Checkpoint:
        """The log's present checkpoint, verified and held against the memory.

        Raises:
            MissingEvidenceError: nothing was published yet.
            EvidenceError: it does not hold, or contradicts what was seen before.
        """
        with self._lock:
            checkpoint = self._current()
        if checkpoint is None:
            raise MissingEvidenceError(
                "the log was never published", where=self.origin, remedy="run the pipeline first"
            )
        return checkpoint

    def prove(self, leaf: int) -> Inclusion:
        """Prove a leaf against the present checkpoint.

        Raises:
            LogError: there is no such leaf, or a tile was altered in size.
            EvidenceError: the checkpoint does not hold.
        """
        with self._lock:
            return self._proof(leaf, self.checkpoint())

    def entries(self, predicate: str) -> list[tuple[int, Digest]]:
        """Leaf and envelope digest of every statement of a predicate type, in the order of the log.

        All entries are held against the root of the present checkpoint, so no index entry can hide a statement.

        Raises:
            LogError: entries were altered, added or removed.
            EvidenceError: the checkpoint does not hold.
        """
        with self._lock:
            checkpoint = self._current()
            if checkpoint is None:
                return []
            listed = self._catalog.leaves(0, checkpoint.size)
        hashes = [leaf_hash(entry) for entry in listed]
        if len(listed) != checkpoint.size or tree_root(nodes_of(hashes), len(hashes)) != checkpoint.root:
            raise LogError("the catalogue's entries are not those of the log", where=self.origin, remedy=_RESTORE)
        # An entry of that type holds its name as it is, so others need not be read.
        sought = predicate.encode()
        found = ((leaf, read_entry(entry)) for leaf, entry in enumerate(listed) if sought in entry)
        return [(leaf, digest) for leaf, (digest, kind) in found if kind == predicate]

    def _proof(self, leaf: int, checkpoint: Checkpoint) -> Inclusion:
        if not 0 <= leaf < checkpoint.size:
            raise LogError(
                f"a log of {checkpoint.size} entries has no entry {leaf}", where=self.origin, remedy=_RESTORE
            )
        return Inclusion(leaf, checkpoint.size, tuple(inclusion_proof(self._reader, leaf, checkpoint.size)))

    def _leaf(self, data: bytes, digest: Digest, checkpoint: Checkpoint) -> int:
        """Where the log says an envelope stands; the proof shows whether that is so."""
        for place in range(self._placed, checkpoint.size):
            self._places.setdefault(self._reader(0, place), place)
        self._placed = max(self._placed, checkpoint.size)
        statement = Statement.parse(Envelope.parse(data).payload)
        place_of = self._places.get(leaf_hash(entry_of(digest, statement.predicate_type)))
        if place_of is None:
            raise MissingEvidenceError(f"the log does not hold the envelope {digest}", where=self.origin)
        return place_of

    def _current(self) -> Checkpoint | None:
        """The stored checkpoint, verified unless it is the one verified last; None when the log is new."""
        try:
            note = self._tiles.read(CHECKPOINT)
        except (MissingEvidenceError, KeyError):
            self._require_new()
            return None
        if self._seen is None or self._seen.note != note:
            self._take(verify_checkpoint(note, self.trust, self.origin))
            self._edge = None
        return self._seen

    def _require_new(self) -> None:
        known = self._memory.recall(self.origin)
        if self._seen is not None or (known is not None and known[0] > 0):
            raise LogError(
                "the log's checkpoint is gone, and there was one before",
                where=self.origin,
                remedy=_RESTORE,
            )

    def _take(self, checkpoint: Checkpoint) -> None:
        reader = self._reader
        reader.grow(checkpoint.size)
        try:
            self._memory.accept(checkpoint, lambda old, new: consistency_proof(reader, old, new))
        except StockadeError:
            # Nodes read for a log that is refused must not serve a later proof.
            self._reader = TileReader(self._tiles, 0)
            self._seen = None
            raise
        self._seen = checkpoint

    def _opened_edge(self) -> Edge:
        checkpoint = self._current()
        if self._edge is None:
            size, root = (0, EMPTY_ROOT) if checkpoint is None else (checkpoint.size, checkpoint.root)
            last = self._catalog.leaves(max(size - 1, 0), size)
            if size and [leaf_hash(entry) for entry in last] != [self._reader(0, size - 1)]:
                raise LogError("the catalogue lacks entries that the log has", where=self.origin, remedy=_RESTORE)
            self._edge = Edge(self._tiles, size, self._catalog.leaves(size - size % WIDTH, size), root)
        return self._edge

    def _log_key(self) -> tuple[Signer, PublicKey]:
        if self._signer is None:
            raise SignatureError(
                "the log was opened without its key, to read only",
                where=self.origin,
                remedy="open it where the log's key is",
            )
        key = self.trust.keys_of("log").get(self._signer.keyid)
        if key is None:
            raise SignatureError(
                "the log's key is not one that the trust root names for it",
                where=self.origin,
                remedy="use the key that belongs to this trust root",
            )
        return self._signer, key


def _bytes_of(subject: Row | Envelope | bytes) -> bytes:
    if isinstance(subject, Envelope):
        return subject.to_bytes()
    return subject.envelope if isinstance(subject, Row) else subject


def _row_leaf(row: Row, digest: Digest) -> int:
    if row.record.envelope != digest:
        raise DigestMismatchError(
            f"the index entry of the {row.record.kind} {row.record.key!r} points to another envelope",
            where="catalogue",
            remedy=_RESTORE,
        )
    return row.leaf
