"""Private Ed25519 keys in encrypted files (``file:`` keys). Imported by the workspace alone.

    pair = generate()
    save(pair, path, b"a long passphrase")
    signer = load(path, b"a long passphrase")

The file is canonical JSON, version 1: the public key in clear, the 32-byte seed under ChaCha20-Poly1305 (RFC 8439)
with a key that Argon2id (RFC 9106, section 4: 64 MiB, 3 passes) makes from the passphrase. All clear fields are
authenticated.
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from pathlib import Path
from typing import Any, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from stockade.errors import KeyFileError, MalformedError
from stockade.evidence import canonical
from stockade.evidence.public import ED25519, PublicKey
from stockade.evidence.text import unhex

MEMORY_KIB = 65_536
PASSES = 3
LANES = 1

_FORMAT = "stockade-key"
_MAX_BYTES = 4096
_FIELDS = {"format", "version", "scheme", "public", "kdf", "cipher"}
# A hostile file must not make the reader compute for minutes or fill the memory.
_BOUNDS = {"memory_kib": (8, 1 << 20), "passes": (1, 16), "lanes": (1, 16)}


class KeyPair:
    """A private key in memory that can sign; it shows and stores nothing of itself."""

    __slots__ = ("_private", "_public")

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._public = PublicKey(ED25519, raw)

    @property
    def keyid(self) -> str:
        """Id of the key, as `PublicKey.keyid` defines it."""
        return self._public.keyid

    @property
    def public(self) -> PublicKey:
        """The public half."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """Sign a message: 64 bytes, Ed25519 (RFC 8032)."""
        return self._private.sign(message)

    def __repr__(self) -> str:
        return f"KeyPair({self.keyid[:12]})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not copied or serialised")


def generate() -> KeyPair:
    """Make a new key from the system's randomness."""
    return KeyPair(Ed25519PrivateKey.generate())


def save(pair: KeyPair, path: Path, passphrase: bytes, *, memory_kib: int = MEMORY_KIB, passes: int = PASSES) -> None:
    """Write a key encrypted to a new file that only its owner may read; atomic, never over an existing file.

    Args:
        pair: The key.
        path: Where to; its folder must exist.
        passphrase: Not empty.
        memory_kib: Memory that each guess costs, in KiB.
        passes: Passes over that memory.

    Raises:
        KeyFileError: the passphrase is empty, the file exists, or it cannot be written.
    """
    if not passphrase:
        raise KeyFileError("an empty passphrase protects nothing", where=str(path), remedy="choose a passphrase")
    header: dict[str, Any] = {
        "format": _FORMAT,
        "version": 1,
        "scheme": ED25519,
        "public": pair.public.raw.hex(),
        "kdf": {
            "name": "argon2id",
            "salt": secrets.token_hex(16),
            "memory_kib": memory_kib,
            "passes": passes,
            "lanes": LANES,
        },
        "cipher": {"name": "chacha20-poly1305", "nonce": secrets.token_hex(12)},
    }
    nonce = bytes.fromhex(header["cipher"]["nonce"])
    seed = pair._private.private_bytes_raw()  # noqa: SLF001  # the pair hides its seed from all but this module
    sealed = ChaCha20Poly1305(_derive(passphrase, header["kdf"])).encrypt(nonce, seed, canonical.encode(header))
    header["cipher"]["sealed"] = sealed.hex()
    _write_new(path, canonical.encode(header))


def load(path: Path, passphrase: bytes) -> KeyPair:
    """Open an encrypted key.

    Raises:
        KeyFileError: it is absent, readable by others, or the passphrase is not the right one.
        MalformedError: it is not a key file, or was altered in form.
    """
    document = _read(path)
    cipher = document["cipher"]
    nonce, sealed = unhex(cipher["nonce"], "cipher.nonce", size=12), unhex(cipher.pop("sealed"), "sealed", size=48)
    try:
        key = _derive(passphrase, document["kdf"])
        seed = ChaCha20Poly1305(key).decrypt(nonce, sealed, canonical.encode(document))
    except InvalidTag:
        raise KeyFileError(
            "the passphrase is not the right one, or the file was altered",
            where=str(path),
            remedy="try again with the passphrase that the key was saved with, or restore the file from a copy",
        ) from None
    pair = KeyPair(Ed25519PrivateKey.from_private_bytes(seed))
    if not hmac.compare_digest(pair.public.raw.hex(), document["public"]):
        raise MalformedError("the private key does not belong to the public key beside it", where=str(path))
    return pair


def public_of(path: Path) -> PublicKey:
    """The public half of a key file, without its passphrase; as trustworthy as the file.

    Raises:
        KeyFileError: it is absent or readable by others.
        MalformedError: it is not a key file.
    """
    return PublicKey(ED25519, unhex(_read(path)["public"], "public", size=32))


def _derive(passphrase: bytes, kdf: dict[str, Any]) -> bytes:
    salt = unhex(kdf["salt"], "kdf.salt", size=16)
    memory, passes, lanes = kdf["memory_kib"], kdf["passes"], kdf["lanes"]
    function = Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory)
    return function.derive(passphrase)


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            data = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise KeyFileError(
            f"the key cannot be read: {error.strerror}", where=str(path), remedy="check the path of the key"
        ) from error
    if mode & 0o077:
        raise KeyFileError("others may read this key", where=str(path), remedy=f"chmod 600 {path}")
    document = canonical.decode(data, limit=_MAX_BYTES)
    if not _well_formed(document):
        raise MalformedError("this is not a key file of version 1", where=str(path))
    return document  # type: ignore[no-any-return]


def _well_formed(document: Any) -> bool:
    if not isinstance(document, dict) or document.keys() != _FIELDS:
        return False
    if (document["format"], document["version"], document["scheme"]) != (_FORMAT, 1, ED25519):
        return False
    kdf, cipher = document["kdf"], document["cipher"]
    if not isinstance(kdf, dict) or kdf.keys() != {"name", "salt", *_BOUNDS} or kdf["name"] != "argon2id":
        return False
    if not isinstance(cipher, dict) or cipher.keys() != {"name", "nonce", "sealed"}:
        return False
    # bool is an int in Python, and 8 KiB a lane is the least that Argon2 works with.
    bounded = all(type(kdf[name]) is int and low <= kdf[name] <= high for name, (low, high) in _BOUNDS.items())
    return bounded and kdf["memory_kib"] >= 8 * kdf["lanes"] and cipher["name"] == "chacha20-poly1305"


def _write_new(path: Path, data: bytes) -> None:
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            # A link, unlike a rename, fails when the name is taken: a key is never written over.
            os.link(aside, path)
        finally:
            aside.unlink()
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise KeyFileError(
            f"the key cannot be written: {error.strerror}",
            where=str(path),
            remedy="name a file that does not exist, in a folder that you may write to",
        ) from error
