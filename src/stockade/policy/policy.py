"""A policy: Cedar text that was compiled, checked and given a digest.

    >>> from stockade.policy.policy import Policy
    >>> policy = Policy.compile('thresholds.auc = ">= 0.80"')
    >>> [rule.title for rule in policy.rules if rule.figure]
    ['auc is at least 0.8']

What is hashed, attested, recorded beside a promotion and evaluated again by a server is the compiled text, its schema
and the hand-written files: neither the order nor the white space of policy.toml is part of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cedarpy

from stockade.errors import ConfigError, PolicyError
from stockade.evidence import canonical
from stockade.policy.cedar import PERMIT, compile_rules, compile_schema, figures_of_schema, read_rules
from stockade.policy.document import read
from stockade.policy.rules import Rule, clauses
from stockade.types.digest import Digest

FORMAT = 1
_FIELDS = {"format", "cedar", "schema", "extra"}


@dataclass(frozen=True, slots=True)
class Policy:
    """Checked Cedar text and the rules in it. Made by `load`, `compile` and `parse`, which validate.

    Attributes:
        cedar: Text compiled from policy.toml.
        schema: Cedar schema of every request.
        extra: Name and text of hand-written files, sorted by name.
        rules: All forbidding rules, sorted by id within their file, the compiled ones first.
    """

    cedar: str
    schema: str
    extra: tuple[tuple[str, str], ...]
    rules: tuple[Rule, ...]

    @classmethod
    def load(cls, folder: Path) -> Policy:
        """Read ``policy.toml`` and all ``*.cedar`` of a folder.

        Raises:
            ConfigError: there is no policy.toml, or it says something that cannot be; with file and line.
            PolicyError: a Cedar file does not parse or validate.
        """
        path = folder / "policy.toml"
        extra = {item.name: _text(item) for item in sorted(folder.glob("*.cedar"))}
        return cls.compile(_text(path), extra, path=str(path))

    @classmethod
    def compile(cls, toml: str, extra: Mapping[str, str] | None = None, *, path: str = "policy.toml") -> Policy:
        """Compile the text of a policy.toml, with hand-written Cedar texts by name.

        Raises:
            ConfigError: the TOML says something that cannot be.
            PolicyError: a Cedar text does not parse or validate.
        """
        document = read(toml, path)
        return _checked(compile_rules(clauses(document)), compile_schema(document), extra or {})

    @classmethod
    def parse(cls, data: bytes) -> Policy:
        """Read what `to_bytes` wrote, and validate it as if it were new.

        Raises:
            PolicyError: the Cedar text does not parse or validate, or the format is not known.
            stockade.errors.MalformedError: not canonical JSON.
        """
        document = canonical.decode(data)
        if not isinstance(document, dict) or document.keys() != _FIELDS or document["format"] != FORMAT:
            raise PolicyError(f"not a policy of format {FORMAT}", remedy="update Stockade")
        cedar, schema, extra = document["cedar"], document["schema"], document["extra"]
        texts = [cedar, schema, *(extra.values() if isinstance(extra, dict) else (None,))]
        if not all(isinstance(text, str) for text in texts):
            raise PolicyError("a policy consists of texts", remedy="write it again from policy.toml")
        return _checked(cedar, schema, extra)

    def to_bytes(self) -> bytes:
        """Write the policy as canonical JSON; the digest of these bytes is `digest`."""
        return canonical.encode(
            {"format": FORMAT, "cedar": self.cedar, "schema": self.schema, "extra": dict(self.extra)}
        )

    @property
    def digest(self) -> Digest:
        """Digest of the compiled Cedar text, the schema and the hand-written files together."""
        return Digest.of(self.to_bytes())

    @property
    def text(self) -> str:
        """All Cedar text that is evaluated."""
        return "\n".join([self.cedar, *(text for _, text in self.extra)])

    def rule(self, name: str) -> Rule | None:
        """The rule of that id, ``None`` for none."""
        return next((rule for rule in self.rules if rule.id == name), None)

    @property
    def figures(self) -> frozenset[str]:
        """Names of the figures that requests may carry."""
        return figures_of_schema(self.schema)


def _checked(cedar: str, schema: str, extra: Mapping[str, str]) -> Policy:
    known = figures_of_schema(schema)
    # Each text is parsed alone first: one cannot open a comment or a string that swallows the next.
    rules = list(read_rules(cedar, "policy.toml", known))
    for name, text in sorted(extra.items()):
        rules += read_rules(text, name, known)
    ids = [rule.id for rule in rules]
    for rule in rules:
        if ids.count(rule.id) > 1 or rule.id == PERMIT:
            raise PolicyError(f"two policies have the id {rule.id!r}", where=rule.origin, remedy="rename one")
    policy = Policy(cedar, schema, tuple(sorted(extra.items())), tuple(rules))
    _validate(policy)
    return policy


def _validate(policy: Policy) -> None:
    """Hold the policies against the schema; evaluation alone does not, and would skip what does not apply."""
    try:
        result = cedarpy.validate_policies(policy.text, policy.schema)
    except ValueError as error:
        raise PolicyError(f"the Cedar schema cannot be read: {error}", remedy="compile the policy again") from None
    if result.validation_passed:
        return
    names = _ids_by_place(policy)
    first = result.errors[0]
    place = names.get(first.policy_id, "")
    raise PolicyError(f"does not validate: {first.error}", where=place, remedy="correct the policy")


def _ids_by_place(policy: Policy) -> dict[str, str]:
    parsed = json.loads(cedarpy.policies_to_json_str(policy.text))["staticPolicies"]
    origins = {rule.id: rule.origin for rule in policy.rules}
    ids = {place: item.get("annotations", {}).get("id", "") for place, item in parsed.items()}
    return {place: f"{origins.get(name, 'policy')}: {name}" for place, name in ids.items()}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            "there is no policy", where=str(path), remedy="bring it back; nothing is admitted without a policy"
        ) from None
    except UnicodeDecodeError:
        raise ConfigError("not UTF-8 text", where=str(path), remedy="save the file as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path), remedy="check it") from None
