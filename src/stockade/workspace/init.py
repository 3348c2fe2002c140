"""Make a project: six lines of configuration, a trial root of trust, and nothing that would be overwritten."""

from __future__ import annotations

import json
import re
from pathlib import Path

from stockade.errors import ConfigError, SourceUnreadableError
from stockade.pipeline.events import Event
from stockade.store.durable import write_atomically
from stockade.workspace import keyring
from stockade.workspace.config import FILE_NAME, parse
from stockade.workspace.outcomes import Made
from stockade.workspace.running import Pipeline
from stockade.workspace.wiring import TRUST_FILE, writing

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
    if not source.is_file():
        raise SourceUnreadableError("there is no such file", where=str(source), remedy="check the name")
    if len(set(persons)) != 2:
        raise ConfigError("two different persons are needed", remedy="nobody approves their own work")
    folder.mkdir(parents=True, exist_ok=True)
    text = _configuration(folder, source, target, name, sensitive, time, mode, objective, identifiers)
    config = parse(text, folder / FILE_NAME)
    root = keyring.make_trial_root(persons)
    log = keyring.signer(root, keyring.LOG)
    with writing(folder / config.workspace.folder, root, log) as space:
        Pipeline(folder, config, space, persons[0]).propose(_ignore)
    write_atomically(folder / TRUST_FILE, root.data, mode=0o644)
    if not (folder / ".gitignore").exists():
        write_atomically(folder / ".gitignore", _IGNORED.encode(), mode=0o644)
    write_atomically(folder / FILE_NAME, text.encode(), mode=0o644)
    files = (FILE_NAME, "schema.toml", f"{config.policy.folder}/policy.toml", TRUST_FILE, ".gitignore")
    return Made(str(folder), config.project.name, root.digest, persons, files)


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
