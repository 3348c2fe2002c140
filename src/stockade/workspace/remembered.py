"""Which root of trust each project on this machine had, remembered in the private folder: one that was swapped shows.

Whoever can write to a project can put another trust root in it, with a store that agrees with that root. Such a
project is consistent in itself, so only a memory outside of it tells. A folder that is opened for the first time is
taken as it is; who brings a project from elsewhere compares the digest that `stockade status` prints.
"""

from __future__ import annotations

from pathlib import Path

from stockade.errors import EvidenceError, UntrustedError
from stockade.evidence.trust import MAX_BYTES, TrustRoot, parse
from stockade.store.durable import explained, write_atomically
from stockade.types.digest import Digest
from stockade.workspace import state


def remember(root: Path, trust: TrustRoot) -> None:
    """Take a root of trust for the one of the project in a folder, whatever was there before.

    Raises:
        ServiceError: the private folder cannot be written.
    """
    write_atomically(_file(root), trust.data)


def require_same(root: Path, trust: TrustRoot) -> None:
    """Hold a project's root of trust against the one that it had; a signed successor takes its predecessor's place.

    Raises:
        UntrustedError: it is another.
        ServiceError: the private folder cannot be read or written.
    """
    file = _file(root)
    if not file.exists():
        remember(root, trust)
        return
    with explained(file, "read"), file.open("rb") as stream:
        before = stream.read(MAX_BYTES + 1)
    if before == trust.data:
        return
    try:
        parse(before).successor(trust.data)
    except EvidenceError as error:
        raise UntrustedError(
            f"the project's root of trust is another than before: {trust.digest.short} in place of "
            f"{Digest.of(before).short}",
            where=str(root / "trust.json"),
            remedy=f"bring the former trust.json back; if the persons you trust made a new one, delete {file}",
        ) from error
    remember(root, trust)


def _file(root: Path) -> Path:
    return state.roots_folder() / f"{Digest.of(str(root.resolve()).encode('utf-8', 'surrogateescape')).hex[:32]}.json"
