"""DSSE envelopes (Dead Simple Signing Envelope, protocol v1): bytes, what they mean, and who signed them.

An `Envelope` is unverified. Reading one proves that its form is right and nothing else; see `stockade.evidence.verify`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from stockade.errors import MalformedError
from stockade.evidence import canonical
from stockade.evidence.text import b64, unb64
from stockade.types.digest import Digest

MAX_BYTES = 12 << 20
"""Longest envelope accepted, in bytes."""

MAX_SIGNATURES = 16
"""Most signatures on one envelope."""

_KEYID = re.compile(r"[0-9a-f]{64}")
_MAX_SIGNATURE = 1024


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature and the id of the key that claims it; the id is a hint, not a proof."""

    keyid: str
    sig: bytes


@dataclass(frozen=True)
class Envelope:
    """A signed payload, unverified.

    Attributes:
        payload_type: Media type of the payload.
        payload: The bytes that were signed, under `pae`.
        signatures: One or more, of distinct keys.
    """

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    def to_bytes(self) -> bytes:
        """Write the envelope as canonical JSON."""
        return self._data

    @property
    def digest(self) -> Digest:
        """Digest of `to_bytes`, by which an envelope is named everywhere."""
        return self._digest

    @cached_property
    def _data(self) -> bytes:
        return canonical.encode(
            {
                "payload": b64(self.payload),
                "payloadType": self.payload_type,
                "signatures": [{"keyid": item.keyid, "sig": b64(item.sig)} for item in self.signatures],
            }
        )

    @cached_property
    def _digest(self) -> Digest:
        return Digest.of(self._data)

    @classmethod
    def parse(cls, data: bytes) -> Envelope:
        """Read an envelope that is canonical to the last byte.

        Raises:
            MalformedError: a field is missing, unknown or of the wrong type, base64 or JSON is not canonical, two
                signatures name one key, or a size is beyond its bound.
        """
        document = canonical.decode(data, limit=MAX_BYTES)
        if not isinstance(document, dict) or document.keys() != {"payload", "payloadType", "signatures"}:
            raise MalformedError("an envelope has the fields payload, payloadType and signatures")
        payload_type, listed = document["payloadType"], document["signatures"]
        if not isinstance(payload_type, str) or not 0 < len(payload_type) <= 255:
            raise MalformedError("the payload type of an envelope is a text of 1 to 255 characters")
        if not isinstance(listed, list) or not 0 < len(listed) <= MAX_SIGNATURES:
            raise MalformedError(f"an envelope has 1 to {MAX_SIGNATURES} signatures")
        signatures = tuple(_signature(item) for item in listed)
        if len({item.keyid for item in signatures}) != len(signatures):
            raise MalformedError("two signatures of one envelope name the same key")
        return cls(payload_type, unb64(document["payload"], "payload"), signatures)


def pae(payload_type: str, payload: bytes) -> bytes:
    """The bytes that a DSSE signature is made over (pre-authentication encoding)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _signature(item: Any) -> Signature:
    if not isinstance(item, dict) or item.keys() != {"keyid", "sig"}:
        raise MalformedError("a signature has the fields keyid and sig")
    keyid = item["keyid"]
    if not isinstance(keyid, str) or not _KEYID.fullmatch(keyid):
        raise MalformedError("a key id is 64 hexadecimal digits")
    sig = unb64(item["sig"], "sig")
    if not 0 < len(sig) <= _MAX_SIGNATURE:
        raise MalformedError(f"a signature has 1 to {_MAX_SIGNATURE} bytes")
    return Signature(keyid, sig)
