"""Make a project: six lines of configuration, a trial root of trust, and nothing that would be overwritten."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stockade.errors import ConfigError
from stockade.pipeline.events import Event
from stockade.store.durable import write_atomically
from stockade.workspace import keyring, remembered
from stockade.workspace.config import FILE_NAME, parse
from stockade.workspace.files import source_file
from stockade.workspace.outcomes import Made
from stockade.workspace.running import SCHEMA_FILE, Pipeline
from stockade.workspace.wiring import TRUST_FILE, writing

_PERSON = re.compile(r"[^\W_][\w.@+ -]{0,99}")
_IGNORED = ".stockade/\nreport.html\n"


def init(
    folder: Path,
    source: Path,
    target: str,
    *,
    name: str = "",
    sensitive: tuple[str, ...] = (),
    time: str = "",
    mode: str = "research",
    objective: str = "",
    identifiers: tuple[str, ...] = (),
    persons: tuple[str, str] = ("owner", "reviewer"),
) -> Made:
    """Make a project in a folder; the schema and the policy are proposed from the data at once.

    Raises:
        ConfigError: there is a project already, or a name cannot be used.
        SourceUnreadableError: there is no such file.
        DataError: the data cannot be used; nothing is left behind.
    """
    if (folder / FILE_NAME).exists():
        raise ConfigError("there is a project already", where=str(folder / FILE_NAME), remedy="choose another --folder")
    if folder.exists() and not folder.is_dir():
        raise ConfigError("the project's folder is a file", where=str(folder), remedy="choose another --folder")
    source_file(source, remedy="check the name")
    if not target:
        raise ConfigError("the target has no name", where="--target", remedy="name the column to predict")
    _check_persons(persons)
    text = _configuration(folder, source, target, name, sensitive, time, mode, objective, identifiers)
    config = parse(text, folder / FILE_NAME)
    store = folder / config.workspace.folder
    if store.exists():
        raise ConfigError(
            "there is a store already, of a project whose stockade.toml is gone",
            where=str(store),
            remedy="bring stockade.toml and trust.json back, or remove the store",
        )
    new = (folder, store, folder / config.policy.folder, folder / ".gitignore")
    with _all_or_nothing((*new, *(folder / name for name in (SCHEMA_FILE, TRUST_FILE, FILE_NAME)))):
        folder.mkdir(parents=True, exist_ok=True)
        root = keyring.make_trial_root(persons)
        try:
            log = keyring.signer(root, keyring.LOG)
            with writing(store, root, log) as space:
                Pipeline(folder, config, space, persons[0]).propose(_ignore)
            write_atomically(folder / TRUST_FILE, root.data, mode=0o644)
            if not (folder / ".gitignore").exists():
                write_atomically(folder / ".gitignore", _IGNORED.encode(), mode=0o644)
            write_atomically(folder / FILE_NAME, text.encode(), mode=0o644)
            remembered.remember(folder, root)
        except BaseException:
            keyring.discard(root)
            raise
    files = (FILE_NAME, "schema.toml", f"{config.policy.folder}/policy.toml", TRUST_FILE, ".gitignore")
    return Made(str(folder), config.project.name, root.digest, persons, files)


def _check_persons(persons: tuple[str, str]) -> None:
    if len(set(persons)) != 2:
        raise ConfigError("two different persons are needed", remedy="nobody approves their own work")
    for person in persons:
        if person in (keyring.BUILDER, keyring.LOG):
            raise ConfigError(
                f"no person can be called {person!r}",
                where="--persons",
                remedy="that is the name of a key which no person holds; choose another",
            )
        if not _PERSON.fullmatch(person):
            raise ConfigError(
                f"{person!r} cannot be the name of a person",
                where="--persons",
                remedy="use 1 to 100 letters, digits and . _ @ + - or spaces, the first a letter or digit",
            )


@contextmanager
def _all_or_nothing(paths: tuple[Path, ...]) -> Iterator[None]:
    """Remove those of the paths that were made while the block ran, when it fails or is interrupted."""
    new = [path for path in paths if not path.exists()]
    try:
        yield
    except BaseException:
        for path in reversed(new):
            with suppress(OSError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise


def _configuration(  # noqa: PLR0917  (one argument a key)
    folder: Path,
    source: Path,
    target: str,
    name: str,
    sensitive: tuple[str, ...],
    time: str,
    mode: str,
    objective: str,
    identifiers: tuple[str, ...],
) -> str:
    shown = name or re.sub(r"[^a-z0-9]+", "-", source.stem.lower()).strip("-") or "model"
    try:
        place = source.resolve().relative_to(folder.resolve())
    except ValueError:
        place = source.resolve()
    lines = ["[project]", f"name = {_text(shown)}"]
    if objective:
        lines.append(f"objective = {_text(objective)}")
    lines += [f"mode = {_text(mode)}", "[data]", f"source = {_text(str(place))}", f"target = {_text(target)}"]
    if time:
        lines.append(f"time = {_text(time)}")
    for key, values in (("identifiers", identifiers), ("sensitive", sensitive)):
        if values:
            lines.append(f"{key} = [{', '.join(_text(value) for value in values)}]")
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _ignore(_event: Event) -> None:
    """Proposing is quick; nothing is shown."""
