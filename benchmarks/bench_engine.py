"""Cost of the engine: a chain of steps that only pass a small value, each sandboxed, hashed, signed and durable."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stockade.evidence import keys
from stockade.evidence.ledger import Ledger
from stockade.evidence.memory import CheckpointMemory
from stockade.evidence.trust import build_root
from stockade.lifecycle.standard import PRELOAD
from stockade.pipeline.events import StepFinished
from stockade.pipeline.graph import Graph, Step
from stockade.pipeline.runner import Runner
from stockade.store.blobs import FolderBlobs
from stockade.store.catalogue import SqliteCatalog
from stockade.store.tiles import FolderTiles
from stockade.types.execution import Origin

STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 50


def chain(folder: Path, count: int) -> Graph:
    """Steps that hand a number on."""
    source = folder / "steps.py"
    source.write_text("def add(value: dict) -> dict:\n    return {'n': value['n'] + 1}\n")
    start = folder / "start.json"
    start.write_text('{"n":0}')
    steps = tuple(
        Step(f"s{i}", f"{source}:add", {"value": f"v{i}"}, {}, (f"v{i + 1}",), Origin.CUSTOM) for i in range(count)
    )
    return Graph(steps, {"v0": start})


def measure(preload: tuple[str, ...], label: str) -> None:
    """Run the chain fresh, then cached."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pair, log = keys.generate(), keys.generate()
        root = build_root(
            version=1,
            expires=datetime.now(UTC).replace(microsecond=0) + timedelta(days=1),
            trial=True,
            persons={"builder": [pair.public], "log": [log.public]},
            roles={"root": [pair.public], "builder": [pair.public], "log": [log.public]},
            signers=[pair],
        )
        memory = CheckpointMemory(folder / "memory.json")
        catalog = SqliteCatalog(folder / "c.sqlite")
        ledger = Ledger(catalog, FolderTiles(folder / "log"), root, log, origin="bench", memory=memory)
        blobs = FolderBlobs(folder / "blobs")
        graph = chain(folder, STEPS)
        times: list[float] = []

        def listen(event: object) -> None:
            if isinstance(event, StepFinished):
                times.append(event.seconds)

        for word in ("run", "cached"):
            with Runner(blobs, ledger, pair, builder_id="urn:bench", scratch=folder / "s", preload=preload) as runner:
                start, cpu = time.perf_counter(), sum(os.times()[:4])
                runner.run(graph, run_id=word, on_event=listen)
                wall, cpu = time.perf_counter() - start, sum(os.times()[:4]) - cpu
            print(f"{label:<12} {word:<7} {STEPS} steps: {wall:6.2f} s wall, {cpu:6.2f} s CPU")
        steady = sorted(times[1:])
        print(
            f"{label:<12} a step: median {statistics.median(steady) * 1e3:.1f} ms, "
            f"p95 {steady[int(0.95 * len(steady))] * 1e3:.1f} ms (asked: <= 40 ms)"
        )


def main() -> None:
    measure((), "bare")
    measure(PRELOAD, "ML preloaded")


if __name__ == "__main__":
    main()
