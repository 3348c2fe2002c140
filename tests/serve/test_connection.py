"""What connections are counted by, and what the counters show."""

from __future__ import annotations

import pytest

from stockade.serve.connection import subject
from stockade.serve.gauges import Gauges


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::1", "::"),
        ("unix", "unix"),
        ("", ""),
    ],
)
def test_limits_count_hosts_and_not_their_many_addresses(address: str, expected: str) -> None:
    """An IPv6 host owns a /64, so one host cannot pass for billions."""
    assert subject(address) == expected


def test_counters_are_written_as_openmetrics() -> None:
    """Families once each, labels escaped, histogram cumulative, end marked."""
    gauges = Gauges()
    gauges.requests["infer", 200] += 2
    gauges.refusals["range"] += 1
    for seconds in (0.00005, 0.0001, 0.3, 60.0):
        gauges.observe(seconds)
    text = gauges.render('a"b\\c', "3", "sha256:00").decode()
    assert text.endswith("\n# EOF\n")
    assert 'stockade_model_info{name="a\\"b\\\\c",version="3",digest="sha256:00"} 1' in text
    assert 'stockade_requests_total{route="infer",status="200"} 2' in text
    assert 'stockade_refusals_total{reason="range"} 1' in text
    assert 'stockade_infer_seconds_bucket{le="0.0001"} 2' in text
    assert 'stockade_infer_seconds_bucket{le="1.0"} 3' in text
    assert 'stockade_infer_seconds_bucket{le="+Inf"} 4' in text
    families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(families) == len(set(families))
