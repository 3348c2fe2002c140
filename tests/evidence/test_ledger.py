"""The ledger, attacked from its catalogue, its tiles and its past."""

from __future__ import annotations

import copy
import threading
import time
from dataclasses import replace

import pytest

from stockade.errors import (
    DigestMismatchError,
    ExpiredError,
    LogError,
    MalformedError,
    MissingEvidenceError,
    ServiceError,
    SignatureError,
    StockadeError,
)
from stockade.evidence import merkle
from stockade.evidence.envelope import Envelope
from stockade.evidence.ledger import CheckpointMemory, Ledger, Sealed
from stockade.evidence.sign import seal
from stockade.evidence.statement import PROVENANCE, RUN, Statement, Subject
from stockade.evidence.tiles import entry_of
from stockade.store.catalogue import SqliteCatalog
from stockade.store.tiles import FolderTiles
from stockade.types.digest import Digest
from stockade.types.ledger import Record, Row


def step(world, number=0):
    return world.seal_step("s", {}, {"out": str(number).encode()})


def fill(world, count):
    world.ledger.append([Sealed(step(world, number)) for number in range(count)])


def test_what_is_appended_is_found_and_proven(world):
    """Leaves come in order; each index entry leads to evidence with its place in the log."""
    envelopes = [step(world, number) for number in range(3)]
    entries = [Sealed(item, (Record("step", "k", item.digest, {"n": "1"}),)) for item in envelopes]
    assert world.ledger.append(entries[:1]) == [0]
    assert world.ledger.append(entries[1:]) == [1, 2]
    rows = world.ledger.find("step", "k")
    evidence = [world.ledger.verify(row, "builder", PROVENANCE) for row in rows]
    assert [item.leaf for item in evidence] == [0, 1, 2]
    assert [item.digest for item in evidence] == [item.digest for item in envelopes]
    assert world.ledger.find("step", "other") == []
    assert world.ledger.envelope(envelopes[1].digest) == envelopes[1].to_bytes()
    assert world.ledger.append([]) == []


@pytest.mark.parametrize("count", [1, 255, 256, 257, 600])
def test_every_leaf_is_proven(world, count):
    """Proofs by index entry, by envelope and by bytes agree, also across tiles."""
    fill(world, count)
    checkpoint = world.ledger.checkpoint()
    assert checkpoint.size == count
    for number in {0, count // 2, count - 1}:
        proof, envelope = world.ledger.prove(number), step(world, number)
        leaf = merkle.leaf_hash(entry_of(envelope.digest, PROVENANCE))
        merkle.verify_inclusion(leaf, number, count, proof.hashes, checkpoint.root)
        assert world.ledger.verify(envelope.to_bytes(), "builder").leaf == number
        assert world.ledger.verify(envelope, "builder").leaf == number
    for absent in (-1, count):
        with pytest.raises(LogError, match="no entry"):
            world.ledger.prove(absent)


def test_the_log_is_what_it_would_be_in_one_go(world, tmp_path):
    """Appending one by one or at once gives one root."""
    for number in range(300):
        world.ledger.append([Sealed(step(world, number))])
    leaves = [merkle.leaf_hash(entry_of(step(world, number).digest, PROVENANCE)) for number in range(300)]
    assert world.ledger.checkpoint().root == merkle.root(merkle.nodes_of(leaves), 300)


def test_a_statement_logged_twice_has_its_first_place(world):
    """The same envelope again is another leaf; bytes verify at the first."""
    envelope = step(world)
    assert world.ledger.append([Sealed(envelope)]) == [0]
    assert world.ledger.append([Sealed(envelope)]) == [1]
    assert world.ledger.verify(envelope, "builder").leaf == 0


@pytest.mark.parametrize("writes", range(4))
def test_a_crash_while_publishing_is_made_up_for(world, writes):
    """Committed and cut off anywhere before the checkpoint: publishing again, or the next append, completes it."""
    fill(world, 5)
    world.tiles.fail_after = writes
    with pytest.raises(OSError, match="power"):
        world.ledger.append([Sealed(step(world, 250 + number)) for number in range(260)])
    world.tiles.fail_after = None
    assert world.ledger.checkpoint().size == 5
    after = world.open()
    assert after.publish().size == 265
    assert after.publish() == after.checkpoint()
    assert after.verify(step(world, 509), "builder").leaf == 264


@pytest.mark.parametrize("writes", range(3))
def test_the_same_ledger_goes_on_after_a_crash(world, writes):
    """The object that failed is not left in a state of its own."""
    fill(world, 5)
    world.tiles.fail_after = writes
    with pytest.raises(OSError, match="power"):
        world.ledger.append([Sealed(step(world, 5))])
    world.tiles.fail_after = None
    assert world.ledger.append([Sealed(step(world, 6))]) == [6]
    assert world.ledger.verify(step(world, 6), "builder").leaf == 6
    assert world.open().checkpoint().size == 7


def test_two_processes_take_turns(world):
    """What another ledger appended is seen, and built upon."""
    other = world.open()
    for number in range(6):
        (world.ledger if number % 2 else other).append([Sealed(step(world, number))])
    assert [world.ledger.verify(step(world, number), "builder").leaf for number in range(6)] == list(range(6))
    assert other.checkpoint() == world.ledger.checkpoint()


def test_threads_share_a_ledger(world):
    """Appending and verifying from several threads loses nothing."""

    def work(start):
        for number in range(start, start + 10):
            world.ledger.append([Sealed(step(world, number))])
            world.ledger.verify(step(world, number), "builder")

    threads = [threading.Thread(target=work, args=(start,)) for start in (0, 10, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.open().checkpoint().size == 30


def test_an_edited_row_is_refused(world):
    """Another envelope, digest or leaf under an index entry does not verify."""
    one, two = step(world, 1), step(world, 2)
    world.append(one)
    world.append(two)
    row = world.ledger.find("step")[0]
    for forged, error in [
        (replace(row, envelope=two.to_bytes()), DigestMismatchError),
        (replace(row, record=replace(row.record, envelope=two.digest)), DigestMismatchError),
        (replace(row, leaf=1), LogError),
        (replace(row, leaf=7), LogError),
        (replace(row, leaf=-1), LogError),
        (replace(row, envelope=b"junk", record=replace(row.record, envelope=Digest.of(b"junk"))), MalformedError),
    ]:
        with pytest.raises(error):
            world.ledger.verify(forged, "builder")


def test_a_forged_envelope_is_refused(world):
    """Signed by a stranger, or signed well but never logged."""
    fill(world, 2)
    forged = seal(Statement.parse(step(world).payload), world.stranger)
    with pytest.raises(MissingEvidenceError, match="does not hold"):
        world.ledger.verify(forged, "builder")
    row = Row(Record("step", "k", forged.digest, {}), forged.to_bytes(), 0)
    with pytest.raises(SignatureError):
        world.ledger.verify(row, "builder")
    with pytest.raises(MissingEvidenceError):
        world.ledger.verify(step(world, 99), "builder")


def test_a_logged_forgery_is_still_a_forgery(world):
    """Being in the log makes nothing true."""
    world.append(seal(Statement.parse(step(world).payload), world.stranger))
    with pytest.raises(SignatureError):
        world.ledger.verify(world.ledger.find("step")[0], "builder")


def test_role_and_type_are_asked_each_time(world):
    """What verified for one role or type does not pass for another."""
    world.append(step(world))
    row = world.ledger.find("step")[0]
    world.ledger.verify(row, "builder", PROVENANCE)
    with pytest.raises(SignatureError):
        world.ledger.verify(row, "approver", PROVENANCE)
    with pytest.raises(MalformedError):
        world.ledger.verify(row, "builder", RUN)


def test_a_rolled_back_workspace_shows(world):
    """An older copy of everything, signed and consistent in itself, is refused by the memory."""
    fill(world, 3)
    catalog, files = copy.deepcopy(world.catalog), dict(world.tiles.files)
    fill(world, 2)
    world.catalog, world.tiles.files = catalog, files
    for ledger in (world.open(), world.open(read_only=True)):
        with pytest.raises(LogError, match="rolled back"):
            ledger.checkpoint()
        with pytest.raises(LogError, match="rolled back"):
            ledger.verify(step(world, 0), "builder")
    with pytest.raises(LogError, match="rolled back"):
        world.open().append([Sealed(step(world, 9))])
    assert len(world.catalog.entries) == 3


def test_a_rollback_under_a_running_process_shows(world):
    """The ledger that has seen more does not need the file to know."""
    fill(world, 3)
    files = dict(world.tiles.files)
    fill(world, 2)
    world.tiles.files = files
    with pytest.raises(LogError, match="rolled back"):
        world.ledger.verify(step(world, 0), "builder")
    with pytest.raises(LogError, match="rolled back"):
        world.ledger.checkpoint()


def test_a_rewritten_log_shows(world, tmp_path):
    """A log of the same length or longer, signed by its key, that does not continue what was seen is refused."""
    fill(world, 300)
    for count in (300, 301, 700):
        other = type(world)(memory_file=tmp_path / f"other-{count}.json")
        other.ledger.append([Sealed(step(other, number + 1)) for number in range(count)])
        forked = Ledger(
            other.catalog, other.tiles, world.trust, None, world.ledger.origin, CheckpointMemory(world.memory_file)
        )
        with pytest.raises(LogError, match="continue"):
            forked.checkpoint()
    assert world.open().checkpoint().size == 300


def test_a_deleted_log_shows(world):
    """A checkpoint that is gone is no new log."""
    fill(world, 3)
    world.tiles.files.clear()
    for ledger in (world.ledger, world.open()):
        with pytest.raises(LogError, match="gone"):
            ledger.checkpoint()
        with pytest.raises(LogError, match="gone"):
            ledger.append([Sealed(step(world, 9))])


def test_a_catalogue_that_lost_entries_is_refused(world):
    """Before anything is written."""
    for count in (3, 256):
        fill(world, count)
        entries = list(world.catalog.entries)
        del world.catalog.entries[-1]
        with pytest.raises(LogError):
            world.open().append([Sealed(step(world, 9))])
        world.catalog.entries = entries


def test_altered_tiles_prove_nothing(world):
    """Flipping a bit of any hash that a proof needs is refused, never believed."""
    fill(world, 270)
    row_of = {number: step(world, number) for number in (0, 255, 269)}
    for path in ("tile/0/000", "tile/0/001.p/14", "tile/1/000.p/1"):
        original = world.tiles.files[path]
        world.tiles.files[path] = bytes([original[0] ^ 1]) + original[1:]
        refused = 0
        for number, envelope in row_of.items():
            try:
                evidence = world.open(read_only=True).verify(
                    Row(Record("step", "k", envelope.digest, {}), envelope.to_bytes(), number), "builder"
                )
            except LogError:
                refused += 1
            else:
                assert evidence.digest == envelope.digest
        assert refused >= 1
        world.tiles.files[path] = original
    assert world.open().verify(row_of[255], "builder").leaf == 255


def test_missing_tiles_are_named(world):
    """A tile that is gone is an error with its path."""
    fill(world, 270)
    del world.tiles.files["tile/0/000"]
    with pytest.raises(MissingEvidenceError, match="tile/0/000"):
        world.open().prove(0)


def test_a_log_of_another_key_is_refused(world):
    """A stranger's checkpoint over a stranger's tiles is not this log."""
    fill(world, 3)
    other = type(world)(memory_file=world.memory_file.with_name("x"), log=world.stranger)
    fill(other, 4)
    world.tiles.files = other.tiles.files
    with pytest.raises(SignatureError):
        world.open().checkpoint()


def test_a_ledger_without_the_key_only_reads(world):
    """It verifies, and refuses to append or publish before anything is committed."""
    fill(world, 2)
    reader = world.open(read_only=True)
    assert reader.verify(step(world, 1), "builder").leaf == 1
    assert reader.publish().size == 2
    with pytest.raises(SignatureError, match="read only"):
        reader.append([Sealed(step(world, 5))])
    assert len(world.catalog.entries) == 2


def test_a_log_has_a_name(world):
    """One that can stand in a checkpoint."""
    with pytest.raises(MalformedError, match="name"):
        Ledger(world.catalog, world.tiles, world.trust, world.log, "a b", CheckpointMemory(world.memory_file))


def test_another_key_cannot_append(world):
    """The trust root names the log's key, and no other publishes."""
    ledger = Ledger(
        world.catalog,
        world.tiles,
        world.trust,
        world.stranger,
        world.ledger.origin,
        CheckpointMemory(world.memory_file),
    )
    with pytest.raises(SignatureError, match="not one that the trust root"):
        ledger.append([Sealed(step(world))])
    assert world.catalog.entries == []


def test_nothing_was_published(world):
    """An empty log has no checkpoint, and says so."""
    with pytest.raises(MissingEvidenceError, match="never published"):
        world.ledger.checkpoint()
    assert world.ledger.publish().size == 0
    assert world.ledger.checkpoint().root == merkle.EMPTY_ROOT


def test_missing_and_altered_envelopes_are_named(world):
    """By digest."""
    fill(world, 1)
    digest = step(world, 0).digest
    with pytest.raises(MissingEvidenceError, match=Digest.of(b"x").hex):
        world.ledger.envelope(Digest.of(b"x"))
    world.catalog.envelopes[digest] = b"altered"
    with pytest.raises(DigestMismatchError, match=digest.hex):
        world.ledger.envelope(digest)


def test_only_statements_are_appended(world):
    """An envelope of something else, or an index entry of another envelope, is refused before it is committed."""
    with pytest.raises(MalformedError):
        world.ledger.append([Sealed(Envelope("text/plain", b"hello", step(world).signatures))])
    with pytest.raises(ValueError, match="points"):
        world.ledger.append([Sealed(step(world), (Record("step", "k", Digest.of(b"x"), {}),))])
    assert world.catalog.entries == []


def test_an_expired_root_stops_a_running_ledger(world):
    """Remembered evidence expires with the root."""
    fill(world, 1)
    moments = [world.trust.expires.replace(year=2029)]
    ledger = Ledger(
        world.catalog,
        world.tiles,
        world.trust,
        None,
        world.ledger.origin,
        CheckpointMemory(world.memory_file),
        clock=lambda: moments[-1],
    )
    assert ledger.verify(step(world, 0), "builder") is ledger.verify(step(world, 0), "builder")
    moments.append(world.trust.expires)
    with pytest.raises(ExpiredError):
        ledger.verify(step(world, 0), "builder")


def test_memory_is_atomic_and_private(world):
    """The file holds the largest size, only its owner reads it, and nothing else is left beside it but the lock."""
    fill(world, 2)
    assert CheckpointMemory(world.memory_file).recall(world.ledger.origin) == (2, world.ledger.checkpoint().root)
    assert world.memory_file.stat().st_mode & 0o777 == 0o600
    assert sorted(item.name for item in world.memory_file.parent.iterdir()) == [
        ".checkpoints.json.lock",
        "checkpoints.json",
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b'{"format":"stockade-checkpoints","logs":{},"version":2}',
        b'{"format":"stockade-checkpoints","logs":{"a":{"root":"00","size":1}},"version":1}',
        b'{"format":"stockade-checkpoints","logs":{"a":{"root":"' + b"0" * 64 + b'","size":true}},"version":1}',
        b'{"format":"stockade-checkpoints","logs":[],"version":1}',
    ],
)
def test_a_damaged_memory_is_not_forgotten(world, data):
    """It is an error, not a fresh start: else whoever damages it could roll back."""
    fill(world, 1)
    world.memory_file.write_bytes(data)
    with pytest.raises(MalformedError, match="memory"):
        world.open().checkpoint()


def test_memory_that_cannot_be_used(world, tmp_path):
    """A folder in its place, or a parent that is a file, is told with its path."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    fill(world, 1)
    for path in (tmp_path / "folder", tmp_path / "file" / "memory"):
        with pytest.raises(ServiceError, match="memory") as caught:
            world.open(memory=path).checkpoint()
        assert str(path) in caught.value.where


def test_memory_is_per_log(world, tmp_path):
    """Logs of other names do not mix in one file."""
    fill(world, 3)
    other = type(world)(memory_file=world.memory_file)
    other.ledger = Ledger(
        other.catalog, other.tiles, other.trust, other.log, "other", CheckpointMemory(world.memory_file)
    )
    fill(other, 1)
    assert CheckpointMemory(world.memory_file).recall("other")[0] == 1
    assert CheckpointMemory(world.memory_file).recall(world.ledger.origin)[0] == 3


def test_over_the_real_store_it_is_quick(world, tmp_path):
    """With SQLite and files, appending at 1,000 leaves takes milliseconds, and a cold reader verifies 15 steps at once."""
    catalog, tiles = SqliteCatalog(tmp_path / "c.db"), FolderTiles(tmp_path / "log")
    arguments = (world.trust, world.log, world.ledger.origin, CheckpointMemory(world.memory_file))
    ledger = Ledger(catalog, tiles, *arguments)

    def sealed(number):
        envelope = step(world, number)
        return Sealed(envelope, (Record("step", "k", envelope.digest, {}),))

    ledger.append([sealed(number) for number in range(1000)])
    start = time.process_time()
    for number in range(1000, 1020):
        ledger.append([sealed(number)])
    appending = (time.process_time() - start) / 20
    rows = catalog.find("step")[-15:]
    reader = Ledger(catalog, tiles, *arguments)
    start = time.process_time()
    for row in rows:
        reader.verify(row, "builder", PROVENANCE)
    verifying = time.process_time() - start
    catalog.close()
    # CPU time: measured at 2 ms and 15 ms; the bounds leave room for a slower machine, and fail when work is quadratic.
    assert appending < 0.02
    assert verifying < 0.2


def test_errors_are_ours(world):
    """Whatever is fed to verify, the error is one of the house's."""
    fill(world, 1)
    for junk in (b"", b"{}", b"\xff", b"[]", b'{"payload":"","payloadType":"x","signatures":[]}'):
        with pytest.raises(StockadeError):
            world.ledger.verify(junk, "builder")
    unlogged = seal(Statement((Subject("a", Digest.of(b"a")),), "urn:unknown", {"a": 1}), world.builder)
    world.append(unlogged, "other")
    assert world.ledger.verify(unlogged, "builder").record is None
