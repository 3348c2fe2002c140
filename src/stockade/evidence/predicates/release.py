"""That artifacts make up a version of a model: in-toto Release v0.1.

The subjects of the statement are the version's artifacts by name: ``model``, ``card``, ``bom`` and so on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from stockade.evidence.predicates.form import Predicate, purl, read_purl
from stockade.evidence.statement import RELEASE
from stockade.types.digest import Digest

MODEL = "model"
"""Name of the subject that is the model itself."""


@dataclass(frozen=True, slots=True)
class ReleaseInfo(Predicate):
    """A registered version.

    Attributes:
        name: Name of the registered model.
        version: 1 or more.
        run: Digest of the envelope of the run's statement.
    """

    TYPE: ClassVar[str] = RELEASE

    name: str
    version: int
    run: Digest

    def __post_init__(self) -> None:
        if not self.name or type(self.version) is not int or self.version < 1:
            raise ValueError("a release has a name and a version from 1 on")

    @property
    def purl(self) -> str:
        """Package URL of the version."""
        return purl("generic", self.name, str(self.version))

    def to_predicate(self) -> dict[str, Any]:
        """Write Release v0.1."""
        return {"purl": self.purl, "stockade_run": str(self.run)}

    @classmethod
    def _read(cls, predicate: Mapping[str, Any]) -> ReleaseInfo:
        name, version = read_purl(predicate["purl"], "generic")
        return cls(name, int(version), Digest.parse(predicate["stockade_run"]))
