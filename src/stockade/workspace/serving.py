"""From an alias to a running server; loads no key that signs and nothing that trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stockade.policy.admit import Admitted
from stockade.policy.policy import Policy
from stockade.registry.reading import Reader
from stockade.serve import access
from stockade.serve.boot import boot
from stockade.serve.settings import Limits, Settings
from stockade.serve.tls import ensure_local
from stockade.store.durable import make_folder
from stockade.types.digest import Digest
from stockade.workspace import state
from stockade.workspace.config import ServeSection
from stockade.workspace.wiring import Workspace

_KEY_NAME = "local"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A running server, as it is announced."""

    url: str
    name: str
    version: int
    model: Digest
    ca: Path
    key_file: Path


def admitted(space: Workspace, name: str, alias: str) -> tuple[Admitted, bytes]:
    """Verify the whole chain of the version that holds an alias, hold it against the recorded policy, read its bytes.

    Raises:
        EvidenceError, PolicyError: it is not, or no longer, proven and admitted.
    """
    reader = Reader(space.ledger, name)
    policy = Policy.parse(space.blobs.get(reader.deployed(alias).decision.policy))
    found = reader.admitted(alias, policy)
    return found, space.blobs.get(found.model)


def serve(
    space: Workspace,
    name: str,
    section: ServeSection,
    alias: str,
    *,
    host: str | None = None,
    port: int | None = None,
    ready: Callable[[Endpoint], None] | None = None,
) -> None:
    """Serve the version that holds an alias until this process is told to stop. Raises as `admitted` and `boot`."""
    found, model = admitted(space, name, alias)
    folder = state.server_folder(space.trust.digest, name)
    files = ensure_local(folder / "tls", section.names)
    keys, secret = folder / "access" / "keys.json", folder / "api-key"
    make_folder(keys.parent)
    if not keys.exists():
        roles = (access.Role.INFER, access.Role.METADATA, access.Role.METRICS)
        access.issue(keys, _KEY_NAME, roles, secret_file=secret)
    settings = Settings(
        keys=keys,
        outbox=folder / "outbox",
        tls=files,
        host=host or section.host,
        port=section.port if port is None else port,
        limits=Limits(
            body_bytes=section.max_body_bytes,
            rows=section.max_rows,
            key_rows_per_second=section.rows_per_second,
            key_burst=max(2 * section.rows_per_second, float(section.max_rows)),
            header_seconds=section.timeout_seconds,
            body_seconds=section.timeout_seconds,
        ),
    )
    server = boot(found, model, settings)
    server.run(ready=lambda url: _announce(ready, url, found, folder / "tls" / "ca.pem", secret))


def _announce(
    ready: Callable[[Endpoint], None] | None, url: str, found: Admitted, authority: Path, secret: Path
) -> None:
    if ready is None:
        return
    ready(Endpoint(url, found.name, found.version, found.model, authority, secret))
