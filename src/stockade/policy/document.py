"""The file ``policy.toml``: what scientists edit, read strictly, with line numbers and did-you-mean.

    format = 1

    [thresholds]
    auc = [">= 0.80", "> baseline.auc"]
    membership.auc = "<= 0.60"

    [fairness]
    columns = ["sex", "disability"]
    tpr_gap = "<= 0.20"

    [evidence]
    required_steps = ["validate", "audit", "train", "assess"]
    forbid_custom = ["audit", "assess"]
    forbid_failed = ["validate"]
    minimum_isolation = "sandbox"
    custom_figures = false
    allow_trial = false

    [production]
    approvals = 1

Two files that differ in order, white space or comments read as equal documents.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from stockade.errors import ConfigError
from stockade.policy.bound import Bound, BoundError, parse
from stockade.policy.vocabulary import GAPS, Measure, measure_of, suggest, suggest_figure
from stockade.types.execution import ISOLATION_LEVELS
from stockade.types.toml_lines import line_of

FORMAT = 1
ALIASES = ("staging", "canary", "production")
"""Aliases that a version is promoted to, in rising order; each may demand approvals."""

_MOST_APPROVALS = 16
_SECTIONS = ("thresholds", "fairness", "evidence", *ALIASES)
_EVIDENCE = (
    "required_steps",
    "forbid_custom",
    "forbid_failed",
    "minimum_isolation",
    "custom_figures",
    "allow_trial",
)
_LINE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)")


@dataclass(frozen=True, slots=True)
class Document:
    """What ``policy.toml`` says, in normal form.

    Attributes:
        thresholds: Limits by figure, lower before upper, sorted by name.
        columns: Sensitive columns, sorted.
        gaps: Limits on the difference between groups, by family, sorted.
        required_steps: Steps that must be in the evidence and not skipped.
        forbid_custom: Steps that must be the built-in ones.
        forbid_failed: Steps whose findings must not reach severity high.
        minimum_isolation: Least confinement that every step must have had.
        custom_figures: Whether figures that custom steps measured count.
        allow_trial: Whether evidence under a trial root of trust counts.
        approvals: Distinct persons, none of them self, that an alias demands.
    """

    thresholds: Mapping[str, tuple[Bound, ...]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    gaps: Mapping[str, Bound] = field(default_factory=dict)
    required_steps: tuple[str, ...] = ("assess", "audit", "train", "validate")
    forbid_custom: tuple[str, ...] = ("assess", "audit")
    forbid_failed: tuple[str, ...] = ()
    minimum_isolation: str = "sandbox"
    custom_figures: bool = False
    allow_trial: bool = False
    approvals: Mapping[str, int] = field(default_factory=lambda: {"production": 1})


def read(text: str, path: str = "policy.toml") -> Document:
    """Read a policy file; `path` is named in errors.

    Raises:
        stockade.errors.ConfigError: not TOML, an unknown section, key, figure or operator, or a value of the wrong
            type; `where` holds the file and line, the remedy the probable spelling.
    """
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        where = f"{path}:{found[1]}" if found and found[1] else path
        raise ConfigError(f"not TOML: {_LINE.sub('', str(error))}", where=where, remedy="correct the line") from None
    except RecursionError:
        raise ConfigError("not TOML: it nests too deep", where=path, remedy="correct the file") from None
    return _Reader(text, path).document(plain)


class _Reader:
    def __init__(self, text: str, path: str) -> None:
        self._text = text
        self._path = path

    def document(self, plain: dict[str, Any]) -> Document:
        for key, value in plain.items():
            if key == "format":
                if value != FORMAT or isinstance(value, bool):
                    self._fail((key,), f"format must be {FORMAT}", "use the version of Stockade that wrote this file")
            elif key not in _SECTIONS:
                self._fail((key,), f"unknown section {key!r}", suggest(key, _SECTIONS))
            elif not isinstance(value, dict):
                self._fail((key,), f"{key!r} is a section", f"write [{key}] on a line of its own")
        fairness: dict[str, Any] = dict(plain.get("fairness", {}))
        columns = self._words(fairness, "fairness", "columns", ())
        gaps = self._gaps(fairness)
        if columns and not gaps:
            self._fail(("fairness", "columns"), "no gap is limited", 'add for example tpr_gap = "<= 0.20"')
        return Document(
            thresholds=self._thresholds(plain.get("thresholds", {})),
            columns=columns,
            gaps=gaps,
            approvals=self._approvals(plain),
            **self._evidence(plain.get("evidence", {})),
        )

    def _thresholds(self, table: dict[str, Any]) -> dict[str, tuple[Bound, ...]]:
        limits: dict[str, tuple[Bound, ...]] = {}
        for figure, value in sorted(_flat(table)):
            measure = measure_of(figure)
            if measure is None:
                self._fail(("thresholds", figure), f"there is no figure {figure!r}", suggest_figure(figure))
            texts = value if isinstance(value, list) and value else [value]
            bounds = [self._bound(("thresholds", figure), text, measure) for text in texts]
            if any(bound.reference == figure for bound in bounds):
                self._fail(
                    ("thresholds", figure), f"{figure!r} is held against itself", "name another figure, or a number"
                )
            kinds = [bound.kind for bound in bounds]
            if len(set(kinds)) != len(kinds):
                self._fail(("thresholds", figure), f"{figure!r} has two limits of one kind", "keep the stricter one")
            limits[figure] = tuple(sorted(bounds, key=lambda bound: (bound.side != "min", bound.reference)))
        return limits

    def _gaps(self, table: dict[str, Any]) -> dict[str, Bound]:
        gaps: dict[str, Bound] = {}
        for key in sorted(set(table) - {"columns"}):
            place = ("fairness", key)
            if key not in GAPS:
                self._fail(place, f"unknown key {key!r}", suggest(key, ("columns", *GAPS)))
            gaps[key] = self._bound(place, table[key], GAPS[key])
            if gaps[key].side != "max":
                self._fail(place, "a gap is limited from above", f'did you mean "<= {gaps[key].text}"?')
        return gaps

    def _evidence(self, table: dict[str, Any]) -> dict[str, Any]:
        for key in table:
            if key not in _EVIDENCE:
                self._fail(("evidence", key), f"unknown key {key!r}", suggest(key, _EVIDENCE))
        default = Document()
        words = {
            key: self._words(table, "evidence", key, getattr(default, key))
            for key in ("required_steps", "forbid_custom", "forbid_failed")
        }
        flags = {key: table.get(key, False) for key in ("custom_figures", "allow_trial")}
        for key, value in flags.items():
            if not isinstance(value, bool):
                self._fail(("evidence", key), f"{key} is true or false", "write it without quotation marks")
        level = table.get("minimum_isolation", default.minimum_isolation)
        if level not in ISOLATION_LEVELS:
            self._fail(
                ("evidence", "minimum_isolation"),
                f"there is no isolation {level!r}",
                suggest(str(level), ISOLATION_LEVELS),
            )
        return {**words, **flags, "minimum_isolation": level}

    def _approvals(self, plain: dict[str, Any]) -> dict[str, int]:
        approvals = dict(Document().approvals)
        for alias in ALIASES:
            for key, value in plain.get(alias, {}).items():
                if key != "approvals":
                    self._fail((alias, key), f"unknown key {key!r}", suggest(key, ("approvals",)))
                if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_APPROVALS:
                    self._fail(
                        (alias, key),
                        f"approvals is a whole number from 0 to {_MOST_APPROVALS}",
                        "it counts persons, none of whom ran, requested or wrote the policy",
                    )
                approvals[alias] = value
        return {alias: approvals[alias] for alias in ALIASES if approvals.get(alias)}

    def _bound(self, place: tuple[str, ...], text: object, measure: Measure) -> Bound:
        if not isinstance(text, str):
            self._fail(place, "a limit is text with an operator", f'write for example ">= {text}" or "<= {text}"')
        try:
            return parse(text, measure)
        except BoundError as error:
            self._fail(place, str(error), error.remedy)

    def _words(self, table: dict[str, Any], section: str, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = table.get(key, list(default))
        if not isinstance(value, list) or not all(isinstance(word, str) and word for word in value):
            self._fail((section, key), f"{key} is a list of names", f'write for example {key} = ["a", "b"]')
        if len(set(value)) != len(value):
            self._fail((section, key), f"{key} names something twice", "name it once")
        return tuple(sorted(value))

    def _fail(self, place: tuple[str, ...], message: str, remedy: str) -> NoReturn:
        line = line_of(self._text, *place)
        where = f"{self._path}:{line}" if line else self._path
        raise ConfigError(f"{'.'.join(place)}: {message}", where=where, remedy=remedy)


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
