"""Merkle proofs hold for what is there, and for nothing else."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.errors import LogError
from stockade.evidence import merkle

ENTRIES = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    bytes(range(0x50, 0x58)),
    bytes(range(0x60, 0x70)),
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive(leaves):
    """The definition of RFC 6962, section 2.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + naive(leaves[:split]) + naive(leaves[split:])).digest()


def tree(count):
    leaves = [merkle.leaf_hash(bytes([number])) for number in range(count)]
    return leaves, merkle.nodes_of(leaves)


def test_the_vectors_of_certificate_transparency():
    """The roots that every implementation of RFC 6962 is tested with."""
    nodes = merkle.nodes_of([merkle.leaf_hash(entry) for entry in ENTRIES])
    assert [merkle.root(nodes, size).hex() for size in range(9)] == ROOTS


@given(st.integers(0, 70))
def test_root_is_the_definition(size):
    """The root by nodes is the root by the recursive definition."""
    _, nodes = tree(70)
    assert merkle.root(nodes, size) == naive([bytes([number]) for number in range(size)])


def test_every_inclusion_up_to_65_leaves():
    """Every leaf of every tree is proven."""
    leaves, nodes = tree(65)
    for size in range(1, 66):
        root = merkle.root(nodes, size)
        for index in range(size):
            merkle.verify_inclusion(leaves[index], index, size, merkle.inclusion_proof(nodes, index, size), root)


def test_every_growth_up_to_65_leaves():
    """Every tree is proven to continue every smaller one."""
    _, nodes = tree(65)
    roots = [merkle.root(nodes, size) for size in range(66)]
    for new in range(66):
        for old in range(new + 1):
            merkle.verify_consistency(old, new, merkle.consistency_proof(nodes, old, new), roots[old], roots[new])


@given(st.integers(1, 200), st.data())
def test_no_altered_inclusion_holds(size, data):
    """Another leaf, place, size, root, or any altered, cut or longer path is refused."""
    leaves, nodes = tree(size)
    index = data.draw(st.integers(0, size - 1))
    proof, root = merkle.inclusion_proof(nodes, index, size), merkle.root(nodes, size)
    wrong = merkle.leaf_hash(b"other")
    attempts = [(wrong, index, size, proof, root), (leaves[index], index, size, proof, wrong)]
    attempts += [(leaves[index], index, size, [*proof, wrong], root), (leaves[index], size, size, proof, root)]
    attempts += [(leaves[index], index, size, [*proof[:i], wrong, *proof[i + 1 :]], root) for i in range(len(proof))]
    attempts += [(leaves[index], index, size, [*proof[:i], *proof[i + 1 :]], root) for i in range(len(proof))]
    attempts += [(leaves[index], other, size, proof, root) for other in range(size) if other != index]
    for attempt in attempts:
        with pytest.raises(LogError):
            merkle.verify_inclusion(*attempt)


@given(st.integers(2, 200), st.data())
def test_no_altered_growth_holds(new, data):
    """A tree that is no continuation, or any altered, cut or longer proof, is refused."""
    old = data.draw(st.integers(1, new - 1))
    leaves, nodes = tree(new)
    proof = merkle.consistency_proof(nodes, old, new)
    before, after, wrong = merkle.root(nodes, old), merkle.root(nodes, new), merkle.leaf_hash(b"other")
    changed = [*leaves]
    changed[data.draw(st.integers(0, old - 1))] = wrong
    forged = merkle.nodes_of(changed)
    attempts = [(proof, wrong, after), (proof, before, wrong), ([*proof, wrong], before, after), ([], before, after)]
    attempts += [([*proof[:i], wrong, *proof[i + 1 :]], before, after) for i in range(len(proof))]
    attempts.append((merkle.consistency_proof(forged, old, new), before, merkle.root(forged, new)))
    for path, first, second in attempts:
        with pytest.raises(LogError):
            merkle.verify_consistency(old, new, path, first, second)


@pytest.mark.parametrize("proof", [[b"short"], [b"x" * 33], [b"x" * 32] * 65])
def test_malformed_proofs(proof):
    """A proof of other hashes, or too many, is refused before it is computed."""
    with pytest.raises(LogError, match="at most"):
        merkle.verify_inclusion(b"l" * 32, 0, 1, proof, b"r" * 32)


def test_a_log_does_not_shrink():
    """Fewer entries than before are no continuation."""
    with pytest.raises(LogError, match="shrank"):
        merkle.verify_consistency(3, 2, [], b"a" * 32, b"b" * 32)


def test_the_empty_log_is_continued_by_any():
    """From nothing, anything may grow, but nothing claims another empty root."""
    merkle.verify_consistency(0, 5, [], merkle.EMPTY_ROOT, b"r" * 32)
    with pytest.raises(LogError):
        merkle.verify_consistency(0, 5, [], b"x" * 32, b"r" * 32)
    with pytest.raises(LogError):
        merkle.verify_consistency(5, 5, [], b"x" * 32, b"r" * 32)


@pytest.mark.parametrize(("index", "size"), [(1, 1), (-1, 4), (0, 0)])
def test_nothing_to_prove(index, size):
    """A leaf that is not there has no proof."""
    _, nodes = tree(4)
    with pytest.raises(ValueError, match="no entry"):
        merkle.inclusion_proof(nodes, index, size)
