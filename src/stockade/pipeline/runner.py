"""Run a graph: reuse what is proven, execute the rest confined, attest each step, and put it into the log.

    with Runner(blobs, ledger, signer, builder_id="urn:stockade:builder:local:ada", scratch=folder) as runner:
        outcome = runner.run(graph, run_id="r1", on_event=print)

A finished step is durable before the next one starts, so a run that was interrupted or failed is resumed by running it
again: finished steps are then cache hits. The runner holds the builder key; no process that it starts ever does.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

from stockade.errors import ConfigError
from stockade.evidence.ledger import Ledger
from stockade.evidence.sign import Signer
from stockade.pipeline.cache import Cache
from stockade.pipeline.events import Event
from stockade.pipeline.executor import LocalExecutor
from stockade.pipeline.graph import Graph
from stockade.pipeline.order import Executor
from stockade.pipeline.outcome import PlannedStep, RunOutcome
from stockade.pipeline.run import Run, Tools
from stockade.pipeline.scratch import Sweeper, scratch_folder
from stockade.pipeline.sources import SourceReader
from stockade.store.blobs import BlobStore
from stockade.types.execution import ISOLATION_LEVELS

Listener = Callable[[Event], None]


class Runner:
    """Runs graphs. Not safe to share between threads; one run at a time.

    Args:
        blobs: Where artifacts are kept.
        ledger: Where statements are kept and logged; its trust root decides which earlier results count.
        signer: The builder's key.
        builder_id: URI of this builder, in every statement.
        scratch: Folder for private working folders, created when absent; the system's temporary folder when None.
        preload: Modules that the zygote imports before it forks children.
        isolation: ``sandbox``, or ``strict`` for a new interpreter per step; asked for, and part of the cache key.
        executor: Where steps run; on this machine when None.
    """

    def __init__(
        self,
        blobs: BlobStore,
        ledger: Ledger,
        signer: Signer,
        *,
        builder_id: str,
        scratch: Path | None = None,
        preload: tuple[str, ...] = (),
        isolation: str = "sandbox",
        executor: Executor | None = None,
    ) -> None:
        if isolation not in ISOLATION_LEVELS:
            raise ConfigError(f"no level of isolation is called {isolation!r}", remedy="use 'sandbox' or 'strict'")
        self._scratch = scratch.resolve() if scratch else None  # a step works in a folder of its own
        self._tools = Tools(
            blobs=blobs,
            ledger=ledger,
            signer=signer,
            builder_id=builder_id,
            isolation=isolation,
            executor=executor or LocalExecutor(preload, fresh=isolation == "strict"),
            cache=Cache(blobs, ledger),
            reader=SourceReader(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all processes of the executor; may be called twice."""
        self._tools.executor.close()

    def run(
        self,
        graph: Graph,
        *,
        run_id: str,
        on_event: Listener | None = None,
        force: frozenset[str] = frozenset(),
    ) -> RunOutcome:
        """Run all steps of a graph in order.

        Args:
            graph: What to run.
            run_id: Name of this run in statements and in the catalogue.
            on_event: Is told what happens, from this thread.
            force: Steps to run even if there is a proven earlier result.

        Raises:
            StepError, DataError, ConfigError: a step failed; finished ones are kept.
            EvidenceError: an artifact that a step needs was altered.
            ServiceError: this machine cannot do it.
        """
        with scratch_folder(self._scratch) as folder, closing(Sweeper()) as sweeper:
            run = Run(self._tools, graph, run_id, on_event or _ignore, folder=folder, sweeper=sweeper)
            try:
                return run.all(force)
            finally:
                # A later run may find changed sources, and a zygote that lives on would still have the old ones.
                self._tools.executor.close()

    def plan(self, graph: Graph) -> tuple[PlannedStep, ...]:
        """Say what `run` would do, without executing anything. Steps after one that would run have unknown inputs."""
        with scratch_folder(self._scratch) as folder, closing(Sweeper()) as sweeper:
            return Run(self._tools, graph, "plan", _ignore, folder=folder, sweeper=sweeper).plan()


def _ignore(_: Event) -> None:
    pass
