"""Findings as SARIF: addresses are URIs, fingerprints are stable, rules are listed once."""

from __future__ import annotations

import json
from urllib.parse import unquote

import pytest

from stockade.report.sarif import to_sarif
from stockade.types.results import Finding, Severity


def finding(rule: str = "audit.duplicates", subject: str = "rows") -> Finding:
    return Finding(rule=rule, subject=subject, message="12 rows are twice there", severity=Severity.MEDIUM)


@pytest.mark.parametrize("name", ["people.csv", "with space.csv", "größe.csv", "100%.csv", "a:b.csv", "/data/a#b?.csv"])
def test_the_file_is_named_by_a_uri(name: str) -> None:
    """Whatever the file is called, its address has none but the characters of RFC 3986 and reads back."""
    run = json.loads(to_sarif([finding()], name, "1"))["runs"][0]
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert set(uri) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/%")
    assert unquote(uri) == name


def test_results_point_to_their_rules() -> None:
    """A rule stands once in the tool's list, each result has its index, and its fingerprint depends on its subject."""
    log = json.loads(to_sarif([finding(), finding(subject="columns"), finding("audit.leakage")], "a.csv", "1"))
    run = log["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == ["audit.duplicates", "audit.leakage"]
    assert [rules[result["ruleIndex"]] for result in run["results"]] == [result["ruleId"] for result in run["results"]]
    prints = [result["partialFingerprints"]["stockadeFinding/v1"] for result in run["results"]]
    assert len(set(prints)) == 3
    again = json.loads(to_sarif([finding()], "a.csv", "2"))["runs"][0]["results"][0]
    assert again["partialFingerprints"]["stockadeFinding/v1"] == prints[0]
