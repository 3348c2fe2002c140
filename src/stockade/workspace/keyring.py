"""The private keys of this machine's user: make them for a trial, load them to sign. The only place that does either.

Keys lie encrypted in the private folder (`stockade.workspace.state`), never in a workspace. The passphrase comes from
``$CREDENTIALS_DIRECTORY/stockade-passphrase`` or from a file beside the keys; a trial root has such a file, which is
why evidence under it is marked trial and refused in production.
"""

from __future__ import annotations

import os
import secrets
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stockade.errors import KeyFileError, MalformedError, ServiceError, SignatureError
from stockade.evidence import keys
from stockade.evidence.sign import Signer
from stockade.evidence.trust import TrustRoot, build_root
from stockade.store.durable import write_atomically
from stockade.workspace import state
from stockade.workspace.wiring import people

BUILDER = "builder"
"""Holder of the key that attests steps."""

LOG = "log"
"""Holder of the key that signs checkpoints."""

_PASSPHRASE = "passphrase"  # noqa: S105  (a file name)
_TRIAL_LIFETIME = timedelta(days=365)
_HUMAN_ROLES = ("root", "approver", "promoter", "policy")


def make_trial_root(persons: tuple[str, str]) -> TrustRoot:
    """Make keys for two persons, a builder and a log, and the trial root that names them; both persons sign it.

    Raises:
        ServiceError: the private folder cannot be written.
    """
    pairs = {name: keys.generate() for name in (*persons, BUILDER, LOG)}
    publics = [pairs[name].public for name in persons]
    roles = dict.fromkeys(_HUMAN_ROLES, publics)
    root = build_root(
        version=1,
        expires=datetime.now(UTC).replace(microsecond=0) + _TRIAL_LIFETIME,
        trial=True,
        persons={name: [pair.public] for name, pair in pairs.items()},
        roles={**roles, BUILDER: [pairs[BUILDER].public], LOG: [pairs[LOG].public]},
        signers=[pairs[name] for name in persons],
        thresholds={"root": 2},
    )
    folder = state.keys_folder(root.digest)
    passphrase = secrets.token_urlsafe(32).encode()
    write_atomically(folder / _PASSPHRASE, passphrase)
    for name, pair in pairs.items():
        keys.save(pair, _file(folder, name), passphrase)
    return root


def discard(root: TrustRoot) -> None:
    """Remove the keys of a root that was just made and will not be used."""
    shutil.rmtree(state.keys_folder(root.digest), ignore_errors=True)


def signer(root: TrustRoot, person: str) -> Signer:
    """Load a person's key.

    Raises:
        SignatureError: the root does not know the person, or the key is not on this machine.
        KeyFileError: the key cannot be opened.
    """
    if person not in root.persons:
        raise SignatureError(
            f"the trust root knows no person {person!r}",
            where="trust.json",
            remedy=f"it knows {', '.join(people(root))}",
        )
    folder = state.keys_folder(root.digest)
    path = _file(folder, person)
    if not path.exists():
        raise SignatureError(
            f"the key of {person!r} is not on this machine",
            where=str(path),
            remedy="sign on the machine that holds it, or bring the key file there",
        )
    try:
        return keys.load(path, _passphrase(folder))
    except MalformedError as error:
        raise KeyFileError(
            f"the key file is damaged: {error.message}", where=str(path), remedy="bring it back from a copy"
        ) from error


def _file(folder: Path, person: str) -> Path:
    safe = "".join(sign if sign.isalnum() or sign in "-_" else f"%{ord(sign):02x}" for sign in person)
    return folder / f"{safe}.key"


def _passphrase(folder: Path) -> bytes:
    places = [folder / _PASSPHRASE]
    if credentials := os.environ.get("CREDENTIALS_DIRECTORY"):
        places.insert(0, Path(credentials) / "stockade-passphrase")
    for place in places:
        if place.exists():
            return place.read_bytes().strip()
    raise ServiceError(
        "there is no passphrase for the keys",
        where=str(folder),
        remedy="put it into a file `stockade-passphrase` in a credential directory, and name that directory in "
        "CREDENTIALS_DIRECTORY",
    )


def pseudonym_key(root: TrustRoot) -> Path:
    """The file with the key of this project's pseudonyms, made on first use; whoever has it can link them."""
    path = state.keys_folder(root.digest) / "pseudonyms.bin"
    if not path.exists():
        write_atomically(path, secrets.token_bytes(32))
    return path
