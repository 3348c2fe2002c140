"""Rules as Cedar text, the schema that Cedar holds them and every request against, and rules read back from text.

The text is what is reviewed, hashed and attested: everything a reader needs stands in it, as annotations. Figures are
billionths (`stockade.policy.bound.SCALE`). One action exists: ``promote``, of a model version, by a person.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import cedarpy

from stockade.errors import PolicyError
from stockade.policy.document import Document
from stockade.policy.rules import Clause, Rule, literal
from stockade.policy.vocabulary import GAPS, MEASURES, suggest
from stockade.types.results import Severity

PERMIT = "promotion.permit"
"""Id of the one permission: whatever no rule forbids."""

_FIGURES = ("figures", "all_figures")
_ACTION = 'action == Stockade::Action::"promote"'
_HEAD = """\
// Compiled from policy.toml: edit that file, not this text. Figures are in billionths.
@id("{permit}")
@title("what no rule forbids may be promoted")
@advice("")
permit (principal, {action}, resource);
"""
_CONTEXT = """\
namespace Stockade {
  entity Person;
  entity ModelVersion;
  type Figures = {
%(figures)s
  };
  action "promote" appliesTo {
    principal: [Person],
    resource: [ModelVersion],
    context: {
      "figures": Figures,
      "all_figures": Figures,
      "name": String,
      "version": Long,
      "source": String,
      "target": String,
      "mode": String,
      "initiator": String,
      "steps": Set<String>,
      "skipped": Set<String>,
      "custom_steps": Set<String>,
      "failed_steps": Set<String>,
      "isolation": Long,
      "trial": Bool,
      "logged": Bool,
      "approvals": Long,
      "approvers": Set<String>,
      "waived": Set<String>
    }
  };
}
"""
_ATTRIBUTE = re.compile(r'^    ("(?:[^"\\]|\\.)*")\?: Long,?$', re.MULTILINE)
_KNOWN = ("id", "title", "advice", "severity", "technique", "waivable", "figure", "operator", "threshold")


def compile_rules(found: Sequence[Clause]) -> str:
    """Write rules as Cedar text, one permission and one ``forbid`` a rule."""
    parts = [_HEAD.format(permit=PERMIT, action=_ACTION)]
    parts += [_clause(clause) for clause in found]
    return "\n".join(parts)


def compile_schema(document: Document) -> str:
    """Write the Cedar schema: every known figure, and the gaps of every column that the document names."""
    columns = set(document.columns)
    for figure, bounds in document.thresholds.items():
        for name in (figure, *(bound.reference for bound in bounds)):
            family, _, column = name.partition(".")
            if family in GAPS:
                columns.add(column)
    names = sorted({*MEASURES, *(f"{gap}.{column}" for gap in GAPS for column in columns)})
    return _CONTEXT % {"figures": ",\n".join(f"    {literal(name)}?: Long" for name in names)}


def figures_of_schema(schema: str) -> frozenset[str]:
    """Names of the figures that a schema made by `compile_schema` declares."""
    return frozenset(_unquote(found) for found in _ATTRIBUTE.findall(schema))


def read_rules(text: str, origin: str, known: frozenset[str]) -> tuple[Rule, ...]:
    """Read rules back from Cedar text, the forbidding ones, in the order of their ids.

    Raises:
        PolicyError: not Cedar, a policy without ``@id`` and ``@advice``, a template, or a figure that is not `known`.
    """
    try:
        parsed = json.loads(cedarpy.policies_to_json_str(text))
        rules = [_rule(policy, origin, known) for policy in parsed["staticPolicies"].values()]
    except (ValueError, RecursionError) as error:
        raise PolicyError(f"not Cedar: {error}", where=origin, remedy="correct the policy") from None
    if parsed.get("templates"):
        raise PolicyError("templates are not supported", where=origin, remedy="write each policy out")
    return tuple(sorted((rule for rule in rules if rule is not None), key=lambda rule: rule.id))


def _clause(clause: Clause) -> str:
    rule = clause.rule
    annotations = {
        "id": rule.id,
        "title": rule.title,
        "advice": rule.advice,
        "severity": rule.severity.value,
        "technique": " ".join(rule.technique),
        "waivable": "yes" if rule.waivable else "no",
        "figure": rule.figure,
        "operator": rule.operator,
        "threshold": rule.threshold,
    }
    optional = {"technique", "figure", "operator", "threshold"}
    lines = [f"@{key}({literal(value)})" for key, value in annotations.items() if value or key not in optional]
    lines.append(f"forbid (principal, {_ACTION}, resource)")
    if clause.when:
        lines.append(f"when {{ {clause.when} }}")
    lines.append(f"unless {{ {clause.unless} }};")
    return "\n".join(lines) + "\n"


def _rule(policy: Mapping[str, Any], origin: str, known: frozenset[str]) -> Rule | None:
    notes = policy.get("annotations", {})
    name = notes.get("id") or ""
    if not name or notes.get("advice") is None:
        raise PolicyError(
            f"a policy has no {'@advice' if name else '@id'}",
            where=f"{origin}: {name}" if name else origin,
            remedy='write @id("...") and @advice("...") above it: a refusal names the one and says the other',
        )
    asked = set(_figures_in(policy["conditions"]))
    needs = sorted({figure for _, figure in asked})
    for figure in needs:
        if figure not in known:
            raise PolicyError(
                f"{name!r} speaks of an unknown figure {figure!r}",
                where=origin,
                remedy=f"{suggest(figure, sorted(known))}; gaps exist for the columns that policy.toml names",
            )
    if policy["effect"] != "forbid":
        return None
    try:
        severity = Severity(notes.get("severity") or "high")
    except ValueError:
        remedy = suggest(str(notes["severity"]), [item.value for item in Severity])
        raise PolicyError(f"{name!r} has an unknown @severity", where=origin, remedy=remedy) from None
    return Rule(
        id=name,
        title=notes.get("title") or name,
        advice=notes["advice"],
        severity=severity,
        technique=tuple((notes.get("technique") or "").split()),
        waivable=notes.get("waivable") == "yes",
        figure=notes.get("figure") or "",
        operator=notes.get("operator") or "",
        threshold=notes.get("threshold") or "",
        needs=tuple(needs),
        custom=any(record == "all_figures" for record, _ in asked),
        origin=origin,
    )


def _figures_in(node: object) -> Iterator[tuple[str, str]]:
    """Every attribute of a record of figures that a condition reads or asks for, with the record's name."""
    if isinstance(node, list):
        for item in node:
            yield from _figures_in(item)
    elif isinstance(node, dict):
        for key, item in node.items():
            if key in {".", "has"} and isinstance(item, dict) and (record := _record(item.get("left"))):
                yield from ((record, attribute) for attribute in _attributes(item))
            yield from _figures_in(item)


def _attributes(access: Mapping[str, Any]) -> list[str]:
    attribute = access.get("attr")
    return [attribute] if isinstance(attribute, str) else [str(item) for item in attribute or ()]


def _record(node: object) -> str:
    """Which record of figures an expression is, empty for none."""
    if not isinstance(node, dict) or not isinstance(access := node.get("."), dict):
        return ""
    name = access.get("attr")
    return name if access.get("left") == {"Var": "context"} and name in _FIGURES else ""


def _unquote(quoted: str) -> str:
    plain = re.sub(r"\\u\{([0-9a-f]+)\}", lambda found: chr(int(found[1], 16)), quoted[1:-1])
    return re.sub(r"\\(.)", r"\1", plain)
