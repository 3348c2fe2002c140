"""Blobs: content-addressed, durable, verified on every read."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.errors import DigestMismatchError, MissingEvidenceError, ServiceError, StorageFullError
from stockade.store import durable
from stockade.store.blobs import FolderBlobs
from stockade.types.digest import Digest


def stored(root: Path, digest: Digest) -> Path:
    return root / digest.hex[:2] / digest.hex


def overwrite(path: Path, data: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(data)


@given(st.binary(max_size=300))
@settings(max_examples=25, deadline=None)
def test_what_is_put_is_got(tmp_path_factory, data):
    """Any bytes come back as they were, under their SHA-256 digest."""
    blobs = FolderBlobs(tmp_path_factory.mktemp("blobs"))
    digest = blobs.put(data)
    assert digest == Digest.of(data)
    assert blobs.get(digest) == data
    with blobs.open(digest) as stream:
        assert stream.read() == data


def test_a_file_is_stored_like_its_bytes(tmp_path):
    """A file and its bytes have one name and are kept once."""
    source = tmp_path / "rows.csv"
    source.write_bytes(b"a,b\n1,2\n" * 400_000)
    blobs = FolderBlobs(tmp_path / "blobs")
    digest = blobs.put(source)
    assert blobs.put(source.read_bytes()) == digest
    assert [path.name for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == [digest.hex]
    with blobs.open(digest) as stream:
        assert Digest.of_stream(stream) == digest


@pytest.mark.parametrize("damage", [b"", b"row", b"rowz", b"rows and more"])
def test_altered_truncated_and_extended_blobs_are_refused(tmp_path, damage):
    """A blob with other bytes than were stored is refused by digest and path, by every way of reading."""
    blobs = FolderBlobs(tmp_path)
    digest = blobs.put(b"rows")
    overwrite(stored(tmp_path, digest), damage)
    for read in (blobs.get, blobs.open):
        with pytest.raises(DigestMismatchError, match=digest.hex) as caught:
            read(digest)
        assert digest.hex in caught.value.where


def test_swapped_blobs_are_refused(tmp_path):
    """Two blobs that changed names are both refused."""
    blobs = FolderBlobs(tmp_path)
    one, two = blobs.put(b"one"), blobs.put(b"two")
    aside = tmp_path / "aside"
    stored(tmp_path, one).rename(aside)
    stored(tmp_path, two).rename(stored(tmp_path, one))
    aside.rename(stored(tmp_path, two))
    for digest in (one, two):
        with pytest.raises(DigestMismatchError):
            blobs.get(digest)


def test_a_missing_blob_is_named(tmp_path):
    """A blob that is not there is missing evidence, not an empty one."""
    blobs = FolderBlobs(tmp_path)
    digest = Digest.of(b"never stored")
    assert not blobs.has(digest)
    with pytest.raises(MissingEvidenceError, match=digest.hex):
        blobs.get(digest)


def test_putting_again_heals_an_altered_blob(tmp_path):
    """Storing the true bytes again replaces damaged ones."""
    blobs = FolderBlobs(tmp_path)
    digest = blobs.put(b"rows")
    overwrite(stored(tmp_path, digest), b"evil")
    assert blobs.put(b"rows") == digest
    assert blobs.get(digest) == b"rows"


def test_an_opened_blob_is_a_private_copy(tmp_path):
    """What was opened does not change when the store's file does."""
    blobs = FolderBlobs(tmp_path)
    digest = blobs.put(b"rows")
    with blobs.open(digest) as stream:
        overwrite(stored(tmp_path, digest), b"evil")
        assert stream.read() == b"rows"


def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch):
    """A write that runs out of space raises StorageFullError and leaves no file behind."""
    blobs = FolderBlobs(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(durable.os, "fsync", full)
    with pytest.raises(StorageFullError, match="no space"):
        blobs.put(b"rows")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_only_regular_files_are_stored(tmp_path):
    """A pipe in place of a file is refused at once instead of being waited on."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ServiceError, match="regular"):
        FolderBlobs(tmp_path / "blobs").put(tmp_path / "pipe")
    with pytest.raises(ServiceError, match="absent"):
        FolderBlobs(tmp_path / "blobs").put(tmp_path / "absent")


def test_a_read_only_store_creates_nothing(tmp_path):
    """A store opened read-only neither makes its folder nor takes blobs."""
    blobs = FolderBlobs(tmp_path / "blobs", read_only=True)
    with pytest.raises(ServiceError, match="read-only"):
        blobs.put(b"rows")
    assert not (tmp_path / "blobs").exists()


def test_files_left_by_a_killed_writer_are_swept(tmp_path):
    """Temporary files of a writer that died more than a day ago vanish at the next start; younger ones stay."""
    old, young = tmp_path / ".writing-1-aa", tmp_path / ".writing-2-bb"
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    os.utime(old, (1_000_000, 1_000_000))
    FolderBlobs(tmp_path)
    assert not old.exists()
    assert young.exists()
