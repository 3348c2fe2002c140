"""Merkle trees, their inclusion proofs and consistency proofs (RFC 6962, section 2.1; verification RFC 9162, 2.1).

Everything is computed from a function `node(level, index)` that gives the hash over the 2^level leaves from
``index * 2^level`` on, so that whoever holds the nodes (a list, tiles on disk, tiles elsewhere) proves with the same
code.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stockade.errors import LogError

Nodes = Callable[[int, int], bytes]
"""Gives the hash of a complete subtree by level and index."""

EMPTY_ROOT = hashlib.sha256(b"").digest()

MAX_PROOF = 64
"""Longest proof there can be: one hash a level."""


@dataclass(frozen=True, slots=True)
class Inclusion:
    """A proof that a log holds an entry: which leaf it is, of how many, and the audit path from the bottom up."""

    leaf: int
    size: int
    hashes: tuple[bytes, ...]


def leaf_hash(entry: bytes) -> bytes:
    """Hash of a log entry as a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def nodes_of(leaves: Sequence[bytes]) -> Nodes:
    """Nodes over a list of leaf hashes, remembering what was computed."""
    known: dict[tuple[int, int], bytes] = {}

    def node(level: int, index: int) -> bytes:
        if level == 0:
            return leaves[index]
        if (level, index) not in known:
            known[level, index] = node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))
        return known[level, index]

    return node


def root(nodes: Nodes, size: int) -> bytes:
    """Root of the tree over the first `size` leaves."""
    return _range(nodes, 0, size) if size else EMPTY_ROOT


def inclusion_proof(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """Audit path of leaf `index` in the tree over `size` leaves, from the bottom up.

    Raises:
        ValueError: there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a log of {size} entries has no entry {index}")
    low, high, path = 0, size, []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_range(nodes, middle, high))
            high = middle
        else:
            path.append(_range(nodes, low, middle))
            low = middle
    return path[::-1]


def consistency_proof(nodes: Nodes, old: int, new: int) -> list[bytes]:
    """Proof that the tree over `old` leaves is the beginning of the tree over `new`; empty where one of them is.

    Raises:
        ValueError: `old` is larger than `new`.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a log of {new} entries does not continue one of {old}")
    if old in (0, new):
        return []
    low, high, path, whole = 0, new, [], True
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_range(nodes, middle, high))
            high = middle
        else:
            path.append(_range(nodes, low, middle))
            low, whole = middle, False
    if not whole:
        path.append(_range(nodes, low, high))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> None:
    """Check that the leaf hash is leaf `index` of the tree of that size and root (RFC 9162, section 2.1.3.2).

    Raises:
        LogError: it is not, or the proof is malformed.
    """
    _check_form(proof)
    if not 0 <= index < size:
        raise LogError(f"a log of {size} entries has no entry {index}")
    place, last, computed = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise LogError("the inclusion proof is too long")
        if place & 1 or place == last:
            computed = node_hash(sibling, computed)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        place, last = place >> 1, last >> 1
    if last != 0 or not hmac.compare_digest(computed, expected):
        raise LogError(
            f"entry {index} is not the one that the log holds there",
            remedy="the entry, its proof or the log was altered; restore them from a copy",
        )


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Check that a tree continues a smaller one (RFC 9162, section 2.1.4.2).

    Raises:
        LogError: it does not, or the proof is malformed.
    """
    _check_form(proof)
    if not 0 <= old <= new:
        raise LogError(f"the log shrank from {old} to {new} entries", remedy=_ROLLED_BACK)
    if old in (0, new):
        _require_same(old_root, EMPTY_ROOT if old == 0 else new_root, proof)
        return
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        raise LogError("the consistency proof is empty")
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise LogError("the consistency proof is too long")
        if place & 1 or place == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        place, last = place >> 1, last >> 1
    if last != 0 or not hmac.compare_digest(before, old_root) or not hmac.compare_digest(after, new_root):
        raise LogError("the log does not continue what it was", remedy=_ROLLED_BACK)


def _require_same(old_root: bytes, expected: bytes, proof: Sequence[bytes]) -> None:
    if proof or not hmac.compare_digest(old_root, expected):
        raise LogError("the log does not continue what it was", remedy=_ROLLED_BACK)


_ROLLED_BACK = "entries were altered or taken away; restore the workspace from a copy that has them"


def _split(count: int) -> int:
    """Largest power of two smaller than `count`, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def _range(nodes: Nodes, low: int, high: int) -> bytes:
    count = high - low
    if count & (count - 1) == 0:
        # Ranges split at the largest power of two start at a multiple of their length, so this is a node.
        level = count.bit_length() - 1
        return nodes(level, low >> level)
    middle = low + _split(count)
    return node_hash(_range(nodes, low, middle), _range(nodes, middle, high))


def _check_form(proof: Sequence[bytes]) -> None:
    if len(proof) > MAX_PROOF or any(len(item) != 32 for item in proof):
        raise LogError(f"a proof is at most {MAX_PROOF} hashes of 32 bytes")
