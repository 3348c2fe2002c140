"""The user's private folder outside every workspace: keys, remembered checkpoints, server secrets.

It is ``$STOCKADE_HOME``, or ``stockade`` below ``$XDG_STATE_HOME``, or ``~/.local/state/stockade``, with mode 0700.
What is kept here is what an attacker with write access to a workspace must not be able to change.
"""

from __future__ import annotations

import os
from pathlib import Path

from stockade.errors import ServiceError
from stockade.types.digest import Digest


def home() -> Path:
    """The private folder, made when absent.

    Raises:
        ServiceError: it cannot be made, or others may write to it.
    """
    path = _location()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = path.stat().st_mode
    except OSError as error:
        raise ServiceError(
            f"the private folder cannot be made ({error.strerror})",
            where=str(path),
            remedy="set STOCKADE_HOME to a folder that you alone may write to",
        ) from error
    if mode & 0o022:
        raise ServiceError("others may write to the private folder", where=str(path), remedy=f"type `chmod 700 {path}`")
    return path


def keys_folder(root: Digest) -> Path:
    """Where the private keys of one root of trust are kept on this machine."""
    return _made(home() / "keys" / root.hex[:16])


def checkpoints_file() -> Path:
    """Where the largest checkpoint seen of each log is remembered."""
    return home() / "checkpoints.json"


def roots_folder() -> Path:
    """Where the root of trust of each project on this machine is remembered."""
    return _made(home() / "roots")


def server_folder(root: Digest, name: str) -> Path:
    """Where a served model's TLS files and access keys are kept."""
    return _made(home() / "serve" / f"{root.hex[:16]}-{name}")


def _made(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _location() -> Path:
    if chosen := os.environ.get("STOCKADE_HOME"):
        return Path(chosen)
    if state := os.environ.get("XDG_STATE_HOME"):
        return Path(state) / "stockade"
    return Path.home() / ".local" / "state" / "stockade"
