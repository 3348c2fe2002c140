"""Commands that are typed wrong."""

from __future__ import annotations

import pytest

from journey.shell import ONE_SCREEN, Shell

WRONG = {
    "rn": ["there is no command 'rn'", "did you mean `stockade run`?"],
    "fly": ["there is no command 'fly'", "`stockade --help` lists"],
    "help fly": ["there is no command 'fly'"],
    "run --quite": ["unrecognized arguments: --quite", "`stockade run --help`"],
    "init": ["required: source, --target", "`stockade init --help`"],
    "promote x --to staging": ["version", "'x'"],
    "promote 1 --to heaven": ["heaven", "staging"],
    "explain Z999": ["no error 'Z999'", "explain all"],
    "data clean people.csv --target employed": ["needs --output"],
    "data audit people.csv": ["needs a schema or a target"],
    "data validate people.csv --schema nope.toml": ["no such schema file", "nope.toml"],
    "data anonymise people.csv --pseudonymise id --key-file nokey --output o.csv": ["nokey", "--key-file"],
    "data clean people.csv --target employed --output x.xls": ["cannot tell the format of 'x.xls'"],
    "init people.csv --target employed --folder new --persons a a": ["two different persons"],
    "init people.csv --target employed --folder new --persons builder ana": ["no person can be called 'builder'"],
    "init people.csv --target employed --folder new --persons ana ../ben": ["'../ben' cannot be the name"],
    "init people.csv --target employed --folder new --name ../people": ["cannot name a model"],
    "run --project /nonexistent": ["no stockade.toml", "/nonexistent"],
    "run --sarif missing/findings.sarif": ["no such folder", "missing", "--sarif"],
}


@pytest.mark.parametrize("typed", WRONG)
def test_what_is_typed_wrong_exits_2_and_says_what_was_meant(shell: Shell, typed: str) -> None:
    """A slip of the fingers is one screen with exit code 2, and changes nothing."""
    shell.refused(typed, "C10" + ("1" if "nonexistent" in typed else "0"), *WRONG[typed])
    assert not (shell.folder / "new").exists()


def test_no_arguments_show_the_commands(shell: Shell) -> None:
    """Nothing typed shows what can be typed, and is not a success."""
    assert shell.types() == 2
    out, err = shell.read()
    assert "stockade COMMAND" in out
    assert not err


def test_a_target_needs_a_name(shell: Shell) -> None:
    """An empty target is refused as an option, not as a line of a file that does not exist yet."""
    shell.refused(
        ("init", "people.csv", "--target", "", "--folder", "new"), "C100", "the target has no name", "--target"
    )


MISSING = {
    "promote 9 --to staging": ("E103", ["no version 9"]),
    "report 9": ("E103", ["no version 9"]),
    "bundle 9": ("E103", ["no version 9"]),
    "show nothing": ("C100", ["no 'nothing' here"]),
    "verify nowhere.stockade": ("E103", ["no such file", "nowhere.stockade"]),
    "verify people.csv": ("E106", ["people.csv"]),
    "predict nowhere.csv": ("D101", ["no such file"]),
    "data profile .": ("D101", ["is a folder"]),
}


@pytest.mark.parametrize("typed", MISSING)
def test_things_that_are_not_there_are_named(shell: Shell, typed: str) -> None:
    """A version, file or step that does not exist is named, with what there is instead."""
    code, said = MISSING[typed]
    shell.refused(typed, code, *said)


def test_nothing_was_run_yet(bare: Shell) -> None:
    """Outside a project every command says how to make one."""
    for typed in ("run", "status", "report", "promote 1 --to staging", "serve"):
        bare.refused(typed, "C101", "no stockade.toml here", "stockade init")


def test_errors_in_json_are_one_document(shell: Shell) -> None:
    """With ``--json`` an error is a JSON document on standard output and keeps its exit code."""
    import json

    assert shell.types("show", "nothing", "--json") == 2
    out, err = shell.read()
    assert json.loads(out)["error"]["code"] == "C100"
    assert not err


def test_a_defect_of_ours_is_one_screen(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw says where it arose and how to report it, without a traceback."""
    monkeypatch.setattr("stockade.workspace.project.Project.status", lambda _self: 1 // 0)
    shown = shell.refused("status", "V109", "ZeroDivisionError", "STOCKADE_TRACEBACK=1")
    assert "test_typing.py" in shown
    monkeypatch.setenv("STOCKADE_TRACEBACK", "1")
    assert shell.types("status") == 3
    assert "Traceback" in shell.read().err


def test_help_of_every_command_is_one_screen_or_two(shell: Shell) -> None:
    """Each command explains itself and shows a line that works."""
    from stockade.cli.verbs import VERBS

    for verb in VERBS:
        out = shell.works("help", verb.name)
        assert verb.example in out
        assert len(out.splitlines()) <= 2 * ONE_SCREEN
