"""One server for the tests that leave it as they found it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import httpx
import pytest

from serve.toy_model import Running, running
from stockade.serve.settings import Limits


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    limits = Limits(rows=5, body_bytes=100_000, key_rows_per_second=1e6, key_burst=1e6, failure_burst=1e6)
    with running(tmp_path_factory.mktemp("server"), limits=limits) as started:
        yield started


@pytest.fixture(scope="session")
def http(server: Running) -> Iterator[httpx.Client]:
    """A known caller with a kept connection."""
    context = ssl.create_default_context(cafile=server.ca)
    with httpx.Client(base_url=server.url, verify=context, headers={"Authorization": f"Bearer {server.key}"}) as client:
        yield client
