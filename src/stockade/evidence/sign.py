"""Signing: the port that every key hides behind, and the sealing of a statement into an envelope.

    envelope = seal(statement, signer)

Keys are objects. This module knows none; `stockade.evidence.keys` loads them and only the workspace imports it.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from stockade.evidence.envelope import Envelope, Signature, pae
from stockade.evidence.statement import PAYLOAD_TYPE, Statement


@runtime_checkable
class Signer(Protocol):
    """A private key, wherever it is held.

    `sign` may be called from several threads. It signs whatever it is given; what is worth signing is for the caller
    to decide. It raises a `StockadeError` when the key cannot be reached.
    """

    @property
    def keyid(self) -> str:
        """SHA-256 of the public key's DER SubjectPublicKeyInfo, as 64 hexadecimal digits."""

    def sign(self, message: bytes) -> bytes:
        """Sign a message with the one scheme of the key: Ed25519, or ECDSA over P-256 with SHA-256 in DER."""


def seal(statement: Statement, *signers: Signer) -> Envelope:
    """Sign a statement with each of the signers and put it into an envelope.

    Raises:
        MalformedError: the statement cannot be written as canonical JSON.
        ValueError: no signer was given, or one key twice.
    """
    if not signers or len({signer.keyid for signer in signers}) != len(signers):
        raise ValueError("a statement is sealed by one or more distinct keys")
    payload = statement.to_bytes()
    message = pae(PAYLOAD_TYPE, payload)
    signatures = sorted((Signature(signer.keyid, signer.sign(message)) for signer in signers), key=lambda s: s.keyid)
    return Envelope(PAYLOAD_TYPE, payload, tuple(signatures))
