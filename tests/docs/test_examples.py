"""The example projects run as their pages say."""

from __future__ import annotations

import ast
import json
import shutil
import zipfile
from pathlib import Path

import pytest

import stockade
from docs.reading import ROOT, blocks, commands
from docs.test_snippets import prepared, typed
from stockade.evidence.bundle import verify_bundle
from stockade.model.session import Model

EXAMPLES = ("custom", "custom_trainer")


def made(name: str, factory: pytest.TempPathFactory) -> Path:
    """A copy of an example in which the commands of its page were typed."""
    base = prepared(factory.mktemp(name))
    shutil.copytree(ROOT / "examples" / name, base, dirs_exist_ok=True)
    (page,) = [block for block in blocks(base / "README.md") if block.language == "console"]
    for line in commands(page):
        typed(line, base)
    return base


@pytest.fixture(scope="module")
def custom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with a replaced step and an added check."""
    return made("custom", tmp_path_factory)


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with a trainer of its own."""
    return made("custom_trainer", tmp_path_factory)


@pytest.mark.parametrize(("name", "own"), [("custom", {"clean", "consistency"}), ("trainer", {"train"})])
def test_the_example_is_admitted_and_says_what_is_custom(
    name: str, own: set[str], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The steps of steps.py and no others are custom, each has evidence, and the version passes the shipped policy."""
    example: Path = request.getfixturevalue(name)
    monkeypatch.setenv("STOCKADE_HOME", str(example / "home"))
    run = stockade.open(example).run()
    assert run.verdict.allowed
    assert {step.name for step in run.steps if step.origin == "custom"} == own
    found = stockade.open(example).bundle(run.version, example / "proof.stockade")
    report = verify_bundle(found, stockade.open(example).trust)
    assert any(all(name in line for name in own) and "own code" in line for line in (*report.proven, *report.unproven))


@pytest.mark.parametrize(
    ("name", "step", "line", "instead"),
    [("custom", "clean", "diploma = 16", "diploma = 20"), ("trainer", "train", "hidden = 8", "hidden = 5")],
)
def test_a_parameter_of_an_own_step_reaches_it(
    name: str, step: str, line: str, instead: str, request: pytest.FixtureRequest
) -> None:
    """Another value in [steps.NAME] repeats the step, and its provenance holds the value."""
    example: Path = request.getfixturevalue(name)
    settings = example / "stockade.toml"
    settings.write_text(settings.read_text().replace(line, instead))
    run = json.loads(typed("stockade run --json", example))
    assert step not in {item["name"] for item in run["steps"] if item["cached"]}
    assert instead in typed(f"stockade show {step}", example)


def test_an_added_check_is_attested_and_can_block(custom: Path) -> None:
    """Named in the policy, a failure of the added check refuses the promotion."""
    settings, policy = custom / "stockade.toml", custom / "policy" / "policy.toml"
    settings.write_text(settings.read_text().replace("most = 0.01", "most = -1.0"))
    policy.write_text(
        policy.read_text().replace('forbid_failed = ["audit"]', 'forbid_failed = ["audit", "consistency"]')
    )
    run = json.loads(typed("stockade run --json", custom))
    refused = [item["rule"] for item in run["verdict"]["rulings"] if item["verdict"] == "refused"]
    assert "findings.consistency" in refused
    assert "consistency.unmarried_spouses" in {finding["rule"] for finding in run["findings"]}


def test_the_own_trainers_model_is_complete(trainer: Path) -> None:
    """The network's file carries its preprocessing: it takes the columns by name."""
    typed("stockade bundle 1 --output model.zip", trainer)
    with zipfile.ZipFile(trainer / "model.zip") as archive:
        model = Model(archive.read("artifacts/model.onnx"))
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
