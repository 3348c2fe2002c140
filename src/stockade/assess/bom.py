"""The bill of materials of a model: CycloneDX 1.6, with the model card's figures.

Written as JSON directly, since the format's Python library drops model cards. The same content gives the same bytes:
the serial number derives from the content, and there is no time of writing unless one is given.
Source: cyclonedx.org/docs/1.6/json (ECMA-424), ``machine-learning-model`` components and ``modelCard``.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from stockade.assess.card import ModelCard
from stockade.types.digest import Digest
from stockade.types.results import Figure
from stockade.types.scorecard import Task

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:stockade:bom")
_SEPARATORS = re.compile(r"[-_.]+")
_BENEFIT = "Rates by group are measured on rows that training never saw."


@dataclass(frozen=True, slots=True)
class DataPart:
    """A data set that the model was made of or tested on.

    Attributes:
        name: Of the artifact, such as ``training``.
        digest: Of its bytes.
        rows: Rows in it, ``None`` where not known.
        description: What it served for, one sentence.
    """

    name: str
    digest: Digest
    rows: int | None = None
    description: str = ""


def bill_of_materials(
    card: ModelCard,
    model: Digest,
    *,
    version: str = "",
    data: Sequence[DataPart] = (),
    packages: Iterable[tuple[str, str]] = (),
    timestamp: str | None = None,
) -> dict[str, Any]:
    """Write the bill of materials of one model as plain JSON values.

    Args:
        card: Of the model.
        model: Digest of the ONNX file.
        version: Of the registered model; left out where empty.
        data: What it was trained and tested on.
        packages: Distributions that made it, with their versions.
        timestamp: RFC 3339 time to state; none by default, so that equal content gives equal bytes.
    """
    root = f"model:{model.hex}"
    parts = [_data_component(part, card) for part in sorted(data, key=lambda part: (part.name, part.digest.hex))]
    libraries = [_library(name, number) for name, number in sorted(set(packages))]
    component: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": root,
        "name": card.name,
        **({"version": version} if version else {}),
        "description": card.summary,
        "mime-type": "application/onnx",
        "hashes": _hashes(model),
        "modelCard": _model_card(card, [part["bom-ref"] for part in parts]),
    }
    below = [item["bom-ref"] for item in (*parts, *libraries)]
    content: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {**({"timestamp": timestamp} if timestamp else {}), "component": component},
        "components": [*parts, *libraries],
        "dependencies": [{"ref": root, "dependsOn": sorted(below)}, *({"ref": ref} for ref in sorted(below))],
    }
    return {**content, "serialNumber": uuid.uuid5(_NAMESPACE, _canonical(content)).urn}


def _canonical(content: object) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _hashes(digest: Digest) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": digest.hex}]


def _data_component(part: DataPart, card: ModelCard) -> dict[str, Any]:
    ref = f"data:{part.name}:{part.digest.hex}"
    told: dict[str, Any] = {"type": "dataset", "name": part.name}
    if part.description:
        told["description"] = part.description
    if card.sensitive:
        told["sensitiveData"] = list(card.sensitive)
    if part.rows is not None:
        told["contents"] = {"properties": [{"name": "stockade:rows", "value": str(part.rows)}]}
    return {"type": "data", "bom-ref": ref, "name": part.name, "hashes": _hashes(part.digest), "data": [told]}


def _library(name: str, version: str) -> dict[str, Any]:
    # The name as package URLs of type pypi have it.
    purl = f"pkg:pypi/{quote(_SEPARATORS.sub('-', name).lower(), safe='')}@{quote(version, safe='.-')}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _model_card(card: ModelCard, datasets: Iterable[str]) -> dict[str, Any]:
    output = "prediction: float64 [N, 1]"
    if card.task is not Task.REGRESSION:
        output = f"probabilities: float64 [N, {len(card.classes)}], of {', '.join(card.classes)}"
    parameters: dict[str, Any] = {
        "approach": {"type": "supervised"},
        "task": card.task.value,
        "inputs": [{"format": f"{name}: [N, 1]"} for name in card.features],
        "outputs": [{"format": output}],
    }
    if refs := [{"ref": ref} for ref in datasets]:
        parameters["datasets"] = refs
    return {
        "modelParameters": parameters,
        "quantitativeAnalysis": {"performanceMetrics": _metrics(card)},
        "considerations": _considerations(card),
    }


def _metrics(card: ModelCard) -> list[dict[str, Any]]:
    metrics = [_metric(figure) for figure in card.figures]
    metrics += [_metric(figure, f"{group.column} = {group.value}") for group in card.groups for figure in group.figures]
    return metrics + [_metric(part.figure, part.description) for part in card.slices]


def _metric(figure: Figure, part: str = "") -> dict[str, Any]:
    written: dict[str, Any] = {"type": figure.name, "value": _number(figure.value)}
    if part:
        written["slice"] = part
    bounds = {"lowerBound": figure.low, "upperBound": figure.high}
    if interval := {name: _number(bound) for name, bound in bounds.items() if bound is not None}:
        written["confidenceInterval"] = interval
    return written


def _number(value: float) -> str:
    return f"{value:.10g}"


def _considerations(card: ModelCard) -> dict[str, Any]:
    considered: dict[str, Any] = {"technicalLimitations": [*card.limits, *card.methods]}
    if card.purpose:
        considered["useCases"] = [card.purpose]
    gaps = {figure.name: figure for figure in card.figures if "_gap." in figure.name}
    assessments = []
    for column in card.sensitive:
        found = [figure for name, figure in gaps.items() if name.partition(".")[2] == column]
        told = "; ".join(f"{figure.name} {_number(figure.value)}" for figure in found)
        assessments.append(
            {
                "groupAtRisk": f"groups of {column}",
                "benefits": _BENEFIT,
                "harms": told or "No gap could be judged: fewer than two groups are large enough.",
            }
        )
    if assessments:
        considered["fairnessAssessments"] = assessments
    return considered
