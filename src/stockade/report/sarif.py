"""Findings as SARIF 2.1.0, for code-scanning pages and editors: rules with help, severity, stable fingerprints."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from stockade.types.results import Finding, Severity

_LEVELS = {
    Severity.INFO: "note",
    Severity.LOW: "note",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "error",
    Severity.CRITICAL: "error",
}
_SCORES = {
    Severity.INFO: "0.0",
    Severity.LOW: "3.0",
    Severity.MEDIUM: "5.5",
    Severity.HIGH: "8.0",
    Severity.CRITICAL: "9.5",
}
"""`security-severity`, on the scale of CVSS 3.1 (0 to 10)."""


def to_sarif(findings: Iterable[Finding], artifact: Path | str, version: str) -> str:
    """Write findings about one file as a SARIF log.

    Args:
        findings: What was found.
        artifact: The file they are about.
        version: Version of Stockade.
    """
    listed = list(findings)
    rules = {finding.rule: finding for finding in reversed(listed)}
    names = sorted(rules)
    run = {
        "tool": {"driver": {"name": "stockade", "version": version, "rules": [_rule(rules[name]) for name in names]}},
        "results": [_result(finding, names.index(finding.rule), str(artifact)) for finding in listed],
        "columnKind": "unicodeCodePoints",
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _rule(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.rule,
        "shortDescription": {"text": finding.rule.replace(".", ": ").replace("_", " ")},
        "help": {"text": finding.remedy or "See the message of each result."},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        "properties": {
            "security-severity": _SCORES[finding.severity],
            "tags": ["security", *finding.technique],
        },
    }


def _result(finding: Finding, index: int, artifact: str) -> dict[str, Any]:
    identity = hashlib.sha256(f"{finding.rule}\0{finding.subject}\0{artifact}".encode()).hexdigest()
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.subject}: {finding.message}"},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": quote(Path(artifact).as_posix())}}}],
        "partialFingerprints": {"stockadeFinding/v1": identity},
    }
