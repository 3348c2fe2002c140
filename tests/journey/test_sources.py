"""Files that cannot be used: `init` says what is wrong with them, and leaves nothing behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conftest import write_people
from journey.shell import Shell


def lines(shell: Shell, rows: int = 120) -> list[str]:
    """The header and rows of a good file."""
    return write_people(shell.folder.parent / "good.csv", rows).read_text().splitlines()


def with_column(shell: Shell, position: int, values: list[str]) -> str:
    """A good file with the values of one column replaced in turn; ``""`` makes a cell empty, ``None`` keeps it."""
    header, *rows = lines(shell)
    changed = [header]
    for number, row in enumerate(rows):
        cells = row.split(",")
        cells[position] = values[number % len(values)]
        changed.append(",".join(cells))
    return "\n".join(changed) + "\n"


FILES = {
    "empty": (b"", "D101", ["the file is empty", "people.csv"]),
    "utf-16": ("id,age,employed\n1,2,0\n".encode("utf-16"), "D101", ["UTF-16", "iconv -f UTF-16"]),
    "latin-1": ("id,ort,employed\n1,Köln,0\n".encode("latin-1"), "D101", ["not UTF-8", "people.csv:2", "iconv"]),
    "all ragged": (b"a,b,employed\n1,2\n3,4\n", "D101", ["no line is a record", "2 fields where the header has 3"]),
    "open quote": (b'id,name,employed\n1,"ana,0\n2,ben,1\n', "D101", ["never closed", "people.csv:2"]),
    "names twice": (b"id,age,age,employed\n1,2,3,0\n", "D103", ["two columns are named 'age'", "columns 2 and 3"]),
    "three rows": (b"id,age,employed\n1,20,0\n2,30,1\n3,40,0\n", "D104", ["only 3 rows", "bring more rows"]),
}


@pytest.mark.parametrize("kind", FILES)
def test_files_that_are_no_table_are_refused_and_leave_nothing(bare: Shell, kind: str) -> None:
    """A file that is empty, foreign, damaged or too small ends `init` with its name and a remedy, and no trace."""
    content, code, said = FILES[kind]
    bare.file("people.csv", content)
    bare.refused("init people.csv --target employed", code, *said)
    assert [path.name for path in bare.folder.iterdir()] == ["people.csv"]
    assert not list((bare.folder.parent / "home").glob("keys/*"))


OTHERS = {
    "x.parquet": (b"id,employed\n1,0\n", "D101", ["not a Parquet file, whatever its name says"]),
    "y.parquet": (b"PAR1" + bytes(64), "D101", ["Parquet file cannot be read", "cut off"]),
    "z.jsonl": (b'{"a": 1, "b": {"c": 2}, "employed": 0}\n' * 30, "D103", ["'b' holds objects", "row 1", "flatten"]),
    "list.json": (b'[{"a": 1}]', "D101", ["one JSON list", "one object a line"]),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_formats_are_told_by_content(bare: Shell, name: str) -> None:
    """A file whose content is not what its name says, or is nested, is refused with what it is."""
    content, code, said = OTHERS[name]
    bare.file(name, content)
    bare.refused(f"init {name} --target employed", code, name, *said)
    assert [path.name for path in bare.folder.iterdir()] == [name]


def test_paths_that_are_no_file_are_refused_at_once(bare: Shell) -> None:
    """A missing file, a misspelt one and a folder are told apart before any process is started."""
    bare.refused("init nowhere.csv --target employed", "D101", "no such file", "nowhere.csv", "check the name")
    bare.file("people.csv", "a,employed\n1,2\n")
    bare.refused("init poeple.csv --target employed", "D101", "did you mean people.csv?")
    bare.refused("init . --target employed", "D101", "is a folder", "name a file inside it")
    bare.refused("init people.csv --target employed --folder people.csv", "C100", "the project's folder is a file")
    assert [path.name for path in bare.folder.iterdir()] == ["people.csv"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not read a file")
def test_an_unreadable_file_is_refused(bare: Shell) -> None:
    """A file that the user may not read is refused as that, and not as a defect."""
    path = write_people(bare.folder / "people.csv", 30)
    path.chmod(0o600)
    shown = [folder for folder in (bare.folder, *bare.folder.parents) if folder.stat().st_mode & 0o005 != 0o005]
    modes = {folder: folder.stat().st_mode for folder in shown}
    for folder in shown:
        folder.chmod(0o755)
    os.seteuid(65534)
    try:
        status = bare.types("init", "people.csv", "--target", "employed")
    finally:
        os.seteuid(0)
        for folder, mode in modes.items():
            folder.chmod(mode)
    from journey.shell import mannered

    mannered(bare.read(), status, "D101", "permission denied", "people.csv")


TARGETS = {
    "absent": ("employd", None, "D102", ["no column 'employd'", "did you mean 'employed'?"]),
    "far off": ("salary", None, "D102", ["no column 'salary'", "name one of: id, age, hours, region, employed"]),
    "constant": ("employed", ["1"], "D102", ["one value, 1, in all rows"]),
    "all null": ("employed", [""], "D102", ["no row has a value of the target 'employed'"]),
    "names": ("employed", [f"n{number}" for number in range(120)], "D102", ["120 different values"]),
}


@pytest.mark.parametrize("kind", TARGETS)
def test_targets_that_teach_nothing_are_refused(bare: Shell, kind: str) -> None:
    """A target that is absent, constant, empty or without repetition is refused with advice, and nothing is left."""
    target, values, code, said = TARGETS[kind]
    bare.file("people.csv", with_column(bare, 4, values) if values else "\n".join(lines(bare)) + "\n")
    bare.refused(f"init people.csv --target {target}", code, *said)
    assert [path.name for path in bare.folder.iterdir()] == ["people.csv"]


def test_after_a_refusal_the_next_init_works(bare: Shell) -> None:
    """What a refused `init` did is undone so far that the corrected command works in the same folder."""
    write_people(bare.folder / "people.csv", 120)
    bare.refused("init people.csv --target employd", "D102")
    out = bare.works("init", "people.csv", "--target", "employed")
    assert "made the project people" in out
    bare.refused("init people.csv --target employed", "C100", "a project already", "--folder")


def test_a_lost_configuration_is_not_taken_for_an_empty_folder(shell: Shell) -> None:
    """`init` refuses to put a new root of trust over the store of a project whose stockade.toml is gone."""
    (shell.folder / "stockade.toml").unlink()
    shell.refused("init people.csv --target employed", "C100", "a store already", "bring stockade.toml")


def test_bad_rows_are_set_aside_one_by_one(bare: Shell) -> None:
    """Ragged lines, infinite and unreadable numbers and rows without a target are quarantined; the others train."""
    header, *rows = lines(bare, 300)
    rows[3] += ",extra"
    rows[50] = rows[50].replace(f",{rows[50].split(',')[1]},", ",inf,", 1)
    rows[90] = rows[90].replace(f",{rows[90].split(',')[1]},", ",many,", 1)
    rows[120] = rows[120].rpartition(",")[0] + ","
    rows[200] = ",,,,"
    bare.file("people.csv", "\n".join([header, *rows]) + "\n")
    bare.works("init", "people.csv", "--target", "employed")
    quick(bare.folder)
    assert bare.types("run") == 0
    out, err = bare.read()
    assert not err
    shown = " ".join(out.split())
    for words in (
        "4 (", "6 fields where the header has 5", "51 age inf", "age must be finite", "91 age many",
        "121 employed", "201", "no column of the row has a value",
    ):  # fmt: skip
        assert words in shown.replace(" 4 ", " 4 (", 1), words


def quick(folder: Path) -> None:
    """Make runs of a project short."""
    from conftest import QUICK

    with (folder / "stockade.toml").open("a") as stream:
        stream.write(QUICK)
