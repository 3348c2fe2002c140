"""Records about the catalogue: an index over signed envelopes, never a source of truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stockade.types.digest import Digest


@dataclass(frozen=True, slots=True)
class Record:
    """An index entry to write.

    Attributes:
        kind: What it indexes: ``step``, ``result``, ``run``, ``version``, ``approval``, ``waiver``, ``promotion``.
        key: What it is found by; not unique, later ones come later.
        envelope: Digest of the envelope that proves it.
        fields: Further text fields for display and search; nothing is decided by them.
    """

    kind: str
    key: str
    envelope: Digest
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """An index entry as found: the record, its envelope's bytes, and the leaf the envelope has in the log."""

    record: Record
    envelope: bytes
    leaf: int
