"""Slips in the files that a person edits: stockade.toml, schema.toml, policy/ and trust.json."""

from __future__ import annotations

import shutil

import pytest

from journey.shell import Shell
from stockade.train.scoring import METRICS as KNOWN_METRICS
from stockade.workspace.config import METRICS

CONFIGURATION = {
    "section": ("[train]", "[trian]", ["no section [trian]", "did you mean 'train'?", "stockade.toml:8"]),
    "key": ("trials", "trails", ["[train] has no key 'trails'", "did you mean 'trials'?", "stockade.toml:9"]),
    "type": ("trials = 0", 'trials = "0"', ["trials must be a whole number", "without quotation marks"]),
    "text": ('name = "people"', "name = 3", ["name must be text", "between quotation marks"]),
    "list": ('["linear"]', '"linear"', ["trainers must be a list of texts", "stockade.toml:10"]),
    "range": ("folds = 3", "folds = 1", ["folds = 1 is out of range", "choose 2 to 20"]),
    "not a number": ("folds = 3", "test_share = nan", ["test_share = nan is out of range"]),
    "trainer": ('"linear"', '"liner"', ["no trainer 'liner'", "did you mean 'linear'?"]),
    "metric": ("folds = 3", 'metric = "acuracy"', ["no metric 'acuracy'", "did you mean 'accuracy'?"]),
    "mode": ('"production"', '"prod"', ["'prod' is not a mode", "research, production"]),
    "name": ('name = "people"', 'name = "../people"', ["cannot name a model", "stockade.toml:2"]),
    "owner": ("[project]", '[project]\nowner = "zed"', ["'zed' is no person", "it knows ana, ben"]),
    "toml": ("[train]", "[train", ["not valid TOML", "stockade.toml:8"]),
    "twice": ("trials = 0", "trials = 0\ntrials = 1", ["not valid TOML", "stockade.toml"]),
    "no source": ('source = "people.csv"', "", ["[data] needs the key 'source'"]),
    "step": ("[train]", "[steps.foo]\na = 1\n[train]", ["[steps.foo] belongs to no function"]),
    "other target": ('"employed"', '"age"', ["the target is 'age'", "'employed' in schema.toml"]),
    "sensitive": ("[data]", '[data]\nsensitive = ["agee"]', ["'agee'", "no column", "did you mean 'age'?"]),
    "sensitive later": ("[data]", '[data]\nsensitive = ["age"]', ["sensitive names 'age'", "schema.toml"]),
    "exclude later": ("[data]", '[data]\nexclude = ["age"]', ["exclude names 'age'", "role 'feature'", ":5"]),
    "time later": ("[data]", '[data]\ntime = "age"', ["time names 'age'", "role 'feature'"]),
}


@pytest.mark.parametrize("slip", CONFIGURATION)
def test_a_slip_in_the_configuration_is_named_with_its_line(shell: Shell, slip: str) -> None:
    """A wrong section, key, type or value, or one that contradicts the schema, stops the run before it starts."""
    old, new, said = CONFIGURATION[slip]
    shell.edit("stockade.toml", old, new)
    shell.refused("run", "C100", "stockade.toml", *said)


def test_metrics_of_the_configuration_are_those_of_training() -> None:
    """What may be named is what can be computed."""
    assert set(METRICS) == {"auto", *KNOWN_METRICS}


CONDITIONS = {
    "age > > 3": ("C100", ["cannot be used", "age > > 3", "SQL"]),
    "agee > 3": ("C100", ["cannot be used", '"agee"']),
    "age > 3000": ("D104", ["no valid row satisfies"]),
    "employed = '1'": ("D104", ["class '0' has no row left"]),
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions_that_select_nothing_useful_are_refused(shell: Shell, condition: str) -> None:
    """A condition that cannot be read, or leaves no row or no second class, ends the run with a sentence."""
    code, said = CONDITIONS[condition]
    shell.edit("stockade.toml", "[data]", f'[data]\nwhere = "{condition}"')
    shell.refused("run", code, *said)


FILES = {
    "stockade.toml": (b'[data]\nsource = "\xf6"', "C100", ["stockade.toml", "not UTF-8"]),
    "schema.toml": (b"\xff\xfe", "C100", ["schema.toml:1", "not UTF-8"]),
    "policy/policy.toml": (b"format = 1\n[thresholds\n", "C100", ["policy/policy.toml:2", "not TOML"]),
    "policy/own.cedar": (b"permit( foo", "A100", ["own.cedar", "not Cedar"]),
    "trust.json": (b"{}", "E106", ["trust.json"]),
    "people.csv": (b"", "D101", ["the file is empty", "people.csv"]),
    ".stockade/catalogue.sqlite": (b"no database at all, but a text", "E106", ["catalogue", "restore it"]),
}


@pytest.mark.parametrize("name", FILES)
def test_files_overwritten_with_rubbish_are_named(shell: Shell, name: str) -> None:
    """Each file that a project is made of is named when it holds what it cannot hold."""
    content, code, said = FILES[name]
    shell.file(name, content)
    shell.refused("run", code, *said)


REMOVED = {
    "trust.json": ("C100", ["no root of trust", "trust.json"]),
    "policy": ("C100", ["no policy", "policy/policy.toml"]),
    "people.csv": ("D101", ["no such file", "people.csv", "`source` in stockade.toml"]),
    ".stockade": ("E104", ["checkpoint is gone"]),
    ".stockade/catalogue.sqlite": ("E104", ["the catalogue"]),
}


@pytest.mark.parametrize("name", REMOVED)
def test_files_that_went_missing_are_named(shell: Shell, name: str) -> None:
    """Each file or folder that a project needs is named when it is gone; no default takes the place of a policy."""
    code, said = REMOVED[name]
    path = shell.folder / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    for journal in shell.folder.glob(".stockade/catalogue.sqlite-*"):
        journal.unlink()
    shell.refused("run", code, *said)


SCHEMA = {
    "toml": ("[columns.age]", "[columns.age", ["schema.toml:", "not TOML"]),
    "kind": ('kind = "integer"', 'kind = "integr"', ["'integr'", "did you mean 'integer'?", "schema.toml:"]),
    "target": ('target = "employed"', 'target = "zed"', ["'zed' is not among the columns", "schema.toml:"]),
    "bounds": ("minimum = 0", "minimum = 5000", ["minimum 5000 is greater than maximum"]),
    "format": ("format = 1", "format = 9", ["format must be 1"]),
}


@pytest.mark.parametrize("slip", SCHEMA)
def test_a_slip_in_the_schema_is_named_with_its_line(shell: Shell, slip: str) -> None:
    """A schema that says what cannot be stops the run before it starts."""
    old, new, said = SCHEMA[slip]
    shell.edit("schema.toml", old, new)
    shell.refused("run", "C100", *said)


POLICY = {
    "figure": ('"> baseline.auc"', '"> baselin.auc"', ["no figure 'baselin.auc'", "did you mean 'baseline.auc'?"]),
    "operator": ('"> baseline.auc"', '"~ 3"', ["'~' is not an operator"]),
    "section": ("[thresholds]", "[treshold]", ["section 'treshold'", "did you mean 'thresholds'?"]),
}


@pytest.mark.parametrize("slip", POLICY)
def test_a_slip_in_the_policy_is_named_with_its_line(shell: Shell, slip: str) -> None:
    """A policy that says what cannot be stops the run before any step is run for it."""
    old, new, said = POLICY[slip]
    shell.edit("policy/policy.toml", old, new)
    shell.refused("run", "C100", "policy/policy.toml:", *said)


def test_schema_and_source_must_fit(shell: Shell) -> None:
    """A column that the schema names and the source lacks is named with the one that was probably meant."""
    shell.edit("schema.toml", "[columns.age]", "[columns.agee]")
    shell.refused("run", "D103", "no column 'agee'", "the table has 'age'")
    shell.edit("schema.toml", "[columns.agee]", "[columns.age]")
    shell.edit("people.csv", "age,hours", "aage,hours")
    shell.refused("run", "D103", "no column 'age'", "the table has 'aage'")
    shell.edit("people.csv", "aage,hours", "age,hours")
    shell.works("run")


def test_one_class_after_quarantine_is_refused(shell: Shell) -> None:
    """When quarantine takes all rows of a class, the run says which, and bounds put right let it work again."""
    rows = (shell.folder / "people.csv").read_text().splitlines()
    spoilt = [rows[0], *(f"{row[:-1]}0" if row.endswith("1") else row for row in rows[1:])]
    good = shell.folder / "people.csv"
    before = good.read_text()
    shell.file("people.csv", "\n".join(spoilt) + "\n")
    shell.refused("run", "D104", "class '1' has no row left", "bring more rows of that class")
    good.write_text(before)
    shell.works("run")


def test_a_source_that_is_now_a_folder_is_named(shell: Shell) -> None:
    """A folder in the place of the source is told from a missing file."""
    (shell.folder / "people.csv").unlink()
    (shell.folder / "people.csv").mkdir()
    shell.refused("run", "D101", "is a folder")
