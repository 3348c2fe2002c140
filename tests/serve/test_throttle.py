"""Token buckets: never more than burst plus rate, debts are paid, strangers do not fill the memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stockade.serve import throttle
from stockade.serve.throttle import Throttle, retry_after


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.floats(0, 3), max_size=60), st.floats(0.5, 20), st.integers(1, 10))
def test_no_more_is_admitted_than_burst_and_rate_allow(pauses: list[float], rate: float, burst: int) -> None:
    """Over any time T at most burst + rate * T requests pass, and after the wait that was told one does."""
    clock = Clock()
    bucket = Throttle(rate, burst, clock)
    admitted = 0
    for pause in pauses:
        clock.now += pause
        wait = bucket.admit("a")
        if not wait:
            admitted += 1
        else:
            clock.now += wait + 1e-6
            assert bucket.admit("a") == 0.0
            admitted += 1
        assert admitted <= burst + rate * clock.now + 1e-6


def test_a_debt_is_paid_before_the_next_is_admitted() -> None:
    """A large batch, charged afterwards, holds its key up and no other."""
    clock = Clock()
    bucket = Throttle(10, 20, clock)
    assert bucket.admit("a") == 0.0
    bucket.charge("a", 119)
    assert 10.0 < bucket.admit("a") < 10.2
    assert bucket.admit("b") == 0.0
    clock.now = 10.2
    assert bucket.admit("a") == 0.0


def test_the_number_of_buckets_is_bounded() -> None:
    """Ever new addresses push out the oldest, and take no more memory."""
    bucket = Throttle(1, 1, Clock())
    for number in range(throttle.MOST_SUBJECTS + 100):
        bucket.admit(str(number))
    assert len(bucket._buckets) == throttle.MOST_SUBJECTS


def test_retry_after_is_whole_seconds_and_at_least_one() -> None:
    """As the header wants it."""
    assert [retry_after(seconds) for seconds in (0.01, 1.0, 1.2)] == [b"1", b"1", b"2"]
