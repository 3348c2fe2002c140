"""A log's hashes and entries as tiles (C2SP tlog-tiles): static files that a plain web server could serve.

A tile holds up to 256 hashes of one level, tiles of level L+1 hash the full tiles of level L. The last tile of a level
may be partial; it is written under a path of its own for each width, so that no file ever changes but `CHECKPOINT`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from stockade.errors import LogError, MalformedError
from stockade.evidence import canonical
from stockade.evidence.merkle import leaf_hash, node_hash
from stockade.evidence.merkle import root as tree_root
from stockade.types.digest import Digest

WIDTH = 256
CHECKPOINT = "checkpoint"
MAX_ENTRY = (1 << 16) - 1
"""Longest entry that an entry bundle can hold, in bytes."""

_HASH = 32
_LEVELS = 6
_MOST_KNOWN = 200_000
_RESTORE = "the log was cut or altered; restore it from a copy"


class LogStorage(Protocol):
    """Holds a log's resources by path, such as ``tile/0/x001/067`` or ``checkpoint``.

    The log owns what is stored and writes each path but `CHECKPOINT` with one content only. One writer at a time;
    readers may come from any thread or process. Nothing read is believed before it was hashed.
    """

    def read(self, path: str) -> bytes:
        """Bytes of a resource. Raises `MissingEvidenceError` when there is none."""

    def write(self, path: str, data: bytes) -> None:
        """Write a resource durably and atomically; writing the same again changes nothing."""


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """Path of a tile of hashes; `width` below 256 for a partial one."""
    return f"tile/{level}/{_number(index)}{_partial(width)}"


def entries_path(index: int, width: int = WIDTH) -> str:
    """Path of a bundle of entries."""
    return f"tile/entries/{_number(index)}{_partial(width)}"


def pack_entries(entries: Sequence[bytes]) -> bytes:
    """Write a bundle of entries: each after its length in two bytes.

    Raises:
        ValueError: an entry is longer than `MAX_ENTRY`.
    """
    if any(len(entry) > MAX_ENTRY for entry in entries):
        raise ValueError(f"an entry of a log has at most {MAX_ENTRY} bytes")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unpack_entries(data: bytes) -> list[bytes]:
    """Read a bundle of entries.

    Raises:
        LogError: it is cut short, or holds more than 256.
    """
    entries: list[bytes] = []
    place = 0
    while place < len(data):
        length = int.from_bytes(data[place : place + 2], "big")
        entry = data[place + 2 : place + 2 + length]
        if place + 2 > len(data) or len(entry) != length or len(entries) == WIDTH:
            raise LogError("a bundle of entries is cut short or too long", remedy=_RESTORE)
        entries.append(entry)
        place += 2 + length
    return entries


def entry_of(envelope: Digest, predicate_type: str) -> bytes:
    """The log's entry for an envelope: small, because entries have at most 64 KiB and envelopes may be larger."""
    return canonical.encode({"envelope": str(envelope), "type": predicate_type})


def read_entry(entry: bytes) -> tuple[Digest, str]:
    """Envelope digest and predicate type of a log entry; the inverse of `entry_of`.

    Raises:
        LogError: it is not an entry of ours.
    """
    try:
        document = canonical.decode(entry)
        digest, kind = Digest.parse(document["envelope"]), document["type"]
        if entry == entry_of(digest, kind):
            return digest, kind
    except (MalformedError, KeyError, TypeError, ValueError, AttributeError):
        pass
    raise LogError("the log has an entry that is not one of ours", remedy=_RESTORE)


class TileReader:
    """Nodes of the tree over the first `size` leaves, from tiles; computed nodes are remembered.

    Nothing here is verified: a proof made of wrong hashes does not lead to the checkpoint's root.
    """

    def __init__(self, storage: LogStorage, size: int) -> None:
        self._storage = storage
        self._size = size
        self._tiles: dict[tuple[int, int], bytes] = {}
        self._known: dict[tuple[int, int], bytes] = {}

    def grow(self, size: int) -> None:
        """Go over to a later size of the same log; complete subtrees, once computed, stay as they are."""
        self._size = size
        self._tiles = {place: data for place, data in self._tiles.items() if len(data) == WIDTH * _HASH}
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
            self._tiles.clear()

    def __call__(self, level: int, index: int) -> bytes:
        """Hash over the leaves from ``index * 2^level`` on, 2^level of them; `merkle.Nodes`.

        Raises:
            MissingEvidenceError: a tile is not there.
            LogError: a tile is not of its size.
        """
        tile_level, above = divmod(level, 8)
        if above == 0:
            tile, place = divmod(index, WIDTH)
            return self._tile(tile_level, tile)[place * _HASH : (place + 1) * _HASH]
        if (level, index) not in self._known:
            self._known[level, index] = node_hash(self(level - 1, 2 * index), self(level - 1, 2 * index + 1))
        return self._known[level, index]

    def _tile(self, level: int, index: int) -> bytes:
        if (level, index) not in self._tiles:
            width = min(WIDTH, (self._size >> (8 * level)) - index * WIDTH)
            if width <= 0:
                raise LogError(f"a log of {self._size} entries has no tile {tile_path(level, index)}")
            path = tile_path(level, index, width)
            data = self._storage.read(path)
            if len(data) != width * _HASH:
                raise LogError(f"the tile {path} does not hold {width} hashes", where=path, remedy=_RESTORE)
            self._tiles[level, index] = data
        return self._tiles[level, index]


class Edge:
    """The right-hand edge of a log that grows: the last, partial tile of each level, and nothing else.

    Args:
        storage: Where the tiles are.
        size: Leaves whose tiles are there.
        entries: The entries of the last, partial bundle: ``size % 256`` of them.
        root: What those leaves must hash to.

    Raises:
        LogError: the tiles, or the entries, do not hash to that root.
        MissingEvidenceError: a tile is not there.
    """

    def __init__(self, storage: LogStorage, size: int, entries: Sequence[bytes], root: bytes) -> None:
        self._storage = storage
        self.size = size
        self._entries = list(entries)
        self._levels: list[list[bytes]] = []
        reader = TileReader(storage, size)
        for level in range(_LEVELS):
            count = size >> (8 * level)
            start = count - count % WIDTH
            self._levels.append([reader(8 * level, index) for index in range(start, count)])
        if tree_root(reader, size) != root or [leaf_hash(entry) for entry in entries] != self._levels[0]:
            raise LogError("the log's tiles do not hash to its checkpoint", where="tile", remedy=_RESTORE)

    def extend(self, entries: Sequence[bytes]) -> None:
        """Add leaves and write the tiles and entry bundles that they change, the lowest level first.

        Raises:
            ValueError: an entry is longer than `MAX_ENTRY`.
        """
        remaining = list(entries)
        while remaining:
            room = WIDTH - len(self._entries)
            batch, remaining = remaining[:room], remaining[room:]
            self._entries += batch
            bundle = self.size // WIDTH
            self._storage.write(entries_path(bundle, len(self._entries)), pack_entries(self._entries))
            self._levels[0] += [leaf_hash(entry) for entry in batch]
            self.size += len(batch)
            self._settle(bundle)

    def root(self) -> bytes:
        """Root over all leaves so far."""
        return tree_root(self._node, self.size)

    def _node(self, level: int, index: int) -> bytes:
        # The complete subtrees that make up a root lie in the last tile of their level, by the split at powers of two.
        tile_level, above = divmod(level, 8)
        if above == 0:
            count = self.size >> (8 * tile_level)
            return self._levels[tile_level][index - (count - count % WIDTH)]
        return node_hash(self._node(level - 1, 2 * index), self._node(level - 1, 2 * index + 1))

    def _settle(self, index: int) -> None:
        """Write the last tile of each level, as far up as something changed."""
        for level, hashes in enumerate(self._levels):
            self._storage.write(tile_path(level, index, len(hashes)), b"".join(hashes))
            if len(hashes) < WIDTH:
                return
            if level == 0:
                self._entries = []
            self._levels[level + 1].append(_reduce(hashes))
            self._levels[level] = []
            index //= WIDTH


def _reduce(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [node_hash(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


def _number(index: int) -> str:
    text = f"{index % 1000:03d}"
    while index >= 1000:
        index //= 1000
        text = f"x{index % 1000:03d}/{text}"
    return text


def _partial(width: int) -> str:
    return "" if width == WIDTH else f".p/{width}"
