"""Limits over time: token buckets for keys and for addresses that fail to authenticate."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable

MOST_SUBJECTS = 10_000
"""Buckets remembered; the one unused for longest is forgotten first, which can only be lenient."""


class Throttle:
    """A token bucket for each of many subjects.

    A bucket holds up to `burst` tokens and gains `rate` a second. It may go into debt by what is charged afterwards
    (rows are known only once a request was read); until the debt is paid nothing more is admitted.

    Args:
        rate: Tokens a second.
        burst: Most tokens.
        clock: Seconds, monotonic.
    """

    __slots__ = ("_buckets", "_burst", "_clock", "_rate")

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, list[float]] = OrderedDict()

    def admit(self, subject: str) -> float:
        """Take one token if there is one.

        Returns:
            0.0 when admitted, else the seconds after which one will be there.
        """
        bucket = self._bucket(subject)
        if bucket[0] >= 1.0:
            bucket[0] -= 1.0
            return 0.0
        return (1.0 - bucket[0]) / self._rate

    def charge(self, subject: str, tokens: float) -> None:
        """Take tokens, into debt if need be."""
        self._bucket(subject)[0] -= tokens

    def _bucket(self, subject: str) -> list[float]:
        now = self._clock()
        bucket = self._buckets.get(subject)
        if bucket is None:
            if len(self._buckets) >= MOST_SUBJECTS:
                self._buckets.popitem(last=False)
            bucket = self._buckets[subject] = [self._burst, now]
            return bucket
        self._buckets.move_to_end(subject)
        bucket[0] = min(self._burst, bucket[0] + (now - bucket[1]) * self._rate)
        bucket[1] = now
        return bucket


def retry_after(seconds: float) -> bytes:
    """Write seconds for a ``Retry-After`` header: whole, at least 1."""
    return str(max(1, math.ceil(seconds))).encode()
