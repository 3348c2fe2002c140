"""A small engine bench: a zygote without libraries, private folders, and steps written by the test."""

import shutil
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stockade.evidence.keys import KeyPair, generate
from stockade.evidence.ledger import Ledger
from stockade.evidence.memory import CheckpointMemory
from stockade.evidence.trust import build_root
from stockade.pipeline.events import Event
from stockade.pipeline.executor import LocalExecutor
from stockade.pipeline.graph import Graph, Limits, Step
from stockade.pipeline.order import Order, Progress, Receipt
from stockade.pipeline.outcome import RunOutcome
from stockade.pipeline.runner import Runner
from stockade.store.blobs import FolderBlobs
from stockade.store.catalogue import SqliteCatalog
from stockade.store.tiles import FolderTiles
from stockade.types.digest import Digest
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


@dataclass
class Laboratory:
    """A workspace of its own: a store, a log, keys, and a folder of steps."""

    root: Path
    builder: KeyPair = field(default_factory=generate)
    log: KeyPair = field(default_factory=generate)

    def __post_init__(self) -> None:
        public = {"builder": self.builder.public, "log": self.log.public}
        self.trust = build_root(
            version=1,
            expires=datetime.now(UTC) + timedelta(days=1),
            trial=True,
            persons={"ada": [public["builder"]], "log": [public["log"]]},
            roles={"root": [public["builder"]], "builder": [public["builder"]], "log": [public["log"]]},
            signers=[self.builder],
        )
        self.blobs = FolderBlobs(self.root / "store" / "blobs")
        self.events: list[Event] = []
        self.code = self.root / "code" / "steps.py"
        self.code.parent.mkdir(exist_ok=True)
        self.reopen()

    def reopen(self) -> None:
        """Open the store again, as the next process does."""
        self.catalog = SqliteCatalog(self.root / "store" / "catalogue.db")
        memory = CheckpointMemory(self.root / "memory.json")
        tiles = FolderTiles(self.root / "store" / "log")
        self.ledger = Ledger(self.catalog, tiles, self.trust, self.log, origin="test/log", memory=memory)

    def step(self, name: str, outputs: tuple[str, ...], function: str = "", **more: Any) -> Step:
        return Step(name, f"{self.code}:{function or name}", outputs=outputs, origin=Origin.CUSTOM, **more)

    def runner(self, signer: KeyPair | None = None, **options: Any) -> Runner:
        return Runner(
            self.blobs, self.ledger, signer or self.builder, builder_id="urn:test:builder",
            scratch=self.root / "scratch", **options,
        )  # fmt: skip

    def run(self, graph: Graph, run_id: str = "r", **options: Any) -> RunOutcome:
        self.events.clear()
        with self.runner() as runner:
            return runner.run(graph, run_id=run_id, on_event=self.events.append, **options)

    def blob(self, digest: Digest) -> Path:
        return self.root / "store" / "blobs" / digest.hex[:2] / digest.hex


@pytest.fixture
def laboratory(tmp_path: Path) -> Iterator[Laboratory]:
    laboratory = Laboratory(tmp_path)
    yield laboratory
    laboratory.catalog.close()
    left = list((tmp_path / "scratch").glob("*")) if (tmp_path / "scratch").exists() else []
    assert left == []
