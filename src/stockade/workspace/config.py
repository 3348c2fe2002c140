"""The project's one configuration file, read strictly: line numbers, did-you-mean, a default for all but two keys.

Every key is a field of a section record below; its ``doc`` is what the configuration reference prints. Adding a key
means adding a field.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from stockade.errors import ConfigError, ConfigMissingError
from stockade.types.execution import Mode
from stockade.types.toml_lines import line_of

FILE_NAME = "stockade.toml"

TRAINERS = ("constant", "linear", "histogram", "lightgbm", "search", "blend")
"""What `[train] trainers` may name; the constant always competes."""

METRICS = (
    "auto", "log_loss", "auc", "average_precision", "accuracy", "balanced_accuracy", "f1", "brier", "rmse", "mae", "r2",
)  # fmt: skip
"""What `[train] metric` may name."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

S = TypeVar("S")


def _key(default: Any, doc: str) -> Any:
    if default is dataclasses.MISSING:
        return field(metadata={"doc": doc})
    return field(default=default, metadata={"doc": doc})


_REQUIRED = dataclasses.MISSING


@dataclass(frozen=True, slots=True)
class ProjectSection:
    """What the project is and whether its gates block."""

    name: str = _key("", "Name of the registered model. Default: the folder's name.")
    objective: str = _key("", "The purpose in a sentence; printed in the report and the model card.")
    owner: str = _key("", "The person who starts runs, as named in trust.json. Default: its first promoter.")
    mode: Mode = _key(  # noqa: RUF009
        Mode.RESEARCH, "`research`: gates advise. `production`: gates block, `run` exits 1 on refusal."
    )


@dataclass(frozen=True, slots=True)
class DataSection:
    """Where the rows come from and what their columns mean."""

    source: str = _key(_REQUIRED, "CSV, Parquet or JSON Lines file, relative to the project's folder.")
    target: str = _key(_REQUIRED, "The column to predict.")
    where: str = _key("", "SQL condition; only rows that satisfy it are used, such as `year >= 2015`.")
    time: str = _key("", "Column that orders the rows; folds and test rows then follow time, never chance.")
    group: str = _key("", "Column whose equal values share a fold, such as a customer number.")
    sensitive: tuple[str, ...] = _key((), "Columns that make fairness groups. They stay features unless excluded.")
    identifiers: tuple[str, ...] = _key((), "Columns that identify a row; dropped before training.")
    pseudonymise: tuple[str, ...] = _key((), "Identifiers to keep as keyed pseudonyms instead of dropping them.")
    exclude: tuple[str, ...] = _key((), "Columns that are kept and reported, but are not features.")


@dataclass(frozen=True, slots=True)
class TrainSection:
    """How models are searched and compared."""

    metric: str = _key("auto", "Metric to select by; `auto` is `log_loss` for classes and `rmse` for numbers.")
    trials: int = _key(20, "Settings tried by the search; 0 keeps the defaults only.")
    trainers: tuple[str, ...] = _key(
        ("linear", "histogram", "lightgbm", "search", "blend"),
        "Contenders: `linear`, `histogram` (scikit-learn default), `lightgbm` (its default), `search`, `blend`.",
    )
    folds: int = _key(5, "Folds of cross-validation, 2 to 20.")
    test_share: float = _key(0.2, "Share of rows held out for the assessment, 0.05 to 0.5.")
    seed: int = _key(0, "Seed of folds, search and attacks.")


@dataclass(frozen=True, slots=True)
class AssessSection:
    """How hard the exported model is examined."""

    attacks: bool = _key(default=True, doc="Whether the evasion and membership attacks run.")
    rows: int = _key(500, "Test rows that the evasion attack is tried on.")
    queries: int = _key(200, "Model queries the evasion attack may spend on each row.")
    slices: bool = _key(default=True, doc="Whether weak slices are searched for.")


@dataclass(frozen=True, slots=True)
class PolicySection:
    """What a model needs to be admitted."""

    folder: str = _key("policy", "Folder with policy.toml (thresholds) and further Cedar files.")


@dataclass(frozen=True, slots=True)
class ServeSection:
    """Where the endpoint listens and what it bears."""

    host: str = _key("127.0.0.1", "Address to listen on.")
    port: int = _key(8443, "Port to listen on; 0 takes a free one.")
    names: tuple[str, ...] = _key((), "Further host names for the server's certificate.")
    max_body_bytes: int = _key(1_048_576, "Largest request body accepted.")
    max_rows: int = _key(1_000, "Most rows in one request.")
    rows_per_second: float = _key(2_000.0, "Rows a second that one key may ask for in the long run.")
    timeout_seconds: float = _key(10.0, "Seconds within which a request must have arrived.")


@dataclass(frozen=True, slots=True)
class WorkspaceSection:
    """Where artifacts, evidence and the log are kept, and how steps are confined."""

    folder: str = _key(".stockade", "Folder of the embedded store.")
    isolation: str = _key("sandbox", "`sandbox`: a confined fork per step. `strict`: a fresh interpreter per step.")
    step_memory_mb: int = _key(4096, "Memory that one step may use, in MiB.")
    step_seconds: int = _key(3600, "Seconds that one step may run.")


@dataclass(frozen=True, slots=True)
class Config:
    """All sections; see each for its keys."""

    data: DataSection
    project: ProjectSection = field(default_factory=ProjectSection)
    train: TrainSection = field(default_factory=TrainSection)
    assess: AssessSection = field(default_factory=AssessSection)
    policy: PolicySection = field(default_factory=PolicySection)
    serve: ServeSection = field(default_factory=ServeSection)
    workspace: WorkspaceSection = field(default_factory=WorkspaceSection)
    steps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Parameters of the project's own steps, one table a step."""


def load(path: Path) -> Config:
    """Read and check a configuration file.

    Raises:
        ConfigMissingError: there is no such file.
        ConfigError: it is not TOML, or a key is unknown, missing, of the wrong type or out of range; the error
            names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigMissingError(
            "there is no stockade.toml here",
            where=str(path.parent),
            remedy="make a project with `stockade init FILE --target COLUMN`, or change into one",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"cannot be read: {reason}", where=str(path), remedy="save it as UTF-8") from error
    return parse(text, path)


def parse(text: str, path: Path) -> Config:
    """Check the text of a configuration file; `path` is for messages. Raises as `load` does."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).partition(" (at line ")
        line = place.partition(",")[0]
        where = f"{path}:{line}" if line.isdigit() else str(path)
        raise ConfigError(f"not valid TOML: {message}", where=where, remedy="correct the line") from None
    except RecursionError:
        raise ConfigError("not valid TOML: it nests too deep", where=str(path), remedy="correct the file") from None
    reader = _Reader(text, path)
    config = reader.config(document)
    reader.check_ranges(config)
    return config


@dataclass(frozen=True, slots=True)
class _Reader:
    text: str
    path: Path

    def fail(self, message: str, *keys: str, remedy: str = "") -> typing.NoReturn:
        line = line_of(self.text, *keys)
        where = f"{self.path}:{line}" if line else str(self.path)
        raise ConfigError(message, where=where, remedy=remedy)

    def config(self, document: Mapping[str, Any]) -> Config:
        sections = {item.name: item for item in dataclasses.fields(Config)}
        for name in document:
            if name not in sections:
                self.fail(f"there is no section [{name}]", name, remedy=_meant(name, sections))
        hints = typing.get_type_hints(Config)
        built: dict[str, Any] = {}
        for name in sections:
            table = document.get(name, {})
            if not isinstance(table, Mapping):
                self.fail(f"[{name}] must be a table", name)
            built[name] = self.step_tables(table) if name == "steps" else self.section(hints[name], name, table)
        return Config(**built)

    def step_tables(self, table: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        for step, parameters in table.items():
            if not isinstance(parameters, Mapping):
                self.fail(f"[steps.{step}] must be a table of parameters", "steps", step)
        return table

    def section(self, kind: type[S], name: str, table: Mapping[str, Any]) -> S:
        known = {item.name: item for item in dataclasses.fields(typing.cast("Any", kind))}
        for key in table:
            if key not in known:
                self.fail(f"[{name}] has no key {key!r}", name, key, remedy=_meant(key, known))
        hints = typing.get_type_hints(kind)
        values = {key: self.value(hints[key], name, key, value) for key, value in table.items()}
        for key, item in known.items():
            if item.default is dataclasses.MISSING and not values.get(key):
                self.fail(f"[{name}] needs the key {key!r}", name, remedy=f'add `{key} = "..."` below [{name}]')
        return kind(**values)

    def value(self, kind: Any, section: str, key: str, value: Any) -> Any:
        if typing.get_origin(kind) is tuple:
            if isinstance(value, list) and all(isinstance(item, str) for item in value):
                return tuple(value)
            self.fail(f"{key} must be a list of texts", section, key, remedy=f'write `{key} = ["a", "b"]`')
        if isinstance(kind, type) and issubclass(kind, Mode):
            words = [item.value for item in Mode]
            if value not in words:
                self.fail(f"{key} = {value!r} is not a mode", section, key, remedy=f"choose one of {', '.join(words)}")
            return Mode(value)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            remedy = "write it between quotation marks" if kind is str else "write it without quotation marks"
            self.fail(f"{key} must be {_WORDS[kind]}, not {value!r}", section, key, remedy=remedy)
        return value

    def check_ranges(self, config: Config) -> None:
        limits: dict[tuple[str, str], tuple[float, float]] = {
            ("train", "trials"): (0, 10_000),
            ("train", "folds"): (2, 20),
            ("train", "test_share"): (0.05, 0.5),
            ("train", "seed"): (0, 2**31 - 1),
            ("assess", "rows"): (1, 1_000_000),
            ("assess", "queries"): (10, 100_000),
            ("serve", "port"): (0, 65_535),
            ("serve", "max_body_bytes"): (1_024, 2**30),
            ("serve", "max_rows"): (1, 1_000_000),
            ("serve", "rows_per_second"): (0.01, 1e6),
            ("serve", "timeout_seconds"): (0.1, 3_600),
            ("workspace", "step_memory_mb"): (256, 2**22),
            ("workspace", "step_seconds"): (1, 2**24),
        }
        for (section, key), (low, high) in limits.items():
            value = getattr(getattr(config, section), key)
            if not low <= value <= high:
                self.fail(f"{key} = {value} is out of range", section, key, remedy=f"choose {low} to {high}")
        if config.project.name and not _NAME.fullmatch(config.project.name):
            remedy = "use up to 100 letters, digits and . _ - without accents, the first a letter or digit"
            self.fail(f"name = {config.project.name!r} cannot name a model", "project", "name", remedy=remedy)
        metric = config.train.metric
        if metric not in METRICS:
            self.fail(f"there is no metric {metric!r}", "train", "metric", remedy=_meant(metric, METRICS))
        if config.workspace.isolation not in ("sandbox", "strict"):
            self.fail("isolation is `sandbox` or `strict`", "workspace", "isolation")
        for trainer in config.train.trainers:
            if trainer not in TRAINERS:
                self.fail(
                    f"there is no trainer {trainer!r}",
                    "train",
                    "trainers",
                    remedy=_meant(trainer, TRAINERS),
                )


_WORDS: Mapping[Any, str] = types.MappingProxyType(
    {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
)


def _meant(word: str, known: typing.Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(names)}"
