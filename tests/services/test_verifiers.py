"""Other people's verifiers on a release: what is honest is accepted, what was altered is refused."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from services.conftest import Released

pytestmark = [pytest.mark.services, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

BY_PEOPLE = {"urn:stockade:predicate:decision:v1", "https://slsa.dev/verification_summary/v1"}


@pytest.fixture(scope="module")
def root(released: Released) -> dict[str, Any]:
    """The trust root as plain JSON, read by nothing of Stockade's."""
    document: dict[str, Any] = json.loads((released.unpacked / "trust.json").read_bytes())
    return document


def _envelopes(released: Released) -> Iterator[dict[str, Any]]:
    paths = sorted((released.unpacked / "envelopes").iterdir())
    assert len(paths) > 10
    for path in paths:
        yield json.loads(path.read_bytes())


def _keys(root: dict[str, Any], *roles: str) -> list[Any]:
    from securesystemslib.signer import SSlibKey

    signed = copy.deepcopy(root["signed"])
    wanted = {keyid for role in roles for keyid in signed["roles"][role]["keyids"]}
    return [SSlibKey.from_dict(keyid, signed["keys"][keyid]) for keyid in sorted(wanted)]


def _altered(envelope: dict[str, Any]) -> Iterator[dict[str, Any]]:
    payload = bytearray(base64.b64decode(envelope["payload"]))
    payload[len(payload) // 2] ^= 1
    yield {**envelope, "payload": base64.b64encode(payload).decode()}
    yield {**envelope, "payloadType": "application/json"}
    signature = bytearray(base64.b64decode(envelope["signatures"][0]["sig"]))
    signature[10] ^= 1
    first = {**envelope["signatures"][0], "sig": base64.b64encode(signature).decode()}
    yield {**envelope, "signatures": [first]}
    yield {**envelope, "signatures": []}


def test_every_envelope_is_verified_by_securesystemslib(released: Released, root: dict[str, Any]) -> None:
    """DSSE: the right role's key verifies, the other role's does not, and no alteration passes."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError

    builders, people = _keys(root, "builder"), _keys(root, "approver", "promoter")
    for envelope in _envelopes(released):
        kind = json.loads(base64.b64decode(envelope["payload"]))["predicateType"]
        right, wrong = (people, builders) if kind in BY_PEOPLE else (builders, people)
        assert Envelope.from_dict(copy.deepcopy(envelope)).verify(right, 1)
        with pytest.raises(VerificationError):
            Envelope.from_dict(copy.deepcopy(envelope)).verify(wrong, 1)
        for altered in _altered(envelope):
            with pytest.raises((VerificationError, ValueError)):
                Envelope.from_dict(copy.deepcopy(altered)).verify(right, 1)


def test_every_statement_is_in_toto_v1(released: Released) -> None:
    """in-toto's own library parses and validates each payload, and refuses one without subjects."""
    from google.protobuf import json_format
    from in_toto_attestation.v1 import statement_pb2
    from in_toto_attestation.v1.statement import Statement

    for envelope in _envelopes(released):
        payload = base64.b64decode(envelope["payload"])
        Statement.copy_from_pb(json_format.Parse(payload, statement_pb2.Statement())).validate()
        without = json.dumps({**json.loads(payload), "subject": []})
        with pytest.raises(ValueError):
            Statement.copy_from_pb(json_format.Parse(without, statement_pb2.Statement())).validate()


def test_the_trust_root_is_signed_by_its_own_persons(root: dict[str, Any]) -> None:
    """TUF's way: the threshold of root keys signed the canonical bytes, by securesystemslib and rfc8785."""
    import rfc8785
    from securesystemslib.exceptions import UnverifiedSignatureError
    from securesystemslib.signer import Signature, SSlibKey

    signed = root["signed"]
    keys = {keyid: SSlibKey.from_dict(keyid, copy.deepcopy(key)) for keyid, key in signed["keys"].items()}
    assert {item["keyid"] for item in root["signatures"]} <= set(signed["roles"]["root"]["keyids"])
    assert len(root["signatures"]) >= signed["roles"]["root"]["threshold"]
    for item in root["signatures"]:
        signature = Signature.from_dict(dict(item))
        keys[item["keyid"]].verify_signature(signature, rfc8785.dumps(signed))
        with pytest.raises(UnverifiedSignatureError):
            keys[item["keyid"]].verify_signature(signature, rfc8785.dumps({**signed, "trial": False}))


@pytest.mark.parametrize("version", ["1.5", "1.6", "1.7"])
def test_the_bill_of_materials_is_strict_cyclonedx(released: Released, version: str) -> None:
    """The strict JSON schemas of three versions accept it; one unknown field is refused."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = (released.unpacked / "artifacts" / "bom.cdx.json").read_text(encoding="utf-8")
    document = json.loads(text)
    assert document["specVersion"] == "1.6"
    validator = JsonStrictValidator(SchemaVersion.from_version(version))
    assert validator.validate_str(json.dumps({**document, "specVersion": version})) is None
    document["metadata"]["component"]["modelCard"]["colour"] = "red"
    assert validator.validate_str(json.dumps({**document, "specVersion": version})) is not None


def test_findings_are_sarif(released: Released) -> None:
    """A binding generated from the SARIF 2.1.0 schema, which forbids unknown fields, reads every field."""
    from pydantic import ValidationError
    from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif

    from stockade.report.sarif import to_sarif
    from stockade.types.results import Finding, Severity

    findings = [
        Finding(
            rule=f"audit.{severity.value}",
            subject="a column: «größe» %20",
            severity=severity,
            message="told\nin two lines",
            remedy="look",
        )
        for severity in Severity
    ]
    for about in ("people.csv", "/data/with space/größe.csv"):
        log = json.loads(to_sarif(findings, about, "1.2.3"))
        assert len(Sarif.model_validate(log).runs[0].results) == len(findings)
        log["runs"][0]["results"][0]["colour"] = "red"
        with pytest.raises(ValidationError):
            Sarif.model_validate(log)


def test_the_model_is_plain_onnx(released: Released) -> None:
    """The ONNX checker accepts the file with full type inference, and plain onnxruntime answers as the server does."""
    import onnx
    import onnxruntime

    from stockade.model.session import Model

    path = released.unpacked / "artifacts" / "model.onnx"
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(path)
    columns: dict[str, Any] = {
        "age": np.array([[47.0], [20.0]]),
        "hours": np.array([[40.0], [3.0]]),
        "region": np.array([["north"], ["west"]], dtype=object),
    }
    (found,) = session.run(None, columns)
    ours = Model(path.read_bytes()).predict({name: array.ravel() for name, array in columns.items()})
    assert np.array_equal(found, ours)


def test_the_report_is_valid_html(released: Released) -> None:
    """A parser that follows the standard's algorithm finds no parse error."""
    import html5lib

    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    document = parser.parse(released.report.read_text(encoding="utf-8"))
    assert parser.errors == []
    assert document.find("head/title").text
    assert parser.parse("<p></div>") is not None
    assert parser.errors != []
