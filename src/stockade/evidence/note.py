"""Signed notes and the checkpoints they carry (C2SP signed-note and tlog-checkpoint).

A checkpoint is three lines (origin, number of entries, root hash in base64), an empty line, and signature lines, each
an em dash, the key's name, and base64 of a 4-byte key hash and the signature. Ours carry no extension lines. Signature
lines of keys that are not the log's are witnesses' and are passed over, as the format asks.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from stockade.errors import MalformedError, SignatureError
from stockade.evidence.public import ED25519, PublicKey
from stockade.evidence.sign import Signer
from stockade.evidence.text import b64, unb64
from stockade.evidence.trust import TrustRoot

MAX_BYTES = 64 << 10
"""Longest note accepted, in bytes."""

MAX_SIZE = 1 << 40
"""Most entries a log may claim."""

_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]{1,255}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,12}", re.ASCII)
_DASH = "\N{EM DASH} "
_MAX_LINES = 64


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's claim about itself, unverified until `verify_checkpoint` was through with it.

    Attributes:
        origin: Name of the log, which is also the name of its key.
        size: Number of entries.
        root: Root hash over them, 32 bytes.
        note: The signed note as it was read.
    """

    origin: str
    size: int
    root: bytes
    note: bytes

    @property
    def body(self) -> bytes:
        """The lines that are signed."""
        return _body(self.origin, self.size, self.root)


def key_hash(name: str, key: PublicKey) -> bytes:
    """The 4 bytes by which a signature line points to an Ed25519 key of that name."""
    return hashlib.sha256(name.encode() + b"\n\x01" + key.raw).digest()[:4]


def verifier_key(name: str, key: PublicKey) -> str:
    """A log's public key in the form that other verifiers of the format take (``NAME+HASH+KEY``)."""
    encoded = b64(b"\x01" + key.raw)
    return f"{name}+{key_hash(name, key).hex()}+{encoded}"


def require_name(origin: str) -> None:
    """Check that a text can be the name of a log and of its key.

    Raises:
        MalformedError: it is empty or too long, or has a space, a plus sign or a control character.
    """
    if not _NAME.fullmatch(origin):
        raise MalformedError("a log's name has no space and no plus sign", where=origin[:80])


def sign_checkpoint(origin: str, size: int, root: bytes, signer: Signer, key: PublicKey) -> Checkpoint:
    """Sign a claim about a log.

    Args:
        origin: Name of the log, without space or plus sign.
        size: Number of entries.
        root: Root hash over them.
        signer: The log's key.
        key: Its public half.

    Raises:
        MalformedError: the name cannot stand in a note, or the key is not Ed25519.
        ValueError: the public half is another key's.
    """
    require_name(origin)
    if key.scheme != ED25519:
        raise MalformedError("a log signs with an Ed25519 key", where=origin)
    if key.keyid != signer.keyid:
        raise ValueError("the public key is not the signer's")
    body = _body(origin, size, root)
    line = f"{_DASH}{origin} {b64(key_hash(origin, key) + signer.sign(body))}\n"
    return Checkpoint(origin, size, root, body + b"\n" + line.encode())


def parse_checkpoint(note: bytes) -> Checkpoint:
    """Read a checkpoint; nothing of it is verified.

    Raises:
        MalformedError: it is not in the one form that this module writes.
    """
    return _parsed(note)[0]


def verify_checkpoint(note: bytes, trust: TrustRoot, origin: str | None = None) -> Checkpoint:
    """Read a checkpoint and check that the log's keys signed it.

    Args:
        note: The signed note.
        trust: Says which keys are the log's.
        origin: The log it must be of, where one is expected.

    Raises:
        MalformedError: it is not in form.
        SignatureError: it is another log's, a signature of a log key does not hold, or too few persons signed.
    """
    checkpoint, lines = _parsed(note)
    if origin is not None and checkpoint.origin != origin:
        raise SignatureError(
            f"this is a checkpoint of the log {checkpoint.origin!r}, not of {origin!r}",
            where="checkpoint",
            remedy="name the log that was meant",
        )
    keys = {key_hash(checkpoint.origin, key): key for key in trust.keys_of("log").values() if key.scheme == ED25519}
    valid: set[str] = set()
    for name, hint, signature in lines:
        key = keys.get(hint)
        if name != checkpoint.origin or key is None:
            continue
        if not key.verify(signature, checkpoint.body):
            raise SignatureError("the checkpoint was altered: its signature does not hold", where=checkpoint.origin)
        valid.add(key.keyid)
    if len(trust.people(valid)) < trust.threshold("log"):
        raise SignatureError(
            "the checkpoint is not signed by the log that the trust root names",
            where=checkpoint.origin,
            remedy="use the trust root that belongs to this log, or restore the checkpoint from a copy",
        )
    return checkpoint


def _body(origin: str, size: int, root: bytes) -> bytes:
    return f"{origin}\n{size}\n{b64(root)}\n".encode()


def _parsed(note: bytes) -> tuple[Checkpoint, list[tuple[str, bytes, bytes]]]:
    if len(note) > MAX_BYTES:
        raise MalformedError(f"a note has at most {MAX_BYTES} bytes")
    try:
        text = note.decode()
    except UnicodeDecodeError:
        raise MalformedError("a note is text in UTF-8") from None
    body, gap, rest = text.partition("\n\n")
    lines = body.split("\n")
    if not gap or not rest.endswith("\n") or len(lines) != 3:
        raise MalformedError("a checkpoint has three lines, an empty one, and signatures")
    origin, size, root = lines
    if not _NAME.fullmatch(origin) or not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
        raise MalformedError("a checkpoint begins with the log's name and its number of entries")
    signatures = rest[:-1].split("\n")
    if len(signatures) > _MAX_LINES:
        raise MalformedError(f"a note has at most {_MAX_LINES} signatures")
    digest = unb64(root, "checkpoint")
    if len(digest) != 32:
        raise MalformedError("the root of a checkpoint has 32 bytes")
    parsed = [_signature_line(line) for line in signatures]
    if len(set(parsed)) != len(parsed):
        raise MalformedError("a note repeats a signature")
    return Checkpoint(origin, int(size), digest, note), parsed


def _signature_line(line: str) -> tuple[str, bytes, bytes]:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not _NAME.fullmatch(name):
        raise MalformedError("a signature line is a dash, a name and base64")
    data = unb64(encoded, "signature line")
    if len(data) < 5:
        raise MalformedError("a signature line holds a key hash and a signature")
    return name, data[:4], data[4:]
