"""in-toto Statements, version 1: a predicate about subjects that are named by digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stockade.errors import MalformedError
from stockade.evidence import canonical
from stockade.evidence.text import unhex
from stockade.types.digest import Digest

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"

PROVENANCE = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
VSA = "https://slsa.dev/verification_summary/v1"
RELEASE = "https://in-toto.io/attestation/release/v0.1"
BOM = "https://cyclonedx.org/bom"
RUN = "urn:stockade:predicate:run:v1"
DECISION = "urn:stockade:predicate:decision:v1"

MAX_SUBJECTS = 4096
"""Most subjects of one statement."""

_MAX_NAME = 1024


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """Something with a name and a content.

    Attributes:
        name: What it is called, 1 to 1024 characters.
        digest: What it holds.
    """

    name: str
    digest: Digest

    def __post_init__(self) -> None:
        if not 0 < len(self.name) <= _MAX_NAME:
            raise MalformedError(f"the name of a subject has 1 to {_MAX_NAME} characters")


@dataclass(frozen=True, slots=True)
class Statement:
    """What is claimed of which artifacts.

    Attributes:
        subjects: One or more, with distinct names.
        predicate_type: URI of the predicate's format.
        predicate: The claim, a JSON object.

    Raises:
        MalformedError: no or too many subjects, two of one name, or an empty predicate.
    """

    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not 0 < len(self.subjects) <= MAX_SUBJECTS:
            raise MalformedError(f"a statement has 1 to {MAX_SUBJECTS} subjects")
        if len({subject.name for subject in self.subjects}) != len(self.subjects):
            raise MalformedError("two subjects of one statement have the same name")
        if not 0 < len(self.predicate_type) <= _MAX_NAME or not self.predicate:
            raise MalformedError("a statement has a predicate type and a predicate that is not empty")

    def to_bytes(self) -> bytes:
        """Write the statement as canonical JSON."""
        return canonical.encode(
            {
                "_type": STATEMENT_TYPE,
                "subject": [descriptor(subject) for subject in self.subjects],
                "predicateType": self.predicate_type,
                "predicate": self.predicate,
            }
        )

    @classmethod
    def parse(cls, data: bytes) -> Statement:
        """Read a statement that is canonical to the last byte.

        Raises:
            MalformedError: a field is missing, unknown or of the wrong type, a digest is not SHA-256, or the rules
                of the class are broken.
        """
        document = canonical.decode(data)
        if not isinstance(document, dict) or document.keys() != {"_type", "subject", "predicateType", "predicate"}:
            raise MalformedError("a statement has the fields _type, subject, predicateType and predicate")
        if document["_type"] != STATEMENT_TYPE:
            raise MalformedError(f"the statement is not of type {STATEMENT_TYPE}")
        listed, kind, predicate = document["subject"], document["predicateType"], document["predicate"]
        if not isinstance(listed, list) or not isinstance(kind, str) or not isinstance(predicate, dict):
            raise MalformedError("subject is a list, predicateType a text and predicate an object")
        subjects = tuple(read_descriptor(item, f"subject[{place}]") for place, item in enumerate(listed))
        return cls(subjects, kind, predicate)

    def subject(self, name: str) -> Digest | None:
        """Digest of the subject of that name, ``None`` where there is none."""
        return next((item.digest for item in self.subjects if item.name == name), None)


def descriptor(subject: Subject) -> dict[str, Any]:
    """Write a subject as an in-toto ResourceDescriptor."""
    return {"name": subject.name, "digest": {"sha256": subject.digest.hex}}


def read_descriptor(item: object, where: str) -> Subject:
    """Read a ResourceDescriptor of exactly a name and one SHA-256 digest.

    Raises:
        MalformedError: it is anything else.
    """
    if not isinstance(item, dict) or item.keys() != {"name", "digest"} or not isinstance(item["name"], str):
        raise MalformedError("a name and a digest are expected", where=where)
    return Subject(item["name"], read_digest(item["digest"], f"{where}.digest"))


def read_digest(item: object, where: str) -> Digest:
    """Read a DigestSet of exactly one SHA-256 digest.

    Raises:
        MalformedError: it is anything else.
    """
    if not isinstance(item, dict) or item.keys() != {"sha256"}:
        raise MalformedError("a sha256 digest is expected", where=where)
    return Digest(unhex(item["sha256"], where, size=32).hex())
