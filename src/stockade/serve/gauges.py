"""Counts of what the server did, in OpenMetrics text."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter

CONTENT_TYPE = b"application/openmetrics-text; version=1.0.0; charset=utf-8"

_BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


class Gauges:
    """Counters of one server; everything is counted on the event loop's thread.

    Attributes:
        requests: By route and status.
        refusals: By reason.
        rows: Rows predicted.
        inflight: Requests in progress.
        connections: Connections open, handshakes included.
        connections_refused: Connections closed at once for being too many.
        timeouts: Connections ended for being too slow, by phase.
    """

    __slots__ = (
        "_buckets", "_started", "_sum", "connections", "connections_refused", "inflight", "refusals", "requests",
        "rows", "timeouts",
    )  # fmt: skip

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.refusals: Counter[str] = Counter()
        self.timeouts: Counter[str] = Counter()
        self.rows = 0
        self.inflight = 0
        self.connections = 0
        self.connections_refused = 0
        self._buckets = [0] * (len(_BOUNDS) + 1)
        self._sum = 0.0
        self._started = time.time()

    def observe(self, seconds: float) -> None:
        """Count the duration of an answered inference."""
        self._buckets[bisect_left(_BOUNDS, seconds)] += 1
        self._sum += seconds

    def render(self, model: str, version: str, digest: str) -> bytes:
        """Write all as OpenMetrics text."""
        lines = ["# TYPE stockade_model info"]
        lines.append(f'stockade_model_info{{name="{_quoted(model)}",version="{_quoted(version)}",digest="{digest}"}} 1')
        lines.append("# TYPE stockade_requests counter")
        for (route, status), count in sorted(self.requests.items()):
            lines.append(f'stockade_requests_total{{route="{route}",status="{status}"}} {count}')
        lines += _family("stockade_refusals", "reason", self.refusals)
        lines += _family("stockade_timeouts", "phase", self.timeouts)
        for name, value in (("rows", self.rows), ("connections_refused", self.connections_refused)):
            lines += [f"# TYPE stockade_{name} counter", f"stockade_{name}_total {value}"]
        for name, value in (("inflight", self.inflight), ("connections", self.connections)):
            lines += [f"# TYPE stockade_{name} gauge", f"stockade_{name} {value}"]
        lines += self._histogram()
        lines += ["# TYPE stockade_start_time_seconds gauge", f"stockade_start_time_seconds {self._started:.3f}"]
        return ("\n".join(lines) + "\n# EOF\n").encode()

    def _histogram(self) -> list[str]:
        name = "stockade_infer_seconds"
        lines = [f"# TYPE {name} histogram", f"# UNIT {name} seconds"]
        total = 0
        for bound, count in zip((*map(str, _BOUNDS), "+Inf"), self._buckets, strict=True):
            total += count
            lines.append(f'{name}_bucket{{le="{bound}"}} {total}')
        return [*lines, f"{name}_count {total}", f"{name}_sum {self._sum:.6f}"]


def _family(name: str, label: str, counts: Counter[str]) -> list[str]:
    return [f"# TYPE {name} counter"] + [
        f'{name}_total{{{label}="{key}"}} {count}' for key, count in sorted(counts.items())
    ]


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
