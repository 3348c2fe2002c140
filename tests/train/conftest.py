"""One thread for every library, since tests share their machine."""

from __future__ import annotations

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Limit the pools of OpenMP and BLAS."""
    with threadpool_limits(limits=1):
        yield
