"""A small engine bench: a zygote without libraries, private folders, and steps written by the test."""

import shutil
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stockade.pipeline.executor import LocalExecutor
from stockade.pipeline.graph import Limits, Step
from stockade.pipeline.order import Order, Progress, Receipt
from stockade.types.execution import Origin

Run = Callable[..., Receipt]


@pytest.fixture(scope="session")
def executor() -> Iterator[LocalExecutor]:
    executor = LocalExecutor()
    yield executor
    executor.close()


@pytest.fixture
def seen() -> list[Progress]:
    return []


@pytest.fixture
def run_step(executor: LocalExecutor, tmp_path: Path, seen: list[Progress]) -> Run:
    """Run a function of the code given, with inputs by parameter (path of a file) and parameters."""
    count = 0

    def run(
        code: str,
        function: str = "f",
        *,
        outputs: tuple[str, ...] = ("out",),
        inputs: dict[str, Path] | None = None,
        secrets: dict[str, Path] | None = None,
        limits: Limits | None = None,
        beside: tuple[Path, ...] = (),
        using: LocalExecutor | None = None,
        **params: Any,
    ) -> Receipt:
        nonlocal count
        count += 1
        folder = tmp_path / f"order-{count}"
        given = folder / "in"
        given.mkdir(parents=True)
        file = tmp_path / "steps.py"
        file.write_text(textwrap.dedent(code))
        copies = {name: Path(shutil.copy(path, given / path.name)) for name, path in (inputs or {}).items()}
        step = Step(
            "s", f"{file}:{function}", params=params, outputs=outputs, origin=Origin.CUSTOM, limits=limits or Limits()
        )
        order = Order(step, copies, secrets or {}, (file, *beside), folder)
        return (using or executor).execute(order, seen.append)

    return run
