"""Encrypted key files: opened by the passphrase alone, altered in no byte, readable by nobody else."""

from __future__ import annotations

import copy
import json
import pickle
import random

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from stockade.errors import KeyFileError, MalformedError, StockadeError
from stockade.evidence import canonical, keys
from stockade.evidence.public import P256, PublicKey


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.key"


@pytest.fixture
def saved(path):
    pair = keys.generate()
    keys.save(pair, path, b"correct horse", memory_kib=64, passes=1)
    return pair


def test_opens_with_its_passphrase(path, saved):
    """The key that comes back signs as the one that was saved."""
    loaded = keys.load(path, b"correct horse")
    assert loaded.keyid == saved.keyid == keys.public_of(path).keyid
    assert saved.public.verify(loaded.sign(b"m"), b"m")
    assert not saved.public.verify(loaded.sign(b"m"), b"n")


def test_default_cost_is_that_of_the_standard(path):
    """RFC 9106, section 4: 64 MiB and three passes."""
    keys.save(keys.generate(), path, b"p")
    kdf = json.loads(path.read_bytes())["kdf"]
    assert (kdf["name"], kdf["memory_kib"], kdf["passes"]) == ("argon2id", 65_536, 3)
    assert keys.load(path, b"p").keyid == keys.public_of(path).keyid


def test_is_private_and_complete(path, saved):
    """Only its owner may read it, nothing else is left in the folder, and the seed is not in it."""
    assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["a.key"]
    seed = saved._private.private_bytes_raw()
    assert seed.hex().encode() not in path.read_bytes()


@pytest.mark.parametrize("passphrase", [b"", b"Correct horse", b"correct horse ", b"x"])
def test_refuses_another_passphrase(path, saved, passphrase):
    """Any other passphrase is refused with a remedy."""
    with pytest.raises(KeyFileError, match="passphrase") as caught:
        keys.load(path, passphrase)
    assert caught.value.remedy


def test_refuses_an_empty_passphrase(path):
    """Nothing is written."""
    with pytest.raises(KeyFileError, match="empty"):
        keys.save(keys.generate(), path, b"")
    assert not path.exists()


def test_is_never_written_over(path, saved):
    """An existing key stays."""
    before = path.read_bytes()
    with pytest.raises(KeyFileError, match="written"):
        keys.save(keys.generate(), path, b"p", memory_kib=64, passes=1)
    assert path.read_bytes() == before
    assert [item.name for item in path.parent.iterdir()] == ["a.key"]


def test_no_mutation_opens(path, saved):
    """Of 300 seeded mutations each is refused, and none makes the reader work for long."""
    data, chance = path.read_bytes(), random.Random(11)
    for _ in range(300):
        mutated = bytearray(data)
        mutated[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(mutated)
        with pytest.raises(StockadeError):
            keys.load(path, b"correct horse")


@pytest.mark.parametrize(
    ("field", "value"),
    [("memory_kib", 1 << 21), ("passes", 1000), ("lanes", 64), ("lanes", 9), ("memory_kib", True), ("name", "scrypt")],
)
def test_a_hostile_cost_is_refused(path, saved, field, value):
    """A file cannot make the reader take gigabytes or hours."""
    document = json.loads(path.read_bytes())
    document["kdf"][field] = value
    path.write_bytes(canonical.encode(document))
    with pytest.raises(MalformedError):
        keys.load(path, b"correct horse")


def test_a_swapped_public_key_is_refused(path, saved):
    """The public half is authenticated with the private one."""
    document = json.loads(path.read_bytes())
    document["public"] = keys.generate().public.raw.hex()
    path.write_bytes(canonical.encode(document))
    with pytest.raises(KeyFileError):
        keys.load(path, b"correct horse")


def test_a_key_that_others_may_read_is_refused(path, saved):
    """As ssh does."""
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="others"):
        keys.load(path, b"correct horse")


def test_absent(path):
    """A file that is not there is named."""
    with pytest.raises(KeyFileError, match="read") as caught:
        keys.public_of(path)
    assert caught.value.where == str(path)


def test_a_key_neither_shows_nor_copies_itself(saved):
    """Printing shows the id alone; pickling and copying are refused."""
    assert repr(saved) == f"KeyPair({saved.keyid[:12]})"
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            attempt(saved)


def test_p256_keys_verify():
    """Keys of hardware and clouds, ECDSA over P-256, verify as well."""
    private = ec.generate_private_key(ec.SECP256R1())
    raw = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    public = PublicKey(P256, raw)
    signature = private.sign(b"m", ec.ECDSA(hashes.SHA256()))
    assert public.verify(signature, b"m")
    assert not public.verify(signature, b"n")
    assert not public.verify(b"junk", b"m")
    assert PublicKey.from_plain(public.to_plain(), "here") == public


@pytest.mark.parametrize(
    ("scheme", "raw"),
    [("ed25519", b"short"), (P256, b"\x04" + b"\x00" * 64), (P256, b"\x02" + b"\x00" * 32), ("rsa", b"x" * 32)],
)
def test_what_is_no_public_key(scheme, raw):
    """A key that cannot be used does not come into being."""
    with pytest.raises(MalformedError):
        PublicKey(scheme, raw)
