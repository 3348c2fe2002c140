"""How a step says how far it is: a function that does nothing outside the engine's sandbox.

from stockade.types import progress
progress.report(3, 10, "fold 3 of 10")
"""

from __future__ import annotations

import json
import os
import time

_INTERVAL = 0.1
_LONGEST = 200


class _Channel:
    """Where reports go; one per process, set up by the engine in a step's own process."""

    descriptor: int | None = None
    last = 0.0


def connect(descriptor: int | None) -> None:
    """Send reports to this descriptor from now on, or nowhere."""
    _Channel.descriptor = descriptor
    _Channel.last = 0.0


def report(done: float, total: float, text: str = "") -> None:
    """Report progress, at most ten times a second; what comes faster is left out, except for the last report.

    Args:
        done: Units finished, from 0 to `total`.
        total: Units in all; 0 where that is not known.
        text: What is being done, for people; cut at 200 characters.
    """
    if _Channel.descriptor is None:
        return
    now = time.monotonic()
    if now - _Channel.last < _INTERVAL and done < total:
        return
    _Channel.last = now
    line = json.dumps({"progress": [float(done), float(total), text[:_LONGEST]]})
    os.write(_Channel.descriptor, line.encode() + b"\n")
