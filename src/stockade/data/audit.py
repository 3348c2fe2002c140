"""Look for what makes good figures lie: repeated rows, a target that leaks into a feature, labels that look wrong.

    found = audit(valid, schema)
    found.results    # duplicate_share, leakage.max_score, label_noise.share and more, with findings
    found.suspects   # row, check, score, reason: at most 1,000 rows a check

Each check says what it cannot see. It runs on validated rows, before identifiers are dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from stockade.data import labels, leakage
from stockade.data.rowhash import case_hashes, row_hashes
from stockade.errors import TargetError
from stockade.schema.column import ROW, Column, Kind, Role, Schema
from stockade.types.results import Figure, Finding, Results, Severity
from stockade.types.scorecard import Task

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

CHECKS = ("audit.duplicates", "audit.conflicts", "audit.leakage", "audit.missing", "audit.label_noise")
"""Ids of the checks, as findings name them."""

_MOST_SUSPECTS = 1000
_SUSPECTS = {"row": pl.Int64, "check": pl.String, "score": pl.Float64, "reason": pl.String}
_NOISY = 0.15
_VERY_NOISY = 0.3
_CHI_SQUARE = 28.4  # 1e-7 for one degree of freedom: below .001 after correction for 1,000 columns and 10 classes
_ASSOCIATED = 0.1
_DISCLOSING = 0.9


class Audit(NamedTuple):
    """What the audit found: rows to look at (``row check score reason``), and figures with findings."""

    suspects: pl.DataFrame
    results: Results


class _Part(NamedTuple):
    figures: tuple[Figure, ...]
    findings: tuple[Finding, ...] = ()
    suspects: tuple[tuple[int, str, float, str], ...] = ()


def audit(valid: pl.DataFrame, schema: Schema, *, seed: int = 0) -> Audit:
    """Audit validated rows.

    Raises:
        stockade.errors.TargetError: the schema has no target.
    """
    if not schema.target:
        raise TargetError("the schema names no target", remedy="add target, task and a column of role target to it")
    hashes = row_hashes(valid, [column.name for column in schema.features()], seed)
    target = leakage.outcomes(valid, schema)
    cases = case_hashes(valid, schema, seed)
    half = (cases & np.uint64(1)).astype(bool)
    parts = (
        _duplicates(valid, schema, hashes, seed),
        _conflicts(valid, schema, hashes),
        _leakage(valid, schema, target, half),
        _missing(valid, schema, target),
        _labels(valid, schema, cases),
    )
    suspects = [row for part in parts for row in part.suspects]
    figures = tuple(figure for part in parts for figure in part.figures)
    findings = tuple(finding for part in parts for finding in part.findings)
    return Audit(pl.DataFrame(suspects, schema=_SUSPECTS, orient="row"), Results(figures, findings, CHECKS))


def _duplicates(valid: pl.DataFrame, schema: Schema, hashes: NDArray[np.uint64], seed: int) -> _Part:
    identifiers = {column.name for column in schema.with_role(Role.IDENTIFIER)}
    every = [name for name in schema.names if name in valid.columns]
    exact = row_hashes(valid, every, seed)
    repeated, first = _repeats(exact)
    alike, _ = _repeats(row_hashes(valid, [name for name in every if name not in identifiers], seed))
    equal_features, _ = _repeats(hashes)
    rows = valid.height
    share = float(repeated.mean())
    figures = (
        Figure("duplicate_share", share, count=rows),
        Figure("duplicate_share.without_identifiers", float(alike.mean()), count=rows),
        Figure("duplicate_share.features", float(equal_features.mean()), count=rows),
    )
    numbers = valid[ROW].to_list() if ROW in valid.columns else list(range(1, rows + 1))
    places = np.flatnonzero(repeated)[:_MOST_SUSPECTS].tolist()
    suspects = tuple((numbers[at], "duplicate", 1.0, f"equal to row {numbers[first[at]]}") for at in places)
    return _Part(figures, tuple(_duplicate_findings(share, alike, equal_features, known=bool(identifiers))), suspects)


def _duplicate_findings(
    share: float, alike: NDArray[np.bool_], equal_features: NDArray[np.bool_], *, known: bool
) -> Iterable[Finding]:
    rows = alike.size
    if share > 0:
        doubt = "" if known else "; without an identifier, repeats cannot be told from equal cases"
        yield Finding(
            rule="audit.duplicates",
            subject="rows",
            message=f"{round(share * rows):,} of {rows:,} rows repeat an earlier row in every column{doubt}",
            severity=Severity.MEDIUM if known else Severity.LOW,
            measure="duplicate_share",
            value=share,
            technique=("AML.T0020", "ML02"),
            remedy="remove rows that were loaded twice; unless few values make rows equal by chance, equal ones share "
            "a fold, so scores stay honest",
        )
    if known and alike.any():
        yield Finding(
            rule="audit.duplicates",
            subject="rows",
            message=f"{int(alike.sum()):,} of {rows:,} rows equal an earlier one but for identifiers "
            f"({int(equal_features.sum()):,} in all features); few coded columns make different cases look alike",
            severity=Severity.INFO,
            measure="duplicate_share.without_identifiers",
            value=float(alike.mean()),
            remedy="nothing, if these are different cases; equal rows share a fold",
        )


def _repeats(hashes: NDArray[np.uint64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Mark rows that repeat an earlier one, and tell which."""
    _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    earliest = first[inverse].astype(np.int64)
    return earliest != np.arange(hashes.size), earliest


def _conflicts(valid: pl.DataFrame, schema: Schema, hashes: NDArray[np.uint64]) -> _Part:
    """Rows whose features equal another row's while the label differs: no model can get more than one of them right."""
    if schema.task is Task.REGRESSION:
        return _Part(())
    counts = pl.DataFrame({"key": hashes, "label": valid[schema.target]}).group_by("key", "label").len()
    lost = counts.group_by("key").agg((pl.col("len").sum() - pl.col("len").max()).alias("lost"))["lost"].sum()
    share = int(lost) / valid.height
    figures = (Figure("conflict_share", share, count=valid.height),)
    if share == 0:
        return _Part(figures)
    message = f"{int(lost):,} of {valid.height:,} rows carry another label than most rows with the same features"
    if share >= 0.001:
        message += f"; no model of these columns can be more than {1 - share:.1%} accurate on this table"
    finding = Finding(
        rule="audit.conflicts",
        subject="rows",
        message=message,
        severity=Severity.LOW if share > 0.05 else Severity.INFO,
        measure="conflict_share",
        value=share,
        technique=("AML.T0020", "ML02"),
        remedy="add columns that tell these cases apart, or check how labels were given",
    )
    return _Part(figures, (finding,))


def _leakage(valid: pl.DataFrame, schema: Schema, target: NDArray[np.float64], half: NDArray[np.bool_]) -> _Part:
    if not leakage.scored(target, half):
        return _Part((), (_unscored(valid.height),))
    looked_at = (
        *schema.features(),
        *(item for item in schema.with_role(Role.IDENTIFIER) if item.kind is not Kind.TEXT),
    )
    scores = {item.name: leakage.predictive_power(valid[item.name], item, target, half) for item in looked_at}
    strongest = max(schema.features(), key=lambda item: scores[item.name])
    highest = scores[strongest.name]
    findings = [_leak(item, scores[item.name]) for item in looked_at if scores[item.name] >= leakage.THRESHOLD]
    return _Part((Figure("leakage.max_score", highest, count=int((~half).sum())),), tuple(findings))


def _leak(column: Column, score: float) -> Finding:
    feature = column.role is Role.FEATURE
    what = (
        "it may be the target under another name, or known only after the fact" if feature else "rows are in its order"
    )
    return Finding(
        rule="audit.leakage",
        subject=f"column {column.name}",
        message=f"{column.name} alone predicts the target with a score of {score:.3f} on held-out rows; {what}",
        severity=Severity.HIGH if feature else Severity.LOW,
        measure="leakage.score",
        value=score,
        threshold=leakage.THRESHOLD,
        technique=("AML.T0020", "ML02"),
        remedy=f'exclude = ["{column.name}"], unless it is truly known when a prediction is asked for'
        if feature
        else "it is no feature; check how the rows were gathered",
    )


def _unscored(rows: int) -> Finding:
    return Finding(
        rule="audit.leakage",
        subject="table",
        message=f"target leakage was not measured: {rows:,} rows hold too few of some class for a held-out score",
        severity=Severity.INFO,
        remedy="bring more rows of the rarest class",
    )


def _missing(valid: pl.DataFrame, schema: Schema, target: NDArray[np.float64]) -> _Part:
    findings: list[Finding] = []
    highest = 0.0
    for column in schema.features():
        if not valid[column.name].null_count():
            continue
        found = leakage.missingness(valid[column.name], target)
        highest = max(highest, found.association)
        if found.statistic < _CHI_SQUARE or found.association < _ASSOCIATED:
            continue
        message = (
            f"whether {column.name} is missing ({found.share:.1%} of rows) goes with the target: "
            f"correlation {found.association:.2f}"
        )
        findings.append(
            Finding(
                rule="audit.missing",
                subject=f"column {column.name}",
                message=message,
                severity=Severity.HIGH if found.association >= _DISCLOSING else Severity.LOW,
                measure="missing.association",
                value=found.association,
                threshold=_ASSOCIATED,
                technique=("AML.T0020", "ML02"),
                remedy="find out why values are missing; a value filled in after the outcome is known leaks it",
            )
        )
    return _Part((Figure("missing.max_association", highest, count=valid.height),), tuple(findings))


def _labels(valid: pl.DataFrame, schema: Schema, cases: NDArray[np.uint64]) -> _Part:
    found = labels.suspect(valid, schema, cases)
    if found.share is None:
        return _Part((), (_unjudged(),))
    figures = (Figure("label_noise.share", found.share, count=valid.height),)
    numbers = valid[ROW].to_list() if ROW in valid.columns else list(range(1, valid.height + 1))
    order = np.argsort(-found.score, kind="stable")[:_MOST_SUSPECTS]
    given = valid[schema.target].to_list()
    suspects = tuple(
        (numbers[at], "label", float(found.score[at]), f"a model of the other rows contradicts {given[at]!r}")
        for at in order.tolist()
        if found.score[at] > 0
    )
    if found.share == 0:
        return _Part(figures)
    return _Part(figures, (_noise(found.share, valid.height, schema),), suspects)


def _unjudged() -> Finding:
    return Finding(
        rule="audit.label_noise",
        subject="rows",
        message="wrong labels were not looked for: the features tell too little of the target to contradict any",
        severity=Severity.INFO,
        remedy="bring columns that tell more, or more rows",
    )


def _noise(share: float, rows: int, schema: Schema) -> Finding:
    measured = (
        "lie more than ten robust deviations from what a model of the other rows predicts"
        if schema.task is Task.REGRESSION
        else "carry a label that a model of the other rows contradicts with confidence"
    )
    severity = Severity.MEDIUM if share > _VERY_NOISY else Severity.LOW if share > _NOISY else Severity.INFO
    return Finding(
        rule="audit.label_noise",
        subject="rows",
        message=f"{share:.1%} of {rows:,} rows {measured}; hard cases count among them, so this is an upper estimate, "
        "and labels changed to suit a pattern are not seen",
        severity=severity,
        measure="label_noise.share",
        value=share,
        threshold=_NOISY,
        technique=("AML.T0020", "AML.T0059", "ML02"),
        remedy="look at the rows in the table of suspects, highest score first",
    )
