"""Dossiers: complete and without contradiction, or not at all."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import pytest

from stockade.errors import EvidenceError, MalformedError, MissingEvidenceError, SignatureError
from stockade.evidence.chain import Dossier, assemble, gather
from stockade.evidence.predicates import ReleaseInfo, RunStep, TestResult
from stockade.evidence.sign import seal
from stockade.evidence.statement import Subject
from stockade.evidence.verify import verify_envelope
from stockade.types.digest import Digest
from stockade.types.execution import Origin
from stockade.types.results import Results

MODEL = b"the bytes of a model"


def pieces(story):
    evidence = story.world.evidence
    return {
        "release": evidence(story.release),
        "run": evidence(story.run),
        "steps": [evidence(step) for step in story.steps],
        "results": [evidence(story.result)],
        "decisions": [],
    }


def retold(story, **changes):
    """The run statement with changes, signed by its builder, and the release of that run."""
    world = story.world
    model = Subject("model", Digest.of(MODEL))
    run = seal(replace(story.summary, **changes).statement([model]), world.builder)
    release = seal(ReleaseInfo("people", 3, run.digest).statement([model]), world.builder)
    return {**pieces(story), "run": world.evidence(run), "release": world.evidence(release)}


def test_tells_the_whole_story(story):
    """Steps in order, results by step, the model, and a digest over all but decisions."""
    dossier = story.dossier()
    assert list(dossier.steps) == ["ingest", "train", "assess"]
    assert list(dossier.results) == ["assess"]
    assert dossier.model == Digest.of(MODEL)
    assert len(dossier.evidence) == 6
    with_decision = story.dossier(story.decision())
    assert with_decision.evidence_set == dossier.evidence_set
    assert len(with_decision.evidence) == 7


def test_a_ledger_gathers_it(world, story):
    """From the release alone everything is found, verified and assembled."""
    decision = world.append(story.decision(), "approval", "people")
    row = world.ledger.find("version")[0]
    found = gather(world.ledger, row, world.ledger.find("approval"))
    assert found == gather(world.ledger, row, [decision.to_bytes()])
    assert [item.digest for item in found.decisions] == [decision.digest]
    assert found.evidence_set == story.dossier().evidence_set


@pytest.mark.parametrize("index", range(3))
def test_a_missing_step_is_named(world, story, index):
    """In the assembly and in the gathering alike."""
    name = ("ingest", "train", "assess")[index]
    given = pieces(story)
    del given["steps"][index]
    with pytest.raises(MissingEvidenceError, match=f"the evidence of step '{name}' is missing"):
        assemble(**given)
    del world.catalog.envelopes[story.steps[index].digest]
    with pytest.raises(MissingEvidenceError, match=f"the evidence of step '{name}' is missing"):
        gather(world.ledger, story.release)


def test_missing_results_and_runs_are_named(world, story):
    """A result or run that is not there is told."""
    with pytest.raises(MissingEvidenceError, match="results of the run are missing"):
        assemble(**{**pieces(story), "results": []})
    for envelope, name in ((story.result, "a result"), (story.run, "the run")):
        kept = world.catalog.envelopes.pop(envelope.digest)
        with pytest.raises(MissingEvidenceError, match=f"the evidence of {name} is missing"):
            gather(world.ledger, story.release)
        world.catalog.envelopes[envelope.digest] = kept


def test_nobody_else_makes_a_dossier(story):
    """Neither the constructor nor a changed copy; its parts cannot be changed."""
    dossier = story.dossier()
    values = {name: getattr(dossier, name) for name in dossier.__slots__}
    with pytest.raises(TypeError, match="assemble"):
        Dossier(**values, token=object())
    with pytest.raises((TypeError, ValueError)):
        dataclasses.replace(dossier, model=Digest.of(b"x"))
    with pytest.raises(TypeError):
        dossier.steps["audit"] = dossier.run


def test_pieces_of_another_story(world, story):
    """Steps and results that are not of the run are refused, not passed over."""
    other = world.evidence(world.seal_step("audit", {}, {"x": b"x"}))
    with pytest.raises(EvidenceError, match="not of this run"):
        assemble(**{**pieces(story), "steps": [*pieces(story)["steps"], other]})
    result = TestResult(Results(), "assess", Digest.of(b"figures"))
    stray = world.evidence(seal(result.statement([Subject("model", Digest.of(MODEL))]), world.builder))
    with pytest.raises(EvidenceError, match="not of this run"):
        assemble(**{**pieces(story), "results": [*pieces(story)["results"], stray]})


def test_another_run(world, story):
    """The release names its run."""
    other = seal(replace(story.summary, run="run-2").statement([Subject("model", Digest.of(MODEL))]), world.builder)
    with pytest.raises(MissingEvidenceError, match="the evidence of the run"):
        assemble(**{**pieces(story), "run": world.evidence(other)})


def test_another_trust_root(world, story):
    """Pieces that were verified under different roots do not mix."""
    other = world.root(trial=True)
    stray = verify_envelope(story.steps[0], other, "builder")
    given = pieces(story)
    with pytest.raises(SignatureError, match="different trust roots"):
        assemble(**{**given, "steps": [stray, *given["steps"][1:]]})


def test_another_role(world, story):
    """Evidence verified for another role does not count as the builder's."""
    everybody = [world.alice.public, world.bob.public, world.builder.public]
    trust = world.root(
        roles={"root": everybody[:2], "builder": [world.builder.public], "approver": [world.builder.public]}
    )

    def under(envelope, role="builder"):
        return verify_envelope(envelope, trust, role)

    steps = [under(step) for step in story.steps]
    good = (under(story.run), steps, [under(story.result)])
    assert assemble(under(story.release), *good).model == Digest.of(MODEL)
    with pytest.raises(SignatureError, match="signed as builder"):
        assemble(under(story.release, "approver"), *good)
    with pytest.raises(SignatureError, match="signed as builder"):
        assemble(under(story.release), good[0], [under(story.steps[0], "approver"), *steps[1:]], good[2])


def test_types_are_not_confused(story):
    """A run is not taken for a release."""
    given = pieces(story)
    with pytest.raises(MalformedError):
        assemble(**{**given, "release": given["run"]})


def test_a_step_under_another_name_or_origin(world, story):
    """The run cannot call a custom step built in, nor one step another."""
    for wrong in (
        RunStep("audit", Origin.BUILT_IN, story.steps[0].digest, cached=False),
        RunStep("ingest", Origin.CUSTOM, story.steps[0].digest, cached=False),
    ):
        with pytest.raises(EvidenceError, match="the run calls"):
            assemble(**retold(story, steps=(wrong, *story.summary.steps[1:])))


def test_an_input_from_nowhere(world, story):
    """An undeclared source, or an artifact used before it was made, is refused by name."""
    with pytest.raises(EvidenceError, match="'source:source' of step 'ingest' is neither"):
        assemble(**retold(story, sources=()))
    backwards = retold(story, steps=(story.summary.steps[1], story.summary.steps[0], story.summary.steps[2]))
    with pytest.raises(EvidenceError, match="'raw:raw' of step 'train' is neither"):
        assemble(**backwards)


@pytest.mark.parametrize(
    ("step", "document", "subject", "message"),
    [
        ("assess", b"other figures", MODEL, "no output"),
        ("assess", b"figures", b"another model", "neither took nor made"),
        ("audit", b"figures", MODEL, "one result at most"),
    ],
)
def test_results_from_elsewhere(story, step, document, subject, message):
    """Results are read from an output of their step and speak of what it saw."""
    result = TestResult(Results(), step, Digest.of(document))
    sealed = seal(result.statement([Subject("model", Digest.of(subject))]), story.world.builder)
    given = retold(story, results=(sealed.digest,))
    with pytest.raises(EvidenceError, match=message):
        assemble(**{**given, "results": [story.world.evidence(sealed)]})


def test_two_results_of_one_step(world, story):
    """A second opinion under the same step's name is refused."""
    second = seal(
        TestResult(Results(), "assess", Digest.of(b"figures")).statement([Subject("model", Digest.of(MODEL))]),
        world.builder,
    )
    given = retold(story, results=(story.result.digest, second.digest))
    with pytest.raises(EvidenceError, match="one result at most"):
        assemble(**{**given, "results": [world.evidence(story.result), world.evidence(second)]})


@pytest.mark.parametrize(
    ("subjects", "error", "message"),
    [
        ({"card": b"{}"}, MissingEvidenceError, "names no model"),
        ({"model": b"a swapped model"}, EvidenceError, "no step of the run made the model"),
        ({"model": b"csv"}, EvidenceError, "no step of the run made the model"),
        ({"model": MODEL, "card": b"a prettier card"}, EvidenceError, "no step of the run made the card"),
    ],
)
def test_artifacts_from_elsewhere(world, story, subjects, error, message):
    """A release names what the run made; a source is no model."""
    named = [Subject(name, Digest.of(data)) for name, data in subjects.items()]
    release = seal(ReleaseInfo("people", 3, story.run.digest).statement(named), world.builder)
    with pytest.raises(error, match=message):
        assemble(**{**pieces(story), "release": world.evidence(release)})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "other"}, "not about people version 3"),
        ({"version": 4}, "not about people version 3"),
        ({"model": Digest.of(b"other")}, "another model"),
        ({"evidence": Digest.of(b"other")}, "other evidence"),
    ],
)
def test_decisions_about_something_else(story, changes, message):
    """An approval cannot be carried over to another version, model or set of evidence."""
    with pytest.raises(EvidenceError, match=message):
        story.dossier(story.decision(**changes))


def test_a_replayed_decision(story):
    """The same approval twice is not two."""
    approval = story.decision()
    again = story.decision(reason="the same nonce, worded differently")
    for pair in ((approval, approval), (approval, again)):
        with pytest.raises(EvidenceError, match="twice"):
            story.dossier(*pair)


def test_promotions_take_promoters(world, story):
    """Bob may approve, and may not promote."""
    assert story.dossier(story.decision("promotion", world.alice)).decisions[0].persons == ("alice",)
    with pytest.raises(SignatureError):
        story.dossier(story.decision("promotion", world.bob))
