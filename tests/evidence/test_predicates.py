"""Predicates: records that are written as foreign formats prescribe and read back strictly."""

from __future__ import annotations

import contextlib
import copy
import json
from datetime import timedelta

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.predicates.test_result.v0.test_result_pb2 import TestResult as ForeignResult
from in_toto_attestation.predicates.vsa.v1.vsa_pb2 import VerificationSummary
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor

from stockade.errors import MalformedError
from stockade.evidence.predicates import Decision, Gate, ReleaseInfo, RunSummary, StepProvenance, TestResult
from stockade.evidence.predicates.form import purl, read_purl
from stockade.evidence.statement import Statement, Subject
from stockade.types.digest import Digest
from stockade.types.execution import Origin

KINDS = {kind.TYPE: kind for kind in (StepProvenance, TestResult, RunSummary, ReleaseInfo, Decision, Gate)}


def statements(story):
    sealed = [*story.steps, story.result, story.run, story.release, story.decision(), story.decision("waiver")]
    return [Statement.parse(item.payload) for item in [*sealed, story.gate()]]


def test_every_record_survives(story):
    """Reading what was written gives an equal record, of every kind."""
    seen = set()
    for statement in statements(story):
        record = KINDS[statement.predicate_type].of(statement)
        again = record.statement(statement.subjects)
        assert again.to_bytes() == statement.to_bytes()
        assert KINDS[statement.predicate_type].of(again) == record
        seen.add(type(record))
    assert seen == set(KINDS.values())


def places(value, path=()):
    """Every place inside a JSON value."""
    yield path
    if isinstance(value, dict):
        for name in value:
            yield from places(value[name], (*path, name))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield from places(value[index], (*path, index))


def at(value, path):
    for part in path:
        value = value[part]
    return value


OPEN = {("buildDefinition", "externalParameters", "parameters"), ("runDetails", "metadata", "stockade_usage")}
"""Objects of free content: any name may stand in them."""


def test_no_field_may_be_added_anywhere(story):
    """A field that the format does not have is refused in every object, however deep."""
    tried = 0
    for statement in statements(story):
        for path in places(statement.predicate):
            if any(path[: len(free)] == free for free in OPEN):
                continue
            predicate = copy.deepcopy(dict(statement.predicate))
            target = at(predicate, path)
            if not isinstance(target, dict):
                continue
            target["unexpected"] = 1
            with pytest.raises(MalformedError):
                KINDS[statement.predicate_type].from_predicate(predicate)
            tried += 1
    assert tried > 60


def test_no_field_may_be_missing_or_of_another_type(story):
    """Taking a field away, or putting another type in its place, is refused, or changes the record."""
    tried = 0
    for statement in statements(story):
        kind = KINDS[statement.predicate_type]
        record = kind.of(statement)
        for path in places(statement.predicate):
            if not path or not isinstance(at(statement.predicate, path[:-1]), dict):
                continue
            for value in (None, 1, "x", [], {}, [None], {"a": None}, True, 1e300):
                predicate = copy.deepcopy(dict(statement.predicate))
                if at(predicate, path) == value:
                    continue
                at(predicate, path[:-1])[path[-1]] = value
                check_differs(kind, predicate, record)
                tried += 1
            predicate = copy.deepcopy(dict(statement.predicate))
            del at(predicate, path[:-1])[path[-1]]
            check_differs(kind, predicate, record)
    assert tried > 1000


def check_differs(kind, predicate, record):
    with contextlib.suppress(MalformedError):
        assert kind.from_predicate(predicate) != record


def without_extensions(value):
    if isinstance(value, dict):
        return {name: without_extensions(item) for name, item in value.items() if not name.startswith("stockade_")}
    return [without_extensions(item) for item in value] if isinstance(value, list) else value


def test_the_schemas_of_in_toto_know_every_field(story):
    """Without our extensions, in-toto's own message types parse each predicate whole, and its descriptors are valid."""
    for sealed, message in [
        (story.steps[1], Provenance()),
        (story.result, ForeignResult()),
        (story.gate(), VerificationSummary()),
    ]:
        predicate = json.loads(sealed.payload)["predicate"]
        # That library has a single text where SLSA has an array of levels.
        predicate.pop("verifiedLevels", None)
        # Unknown fields make ParseDict fail.
        json_format.ParseDict(without_extensions(predicate), message)
        descriptors = [
            *getattr(getattr(message, "build_definition", None), "resolved_dependencies", []),
            *getattr(getattr(message, "run_details", None), "byproducts", []),
            *getattr(message, "configuration", []),
        ]
        for descriptor in descriptors:
            ResourceDescriptor.copy_from_pb(descriptor).validate()


def test_provenance_is_slsa(story):
    """The fields that SLSA v1 requires are where it says, and additions carry our prefix."""
    predicate = json.loads(story.steps[1].payload)["predicate"]
    assert predicate.keys() == {"buildDefinition", "runDetails"}
    assert predicate["buildDefinition"].keys() == {
        "buildType",
        "externalParameters",
        "internalParameters",
        "resolvedDependencies",
    }
    assert predicate["runDetails"]["builder"] == {"id": "urn:stockade:builder:local"}
    extra = predicate["runDetails"]["metadata"].keys() - {"invocationId", "startedOn", "finishedOn"}
    assert all(name.startswith("stockade_") for name in extra)
    uris = [item["uri"] for item in predicate["buildDefinition"]["resolvedDependencies"] if "uri" in item]
    assert uris == ["pkg:pypi/numpy@2.2.6", "pkg:pypi/scikit-learn@1.8.0%2Blocal"]


def test_result_tells_passed_from_failed(story):
    """The format's own fields say what the findings say."""
    predicate = json.loads(story.result.payload)["predicate"]
    assert predicate["result"] == "FAILED"
    assert predicate["passedTests"] == ["assess.calibration"]
    assert predicate["warnedTests"] == ["assess.slices"]
    assert predicate["failedTests"] == ["assess.fairness"]


def test_a_result_cannot_be_prettier_than_its_findings(story):
    """PASSED over failing findings is refused."""
    predicate = json.loads(story.result.payload)["predicate"]
    predicate["result"] = "PASSED"
    with pytest.raises(MalformedError):
        TestResult.from_predicate(predicate)


def test_a_failed_gate_reaches_no_level(story):
    """A summary that failed lists no level."""
    gate = Gate.of(Statement.parse(story.gate().payload))
    plain = gate.to_predicate()
    with pytest.raises(MalformedError):
        Gate.from_predicate({**plain, "verificationResult": "FAILED"})
    with pytest.raises(MalformedError):
        Gate.from_predicate({**plain, "verificationResult": "MAYBE"})
    failed = Gate.from_predicate({**plain, "verificationResult": "FAILED", "verifiedLevels": ["FAILED"]})
    assert not failed.passed


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "wish"},
        {"rule": "a.rule"},
        {"kind": "waiver", "rule": ""},
        {"kind": "waiver", "reason": ""},
        {"kind": "waiver", "expires": ""},
        {"nonce": ""},
        {"version": 0},
        {"name": ""},
    ],
)
def test_decisions_that_cannot_be(story, changes):
    """A decision says what it must, and no more."""
    with pytest.raises(ValueError):
        story.decision(**changes)


@pytest.mark.parametrize("field", ["made", "expires"])
def test_decisions_tell_the_time(story, field):
    """Times have one spelling."""
    with pytest.raises(MalformedError):
        story.decision(**{field: "tomorrow"})


def test_a_decision_expires(story):
    """At the moment it says, not before."""
    waiver = Decision.of(Statement.parse(story.decision("waiver").payload))
    from stockade.evidence.text import read_time

    end = read_time(waiver.expires, "here")
    assert not waiver.expired(end - timedelta(seconds=1))
    assert waiver.expired(end)
    assert not Decision.of(Statement.parse(story.decision().payload)).expired(end + timedelta(days=9999))
    assert waiver.role == "approver"


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1), st.integers(1, 10**6))
def test_package_urls_survive(name, version):
    """Any name comes back out of its package URL."""
    assert read_purl(purl("generic", name, str(version)), "generic") == (name, str(version))
    info = ReleaseInfo(name, version, Digest.of(b"run"))
    assert ReleaseInfo.from_predicate(info.to_predicate()) == info


@pytest.mark.parametrize("text", ["pkg:pypi/a@1", "pkg:generic/a", "pkg:generic/@1", "pkg:generic/a@", "a@1"])
def test_other_package_urls_are_refused(text):
    """Another kind, or a part missing."""
    with pytest.raises(MalformedError):
        read_purl(text, "generic")


@pytest.mark.parametrize("version", ["0", "-1", "x", "1.0", "01", "%31"])
def test_other_versions_are_refused(version):
    """A version is a whole number from 1 on, in one spelling."""
    with pytest.raises(MalformedError):
        ReleaseInfo.from_predicate({"purl": f"pkg:generic/a@{version}", "stockade_run": str(Digest.of(b"run"))})


def test_records_refuse_contradictions(story):
    """A step ends after it began; a run has steps, each once."""
    from dataclasses import replace

    record = StepProvenance.of(Statement.parse(story.steps[0].payload))
    with pytest.raises(ValueError, match="after"):
        replace(record, finished="2020-01-01T00:00:00Z")
    with pytest.raises(ValueError, match="isolation"):
        replace(record, required_isolation="high")
    for changes in [{"steps": ()}, {"steps": story.summary.steps * 2}, {"rows": -1}, {"initiator": ""}]:
        with pytest.raises(ValueError, match="run"):
            replace(story.summary, **changes)
    with pytest.raises(ValueError, match="after"):
        replace(story.summary, finished="2020-01-01T00:00:00Z")
    with pytest.raises(ValueError, match="twice"):
        replace(story.summary, results=story.summary.results * 2)


def test_a_predicate_is_of_its_type(story):
    """A release is not read as a run."""
    with pytest.raises(MalformedError, match="expected"):
        RunSummary.of(Statement.parse(story.release.payload))


def test_without_a_log_there_is_no_byproduct(world):
    """A step that printed nothing says so by leaving the field out, and is read back."""
    sealed = world.seal_step("quiet", {}, {"out": b"x"}, log=None, origin=Origin.CUSTOM)
    statement = Statement.parse(sealed.payload)
    assert "byproducts" not in statement.predicate["runDetails"]
    assert StepProvenance.of(statement).log is None
    assert StepProvenance.of(statement).statement([Subject("out", Digest.of(b"x"))]) == statement
