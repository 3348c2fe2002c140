"""What a server serves."""

from __future__ import annotations

from dataclasses import dataclass

from stockade.types.digest import Digest


@dataclass(frozen=True, slots=True)
class Identity:
    """The registered name, its version, and the digest of the bytes, as admitted."""

    name: str
    version: str
    digest: Digest
