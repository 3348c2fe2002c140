"""The command line's manners: help, mistakes, exit codes, machine-readable errors, completion."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from stockade.cli.main import parser, run
from stockade.cli.verbs import VERBS


def test_help_lists_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    """The overview names each command once."""
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    for verb in VERBS:
        assert f"  {verb.name} " in shown


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_verb_explains_itself(verb: object, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command has help with its example, and options that all say what they do."""
    with pytest.raises(SystemExit) as ended:
        run([verb.name, "--help"])
    assert ended.value.code == 0
    assert verb.example.split()[1] in capsys.readouterr().out
    assert all(action.help for action in parser(verb.name)._actions)


def test_no_arguments_is_a_usage_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing typed shows the overview and exits 2."""
    assert run([]) == 2
    assert "start here" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rnu"], "stockade run"),
        (["run", "--projcet", "x"], "stockade run --help"),
        (["init", "people.csv"], "--target"),
        (["approve", "one"], "--help"),
        (["explain", "X999"], "explain all"),
    ],
)
def test_a_typing_mistake_exits_2_with_a_remedy(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was typed wrongly is named with what to type instead."""
    assert run(arguments) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert words in told


def test_errors_are_json_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--json`` turns an error into one line of JSON with code, place and remedy."""
    assert run(["status", "--project", str(tmp_path), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "C101"
    assert "stockade init" in error["remedy"]


def test_a_machine_that_cannot_exits_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the operating system refuses is the machine's fault, in one sentence."""
    file = tmp_path / "file"
    file.write_text("x")
    assert run(["init", str(file), "--target", "x", "--folder", str(file / "below")]) in {1, 2, 3}
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_names_every_verb(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The completion script of each shell knows all commands."""
    assert run(["completion", shell]) == 0
    script = capsys.readouterr().out
    for verb in VERBS:
        assert verb.name in script


def test_bash_completion_completes(capsys: pytest.CaptureFixture[str]) -> None:
    """Bash accepts the script and completes a verb and an option with it."""
    run(["completion", "bash"])
    script = capsys.readouterr().out
    trial = (
        f"{script}\n"
        "COMP_WORDS=(stockade wai) COMP_CWORD=1; _stockade; echo ${COMPREPLY[@]}\n"
        "COMP_WORDS=(stockade waive --rea) COMP_CWORD=2; _stockade; echo ${COMPREPLY[@]}\n"
    )
    result = subprocess.run(["bash", "-c", trial], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["waive", "--reason"]


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """``--version`` names program and version."""
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("stockade 0.")


@pytest.mark.parametrize(
    ("module", "code", "words"), [("rich", "V103", "pip install stockade"), ("stockade.cli.look", "V109", "report")]
)
def test_a_missing_library_is_no_defect(
    module: str, code: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a dependency was left out the error says what to install; a missing part of our own is a defect."""

    def missing(_name: str) -> None:
        raise ModuleNotFoundError(f"No module named '{module}'", name=module)

    monkeypatch.setattr("importlib.import_module", missing)
    assert run(["doctor", "--json"]) == 3
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == code
    assert words in error["remedy"]


def test_doctor_tells_what_holds(capsys: pytest.CaptureFixture[str]) -> None:
    """The doctor tries the sandbox and its exit code says whether steps can be confined."""
    code = run(["doctor", "--json"])
    checks = json.loads(capsys.readouterr().out)["checks"]
    needed = [check["holds"] for check in checks if check["name"] != "another user"]
    assert code == (0 if all(needed) else 3)
    assert len(checks) > 3
