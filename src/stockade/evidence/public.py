"""Public keys: their identity, their form in a trust root, and the verification of what they signed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from stockade.errors import MalformedError
from stockade.evidence.text import unhex

ED25519 = "ed25519"
P256 = "ecdsa-sha2-nistp256"

_KEYTYPES = {ED25519: "ed25519", P256: "ecdsa"}


@dataclass(frozen=True)
class PublicKey:
    """A key that signatures are verified with.

    Attributes:
        scheme: `ED25519` or `P256`.
        raw: 32 bytes for Ed25519; the 65 bytes of the uncompressed point for P-256.

    Raises:
        MalformedError: the bytes are not a public key of that scheme.
    """

    scheme: str
    raw: bytes

    def __post_init__(self) -> None:
        self._handle  # noqa: B018  # a key that cannot be used must not come into being

    @cached_property
    def _handle(self) -> Ed25519PublicKey | EllipticCurvePublicKey:
        try:
            if self.scheme == ED25519:
                return Ed25519PublicKey.from_public_bytes(self.raw)
            if self.scheme == P256 and len(self.raw) == 65:
                return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), self.raw)
        except ValueError:
            pass
        raise MalformedError(f"not a public key of the scheme {self.scheme[:40]!r}")

    @cached_property
    def keyid(self) -> str:
        """SHA-256 of the DER SubjectPublicKeyInfo (RFC 5280), as 64 hexadecimal digits."""
        spki = self._handle.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(spki).hexdigest()

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether `signature` is this key's over `message`."""
        handle = self._handle
        try:
            if isinstance(handle, Ed25519PublicKey):
                handle.verify(signature, message)
            else:
                handle.verify(signature, message, ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True

    def to_plain(self) -> dict[str, Any]:
        """Write the key as it stands in a trust root."""
        return {"keytype": _KEYTYPES[self.scheme], "keyval": {"public": self.raw.hex()}, "scheme": self.scheme}

    @classmethod
    def from_plain(cls, item: object, where: str) -> PublicKey:
        """Read the key of a trust root.

        Raises:
            MalformedError: it is not of that form, or not a key.
        """
        if not isinstance(item, dict) or item.keys() != {"keytype", "keyval", "scheme"}:
            raise MalformedError("a key has the fields keytype, keyval and scheme", where=where)
        value, scheme = item["keyval"], item["scheme"]
        if not isinstance(value, dict) or value.keys() != {"public"}:
            raise MalformedError("the value of a key has the field public", where=where)
        if not isinstance(scheme, str) or _KEYTYPES.get(scheme) is None or item["keytype"] != _KEYTYPES[scheme]:
            raise MalformedError(f"the scheme of a key is {ED25519} or {P256}", where=where)
        return cls(scheme, unhex(value["public"], where))
