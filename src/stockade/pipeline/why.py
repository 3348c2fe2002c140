"""Why a step is not taken from the cache, in words for people: nothing here is verified, and nothing decided by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stockade.errors import EvidenceError
from stockade.evidence.envelope import Envelope
from stockade.evidence.ledger import Ledger
from stockade.evidence.predicates import StepProvenance
from stockade.evidence.statement import Statement
from stockade.pipeline.attest import Premises
from stockade.pipeline.cache import NAME_KIND

NEVER_RAN = "it has not run before"
_SHOWN = 3


def reason(ledger: Ledger, premises: Premises) -> str:
    """What differs from the last time a step of this name ran, such as ``schema changed``."""
    try:
        rows = ledger.find(NAME_KIND, premises.step.name)
        if not rows:
            return NEVER_RAN
        before = StepProvenance.of(Statement.parse(Envelope.parse(rows[-1].envelope).payload))
    except EvidenceError:
        return "the evidence of its last run cannot be read"
    inputs = {f"{name}:{premises.step.inputs[name]}": digest for name, digest in premises.inputs.items()}
    changes = [
        *_changed("input", {item.name: item.digest for item in before.inputs}, inputs),
        *_changed("parameter", before.parameters, premises.step.params),
        *_changed("", {i.name: i.digest for i in before.sources}, {i.name: i.digest for i in premises.sources}),
        *_changed("package", dict(before.packages), dict(premises.packages)),
        *_changed("the", _surroundings(before), _surroundings(premises)),
    ]
    if not changes:
        return "its earlier result was not used"
    more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
    return ", ".join(changes[:_SHOWN]) + f"{more} changed"


def _surroundings(record: StepProvenance | Premises) -> dict[str, str]:
    required = record.required if isinstance(record, Premises) else record.required_isolation
    return {"function": record.call, "interpreter": record.python, "platform": record.platform, "isolation": required}


def _changed(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return [f"{kind} {name.rpartition(':')[2]}".strip() for name in names]
