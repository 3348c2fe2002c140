"""The example projects run as their pages say."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path

import pytest

import stockade
from docs.reading import ROOT, blocks, commands
from docs.test_snippets import prepared, typed
from stockade.evidence.bundle import verify_bundle
from stockade.model.session import Model

EXAMPLES = ("custom", "custom_trainer")


@pytest.fixture(scope="module", params=EXAMPLES)
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of an example in which the commands of its page were typed."""
    base = prepared(tmp_path_factory.mktemp(request.param))
    shutil.copytree(ROOT / "examples" / request.param, base, dirs_exist_ok=True)
    (page,) = [block for block in blocks(base / "README.md") if block.language == "console"]
    for line in commands(page):
        typed(line, base)
    (base / "which").write_text(request.param)
    return base


def test_the_example_is_admitted_and_says_what_is_custom(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps of steps.py and no others are custom, each has evidence, and the version passes the shipped policy."""
    monkeypatch.setenv("STOCKADE_HOME", str(example / "home"))
    run = stockade.open(example).run()
    assert run.verdict.allowed
    own = {"custom": {"clean", "consistency"}, "custom_trainer": {"train"}}[(example / "which").read_text()]
    assert {step.name for step in run.steps if step.origin == "custom"} == own
    assert all(step.cached for step in run.steps)
    found = stockade.open(example).bundle(1, example / "proof.stockade")
    report = verify_bundle(found, stockade.open(example).trust)
    assert any(all(name in line for name in own) and "custom" in line for line in (*report.proven, *report.unproven))


def test_an_added_check_is_attested_and_can_block(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result of the added check is in the evidence; named in the policy, a failure of it refuses."""
    if (example / "which").read_text() != "custom":
        pytest.skip("about the other example")
    monkeypatch.setenv("STOCKADE_HOME", str(example / "home"))
    settings = example / "stockade.toml"
    settings.write_text(settings.read_text().replace("most = 0.01", "most = -1.0"))
    policy = example / "policy" / "policy.toml"
    policy.write_text(
        policy.read_text().replace('forbid_failed = ["audit"]', 'forbid_failed = ["audit", "consistency"]')
    )
    run = stockade.open(example).run()
    assert [ruling.rule for ruling in run.verdict.refused] == ["findings.consistency"]
    assert "consistency.unmarried_spouses" in {finding.rule for finding in run.findings}


def test_a_parameter_of_an_own_step_reaches_it(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another value in [steps.NAME] repeats the step, and its provenance holds the value."""
    monkeypatch.setenv("STOCKADE_HOME", str(example / "home"))
    name, key, value = {"custom": ("clean", "diploma", 20), "custom_trainer": ("train", "hidden", 5)}[
        (example / "which").read_text()
    ]
    settings = example / "stockade.toml"
    text = settings.read_text()
    old = next(line for line in text.splitlines() if line.startswith(f"{key} ="))
    settings.write_text(text.replace(old, f"{key} = {value}"))
    run = stockade.open(example).run()
    assert name not in {step.name for step in run.steps if step.cached}
    assert f"{key} = {value}" in typed(f"stockade show {name}", example)


def test_the_own_trainers_model_is_complete(example: Path) -> None:
    """The network's file carries its preprocessing: it takes the columns by name, missing and unseen values included."""
    if (example / "which").read_text() != "custom_trainer":
        pytest.skip("about the other example")
    status = json.loads(typed("stockade status --json", example))
    typed("stockade bundle 1 --output model.zip", example)
    typed("unzip -q -o model.zip artifacts/model.onnx || python3 -m zipfile -e model.zip .", example)
    model = Model((example / "artifacts" / "model.onnx").read_bytes())
    assert status["versions"][0]["version"] == 1
    model.probe()
    assert {feature.name for feature in model.signature.features} >= {"age", "sex", "relationship"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_short_and_carry_their_notice(name: str) -> None:
    """A function of an example has at most 25 lines, and the data has its notice beside it."""
    folder = ROOT / "examples" / name
    functions = [
        item for item in ast.parse((folder / "steps.py").read_text()).body if isinstance(item, ast.FunctionDef)
    ]
    assert all((item.end_lineno or 0) - item.lineno + 1 <= 25 for item in functions)
    assert "Public domain" in (folder / "NOTICE.md").read_text()
    assert (folder / "people.csv").stat().st_size < 100_000
