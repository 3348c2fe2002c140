"""Records to JSON and back, strictly."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.types.digest import Digest
from stockade.types.execution import Isolation
from stockade.types.record import from_plain, to_plain
from stockade.types.results import Figure, Finding, Outcome, Results, Severity
from stockade.types.scorecard import Candidate

_figures = st.builds(
    Figure,
    name=st.text(),
    value=st.floats(allow_nan=False),
    low=st.none() | st.floats(allow_nan=False),
    count=st.none() | st.integers(),
)
_findings = st.builds(
    Finding,
    rule=st.text(),
    subject=st.text(),
    message=st.text(),
    severity=st.sampled_from(Severity),
    technique=st.lists(st.text()).map(tuple),
)


@given(st.builds(Results, figures=st.lists(_figures).map(tuple), findings=st.lists(_findings).map(tuple)))
def test_results_survive_json(results: Results) -> None:
    """A record written as JSON and read back is equal."""
    assert from_plain(Results, json.loads(json.dumps(to_plain(results)))) == results


@pytest.mark.parametrize(
    ("plain", "path"),
    [
        ({"name": "auc"}, "value"),
        ({"name": "auc", "value": "0.9"}, "$.value"),
        ({"name": "auc", "value": True}, "$.value"),
        ({"name": "auc", "value": 0.9, "extra": 1}, "extra"),
        ({"name": None, "value": 0.9}, "$.name"),
        ([], "$"),
    ],
)
def test_anything_else_is_refused_by_path(plain: object, path: str) -> None:
    """Missing, unknown and mistyped fields are named."""
    with pytest.raises(ValueError, match=r"expected|missing|unknown") as caught:
        from_plain(Figure, plain)
    assert path in str(caught.value)


def test_pairs_have_their_length() -> None:
    """A tuple of fixed length is not read from a longer list."""
    plain = to_plain(Candidate("a", "b", (("k", "v"),), (1.0,), 1.0, 0.0, 0.1))
    plain["parameters"] = [["k", "v", "w"]]
    with pytest.raises(ValueError, match="2 items"):
        from_plain(Candidate, plain)


def test_outcomes_follow_the_worst_finding() -> None:
    """High findings fail, low ones warn, none pass."""

    def outcome(*severities: Severity) -> Outcome:
        return Results(findings=tuple(Finding("r", "s", "m", item) for item in severities)).outcome

    assert outcome() is Outcome.PASSED
    assert outcome(Severity.INFO) is Outcome.PASSED
    assert outcome(Severity.LOW, Severity.INFO) is Outcome.WARNED
    assert outcome(Severity.LOW, Severity.CRITICAL) is Outcome.FAILED


def test_digests_are_what_they_say() -> None:
    """Only 64 lower-case hexadecimal digits make a digest."""
    digest = Digest.of(b"rows")
    assert Digest.parse(str(digest)) == digest
    for text in ("sha256:" + "A" * 64, "sha512:" + "a" * 64, "sha256:" + "a" * 63, digest.hex):
        with pytest.raises(ValueError, match="SHA-256"):
            Digest.parse(text)


def test_isolation_has_a_word() -> None:
    """The level needs both Landlock and seccomp to be a sandbox."""
    assert Isolation().level == "none"
    assert Isolation(limits=True, landlock=7).level == "process"
    assert Isolation(landlock=7, seccomp=True).level == "sandbox"
    assert Isolation(landlock=7, seccomp=True, fresh_interpreter=True).level == "strict"
