"""The bill of materials keeps to the rules of CycloneDX 1.6, and says no more than the card."""

from __future__ import annotations

import json
import re

import pytest

from stockade.assess.bom import DataPart, bill_of_materials
from stockade.assess.card import ModelCard, build_card, describe
from stockade.assess.card_text import to_markdown
from stockade.schema.column import Column, Kind, Role, Schema
from stockade.types.digest import Digest
from stockade.types.record import from_plain, to_plain
from stockade.types.results import Figure
from stockade.types.scorecard import Candidate, Group, Leaderboard, Scorecard, Slice, Task

HOSTILE = "<script>alert(1)</script> | `x` [a](http://b) \n# title"
MODEL = Digest.of(b"model")

# Keys of the objects that are written, from the schema of CycloneDX 1.6; each of them allows no others.
ALLOWED = {
    "bom": {"bomFormat", "specVersion", "serialNumber", "version", "metadata", "components", "dependencies"},
    "component": {
        "type", "bom-ref", "name", "version", "description", "mime-type", "hashes", "modelCard", "purl", "data",
    },
    "modelCard": {"modelParameters", "quantitativeAnalysis", "considerations"},
    "modelParameters": {"approach", "task", "datasets", "inputs", "outputs"},
    "performanceMetric": {"type", "value", "slice", "confidenceInterval"},
    "considerations": {"useCases", "technicalLimitations", "fairnessAssessments"},
    "fairness": {"groupAtRisk", "benefits", "harms", "mitigationStrategy"},
    "data": {"type", "name", "contents", "sensitiveData", "description"},
}  # fmt: skip


def card(purpose: str = "For tests only.", name: str = "people") -> ModelCard:
    schema = Schema(
        (
            Column("id", Kind.INTEGER, Role.IDENTIFIER),
            Column("x", Kind.REAL, nullable=True),
            Column("sex", Kind.CATEGORY, sensitive=True),
            Column("y", Kind.CATEGORY, Role.TARGET, categories=("no", "yes")),
        ),
        "y",
        Task.BINARY,
    )
    scorecard = Scorecard(
        task=Task.BINARY,
        metric="auc",
        rows=100,
        classes=("no", "yes"),
        figures=(
            Figure("auc", 0.8, 0.7, 0.9, 100),
            Figure("baseline.auc", 0.5),
            Figure("tpr_gap.sex", 0.25, 0.1, None),
        ),
        groups=(
            Group("sex", HOSTILE, 90, (Figure("tpr", 0.5, 0.4, 0.6),)),
            Group("sex", "m", 10, (Figure("tpr", 0.25, 0.1, 0.5),), small=True),
        ),
        slices=(Slice("x < 1", 40, Figure("accuracy", 0.6, 0.5, 0.7), 0.8, 0.01),),
        notes=("Measured with care.",),
    )
    best = Candidate("lightgbm, searched", "lightgbm", (), (0.8, 0.9), 0.85, 0.05, 1.0, chosen=True, note="20 trials")
    linear = Candidate("linear", "linear", (), (0.7, 0.7), 0.7, 0.0, 1.0)
    plan = {"seed": 3, "folds": {"rounds": 5, "ordered": False}, "calibration": {"method": "isotonic"}}
    return build_card(
        name,
        scorecard,
        schema,
        purpose=purpose,
        leaderboard=Leaderboard("auc", maximize=True, candidates=(best, linear)),
        plan=plan,
    )


def bom(**changes):
    parts = [DataPart("training", Digest.of(b"a"), 80, "Rows for training."), DataPart("testing", Digest.of(b"b"))]
    packages = [("onnxruntime", "1.31.1"), ("Lightgbm_Extra", "4.7.0+local"), ("onnxruntime", "1.31.1")]
    return bill_of_materials(card(), MODEL, **({"data": parts, "packages": packages} | changes))


def test_objects_have_the_keys_that_the_format_knows():
    """Every object is of the format's shape; keys it does not know would be refused by other readers."""
    found = bom(version="3")
    component = found["metadata"]["component"]
    model_card = component["modelCard"]
    assert found.keys() <= ALLOWED["bom"]
    assert found["version"] == 1
    for item in (component, *found["components"]):
        assert item.keys() <= ALLOWED["component"]
    assert model_card.keys() <= ALLOWED["modelCard"]
    assert model_card["modelParameters"].keys() <= ALLOWED["modelParameters"]
    assert model_card["considerations"].keys() <= ALLOWED["considerations"]
    for assessment in model_card["considerations"]["fairnessAssessments"]:
        assert assessment.keys() <= ALLOWED["fairness"]
    for item in found["components"]:
        for part in item.get("data", ()):
            assert part.keys() <= ALLOWED["data"]
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", found["serialNumber"])


def test_figures_are_text_with_their_intervals():
    """The format wants numbers as text; an open end is left out, a group and a slice are named."""
    metrics = bom()["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    for metric in metrics:
        assert metric.keys() <= ALLOWED["performanceMetric"]
        assert isinstance(metric["value"], str)
    assert metrics[0] == {
        "type": "auc",
        "value": "0.8",
        "confidenceInterval": {"lowerBound": "0.7", "upperBound": "0.9"},
    }
    assert metrics[2]["confidenceInterval"] == {"lowerBound": "0.1"}
    assert [metric.get("slice") for metric in metrics][-2:] == ["sex = m", "x < 1"]


def test_references_resolve_and_are_unique():
    """Every reference has one component; the model depends on all of them."""
    found = bom()
    root = found["metadata"]["component"]["bom-ref"]
    refs = [item["bom-ref"] for item in found["components"]]
    assert len({root, *refs}) == len(refs) + 1 == 5
    tree = {item["ref"]: item.get("dependsOn", []) for item in found["dependencies"]}
    assert tree.keys() == {root, *refs}
    assert sorted(tree[root]) == sorted(refs)
    used = found["metadata"]["component"]["modelCard"]["modelParameters"]["datasets"]
    assert all(item["ref"] in refs for item in used)
    assert "pkg:pypi/lightgbm-extra@4.7.0%2Blocal" in refs


def test_equal_content_gives_equal_bytes_and_other_content_another_number():
    """No clock and no chance enter; the serial number stands for the content."""
    first = json.dumps(bom(), sort_keys=True)
    assert first == json.dumps(bom(), sort_keys=True)
    assert "timestamp" not in first
    numbers = {
        bom()["serialNumber"],
        bom(version="2")["serialNumber"],
        bom(timestamp="2026-01-01T00:00:00Z")["serialNumber"],
        bom(packages=[])["serialNumber"],
    }
    assert len(numbers) == 4
    assert bom(timestamp="2026-01-01T00:00:00Z")["metadata"]["timestamp"] == "2026-01-01T00:00:00Z"


def test_the_card_survives_json():
    """A card is a record like any other."""
    assert from_plain(ModelCard, json.loads(json.dumps(to_plain(card())))) == card()


def test_the_card_tells_what_was_measured_and_what_was_not():
    """Purpose, competitors, calibration, small groups, the weakest part and the widest gap are in the words."""
    text = to_markdown(card())
    for told in (
        "For tests only.",
        "lightgbm, searched won by auc 0.85",
        "linear 0.7",
        "isotonic",
        "Too few test rows to judge: sex = m",
        r"weakest where x \< 1",
        "tpr_gap.sex: 0.25 (0.1 to …)",
        "Identifiers, not used: id",
        "Measured with care.",
    ):
        assert told in text, told
    assert "Its owner has not stated a purpose" in to_markdown(card(purpose=""))
    assert describe(Figure("x", 0.5)) == "0.5"


@pytest.mark.parametrize("place", ["group", "name", "purpose"])
def test_nothing_from_outside_becomes_markup(place):
    """A group value, name or purpose with markup in it is shown as it is, on its line."""
    written = {"group": card(), "name": card(name=HOSTILE), "purpose": card(purpose=HOSTILE)}[place]
    text = to_markdown(written)
    for line in text.splitlines():
        assert not re.search(r"(?<!\\)<script", line)
        assert not re.search(r"(?<!\\)\]\(", line)
        assert not line.startswith("# title")
    assert r"\<script\>" in text
