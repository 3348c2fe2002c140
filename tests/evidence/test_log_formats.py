"""Checkpoints and tiles: the C2SP formats, and attacks on them."""

from __future__ import annotations

import base64
import random

import pytest

from stockade.errors import LogError, MalformedError, MissingEvidenceError, SignatureError, StockadeError
from stockade.evidence import merkle, note, tiles
from stockade.evidence.note import parse_checkpoint, sign_checkpoint, verifier_key, verify_checkpoint
from stockade.evidence.public import ED25519, PublicKey
from stockade.evidence.text import b64
from stockade.types.digest import Digest

ROOT = merkle.leaf_hash(b"root")


@pytest.fixture
def signed(world):
    return sign_checkpoint("stockade.example/log", 7, ROOT, world.log, world.log.public)


def test_a_key_and_a_note_made_by_the_reference_implementation():
    """The example of Go's golang.org/x/mod/sumdb/note: key hash, key form and signature agree."""
    spelled = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    line = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    key = PublicKey(ED25519, base64.b64decode(spelled.split("+", 2)[2])[1:])
    signature = base64.b64decode(line)
    assert verifier_key("PeterNeumann", key) == spelled
    assert signature[:4] == note.key_hash("PeterNeumann", key)
    assert key.verify(signature[4:], text.encode())


def test_a_checkpoint_survives(world, signed):
    """What was signed verifies and reads back."""
    assert verify_checkpoint(signed.note, world.trust, "stockade.example/log") == signed
    assert parse_checkpoint(signed.note) == signed
    lines = signed.note.decode().split("\n")
    assert lines[:4] == ["stockade.example/log", "7", base64.b64encode(ROOT).decode(), ""]
    assert lines[4].startswith("— stockade.example/log ")


def test_no_mutation_verifies(world, signed):
    """Of 800 seeded mutations each is refused."""
    chance = random.Random(5)
    for _ in range(800):
        mutated = bytearray(signed.note)
        place = chance.randrange(len(mutated))
        kind = chance.randrange(3)
        if kind == 0:
            mutated[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del mutated[place : place + chance.randrange(1, 9)]
        else:
            mutated[place:place] = chance.randbytes(chance.randrange(1, 9))
        with pytest.raises(StockadeError):
            verify_checkpoint(bytes(mutated), world.trust, "stockade.example/log")


def test_another_log_is_refused(world, signed):
    """A checkpoint of the right key for another log is not taken for this one."""
    with pytest.raises(SignatureError, match="not of"):
        verify_checkpoint(signed.note, world.trust, "stockade.example/other")


def test_another_key_is_refused(world):
    """A stranger's checkpoint does not verify, nor does a builder's."""
    for pair in (world.stranger, world.builder):
        forged = sign_checkpoint("stockade.example/log", 7, ROOT, pair, pair.public)
        with pytest.raises(SignatureError, match="not signed by the log"):
            verify_checkpoint(forged.note, world.trust)


def test_witnesses_may_cosign(world, signed):
    """Signature lines of others are passed over, as the format asks, and replace nothing."""
    theirs = f"— witness.example {b64(b'abcd' + b's' * 72)}\n".encode()
    assert verify_checkpoint(signed.note + theirs, world.trust).size == 7
    alone = signed.note[: signed.note.index("— ".encode())] + theirs
    with pytest.raises(SignatureError):
        verify_checkpoint(alone, world.trust)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        "a b\n1\nROOT\n\n— a YWJjZGVmZw==\n",
        "a+b\n1\nROOT\n\n— a YWJjZGVmZw==\n",
        "a\n01\nROOT\n\n— a YWJjZGVmZw==\n",
        "a\n-1\nROOT\n\n— a YWJjZGVmZw==\n",
        "a\n9999999999999\nROOT\n\n— a YWJjZGVmZw==\n",
        "a\n1\nYQ==\n\n— a YWJjZGVmZw==\n",
        "a\n1\nROOT\nextension\n\n— a YWJjZGVmZw==\n",
        "a\n1\nROOT\n\n",
        "a\n1\nROOT\n\n— a YWJjZGVmZw==",
        "a\n1\nROOT\n\n- a YWJjZGVmZw==\n",
        "a\n1\nROOT\n\n— a\n",
        "a\n1\nROOT\n\n— a YWJj\n",
        "a\n1\nROOT\n\n— a YWJjZGVmZw==\n— a YWJjZGVmZw==\n",
        "a\n1\nROOT\n\n— a YWJjZGVmZw==\n\n",
        "a\n1\nROOT\n\n" + "".join(f"— a{n} YWJjZGVmZw==\n" for n in range(65)),
        "a\n1\nROOT\n\n— a YWJjZGVmZw==\n" + "x" * 70_000,
    ],
)
def test_other_forms_are_refused(text):
    """Everything that is not three lines, an empty one and signatures."""
    with pytest.raises(MalformedError):
        parse_checkpoint(text.replace("ROOT", b64(ROOT)).encode())


def test_signing_takes_a_name_and_the_right_key(world):
    """A name with space, a key of another scheme, another's public half."""
    with pytest.raises(MalformedError, match="name"):
        sign_checkpoint("a b", 1, ROOT, world.log, world.log.public)
    with pytest.raises(ValueError, match="signer"):
        sign_checkpoint("a", 1, ROOT, world.log, world.bob.public)


@pytest.mark.parametrize(
    ("index", "width", "path"),
    [
        (0, 256, "tile/0/000"),
        (67, 256, "tile/0/067"),
        (1234067, 256, "tile/0/x001/x234/067"),
        (1000, 3, "tile/0/x001/000.p/3"),
    ],
)
def test_paths_are_those_of_the_standard(index, width, path):
    """The examples of C2SP tlog-tiles."""
    assert tiles.tile_path(0, index, width) == path
    assert tiles.entries_path(index, width) == path.replace("tile/0", "tile/entries")


def test_entry_bundles_survive():
    """Entries come back; a cut, or too many, is refused."""
    entries = [b"", b"a" * tiles.MAX_ENTRY, b"b"]
    data = tiles.pack_entries(entries)
    assert tiles.unpack_entries(data) == entries
    assert tiles.unpack_entries(b"") == []
    for wrong in (data[:-1], data + b"\x00", b"\x00\x00" * 257):
        with pytest.raises(LogError):
            tiles.unpack_entries(wrong)
    with pytest.raises(ValueError, match="at most"):
        tiles.pack_entries([b"a" * (tiles.MAX_ENTRY + 1)])


def test_an_entry_is_small():
    """However large the envelope, its entry fits the format."""
    entry = tiles.entry_of(Digest.of(b"x"), "https://slsa.dev/provenance/v1")
    assert entry == (
        b'{"envelope":"sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",'
        b'"type":"https://slsa.dev/provenance/v1"}'
    )


def grown(storage, steps):
    edge, entries = tiles.Edge(storage, 0, [], merkle.EMPTY_ROOT), []
    for count in steps:
        batch = [f"entry {len(entries) + number}".encode() for number in range(count)]
        edge.extend(batch)
        entries += batch
    return edge, entries


@pytest.mark.parametrize("steps", [(1,) * 300, (255, 1, 1), (256,), (700, 3, 900), (65_536, 1, 257)])
def test_tiles_hold_the_tree(world, steps):
    """However entries arrive, tiles hash to the root by definition, prove every kind of leaf, and resume."""
    edge, entries = grown(world.tiles, steps)
    hashes = [merkle.leaf_hash(entry) for entry in entries]
    nodes, size = merkle.nodes_of(hashes), len(entries)
    root = merkle.root(nodes, size)
    assert edge.root() == root
    reader = tiles.TileReader(world.tiles, size)
    for index in {0, 1, size // 2, size - 1}:
        merkle.verify_inclusion(hashes[index], index, size, merkle.inclusion_proof(reader, index, size), root)
    resumed = tiles.Edge(world.tiles, size, entries[size - size % 256 :], root)
    resumed.extend([b"one more"])
    assert resumed.root() == merkle.root(merkle.nodes_of([*hashes, merkle.leaf_hash(b"one more")]), size + 1)
    bundle = tiles.unpack_entries(world.tiles.read(tiles.entries_path(0, min(size, 256))))
    assert bundle == entries[:256]


def test_growing_reads_the_edge_alone(world):
    """A log of 20,000 entries is taken up again with a handful of reads."""
    edge, entries = grown(world.tiles, (20_000,))
    world.tiles.reads = 0
    tiles.Edge(world.tiles, edge.size, entries[edge.size - edge.size % 256 :], edge.root())
    assert world.tiles.reads <= 4


def test_an_altered_edge_is_refused(world):
    """Tiles, or entries, that do not hash to the checkpoint are not continued."""
    edge, entries = grown(world.tiles, (300,))
    with pytest.raises(LogError):
        tiles.Edge(world.tiles, 300, [*entries[256:299], b"other"], edge.root())
    path = tiles.tile_path(0, 1, 44)
    world.tiles.files[path] = b"x" * 32 + world.tiles.files[path][32:]
    with pytest.raises(LogError):
        tiles.Edge(world.tiles, 300, entries[256:], edge.root())
    world.tiles.files[path] = world.tiles.files[path][:-1]
    with pytest.raises(LogError, match="44 hashes"):
        tiles.Edge(world.tiles, 300, entries[256:], edge.root())
    del world.tiles.files[path]
    with pytest.raises(MissingEvidenceError):
        tiles.Edge(world.tiles, 300, entries[256:], edge.root())


def test_a_reader_has_no_tile_beyond_the_log(world):
    """A node that is not there is not invented."""
    grown(world.tiles, (3,))
    with pytest.raises(LogError, match="no tile"):
        tiles.TileReader(world.tiles, 3)(8, 0)
