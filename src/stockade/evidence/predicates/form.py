"""What all predicate records share: the way to a statement and the strict way back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self
from urllib.parse import quote, unquote

from stockade.errors import MalformedError
from stockade.evidence import canonical
from stockade.evidence.statement import Statement, Subject
from stockade.types.record import from_plain, to_plain


class Predicate(ABC):
    """A record that stands for the predicate of one type.

    Attributes:
        TYPE: URI of the predicate type.
    """

    __slots__ = ()
    TYPE: ClassVar[str]

    @abstractmethod
    def to_predicate(self) -> dict[str, Any]:
        """Write the predicate as its format prescribes."""

    @classmethod
    @abstractmethod
    def _read(cls, predicate: Mapping[str, Any]) -> Self:
        """Read the fields, with any lookup or value error for what is wrong."""

    def statement(self, subjects: Sequence[Subject]) -> Statement:
        """Make a statement of this about `subjects`.

        Raises:
            MalformedError: there is no subject, or two of one name.
        """
        return Statement(tuple(subjects), self.TYPE, self.to_predicate())

    @classmethod
    def from_predicate(cls, predicate: Mapping[str, Any]) -> Self:
        """Read a predicate that this class would have written, and nothing else.

        Raises:
            MalformedError: a field is missing, unknown, of the wrong type, or contradicts another.
        """
        try:
            record = cls._read(predicate)
        except MalformedError:
            raise
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise MalformedError(f"not a predicate of type {cls.TYPE}: {error}", where="predicate") from None
        if canonical.encode(record.to_predicate()) != canonical.encode(predicate):
            raise MalformedError(f"the predicate says more than, or otherwise than, {cls.TYPE} does", where="predicate")
        return record

    @classmethod
    def of(cls, statement: Statement) -> Self:
        """Read the predicate of a statement.

        Raises:
            MalformedError: it is of another type, or not well formed.
        """
        if statement.predicate_type != cls.TYPE:
            raise MalformedError(f"{cls.TYPE} is expected, not {statement.predicate_type}", where="predicateType")
        return cls.from_predicate(statement.predicate)


class FlatPredicate(Predicate):
    """A predicate of our own: the record's fields as they are."""

    __slots__ = ()

    def to_predicate(self) -> dict[str, Any]:
        """Write each field under its own name; digests as ``sha256:HEX``."""
        plain: dict[str, Any] = to_plain(self)
        return plain

    @classmethod
    def _read(cls, predicate: Mapping[str, Any]) -> Self:
        return from_plain(cls, predicate, "predicate")


def purl(kind: str, name: str, version: str) -> str:
    """Write a package URL, such as ``pkg:pypi/numpy@2.2.6``."""
    return f"pkg:{kind}/{quote(name, safe='')}@{quote(version, safe='')}"


def read_purl(text: str, kind: str) -> tuple[str, str]:
    """Name and version of a package URL of that kind.

    Raises:
        MalformedError: it is not one.
    """
    name, at, version = text.removeprefix(f"pkg:{kind}/").rpartition("@")
    if not at or not name or not version or not text.startswith(f"pkg:{kind}/"):
        raise MalformedError(f"a package URL pkg:{kind}/NAME@VERSION is expected", where=text[:80])
    return unquote(name, errors="strict"), unquote(version, errors="strict")
