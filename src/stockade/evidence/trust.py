"""The root of trust: which persons hold which keys, and how many persons a role takes.

The document has the shape of TUF's root metadata: ``{"signatures": [...], "signed": {"_type": "root", ...}}``. It adds
`persons`, because a threshold that counts keys lets one person with two keys be two people, and `trial`, because a
root made by a demo must not count in production. The rules:

1. Its bytes are canonical; its digest is over all of them, and is what people pin.
2. Every key id is the digest of its key, and every key belongs to exactly one person.
3. A threshold counts persons, and can be reached.
4. It is signed by its own root role's threshold, and a successor by its predecessor's as well.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stockade.errors import ExpiredError, MalformedError, SignatureError
from stockade.evidence import canonical
from stockade.evidence.public import PublicKey
from stockade.evidence.sign import Signer
from stockade.evidence.text import read_time, unhex, write_time
from stockade.types.digest import Digest

ROLES = ("root", "builder", "log", "approver", "promoter", "policy", "source", "server", "worker", "witness")
"""All roles there are."""

MAX_BYTES = 1 << 20
"""Longest trust root accepted, in bytes."""

_MAX_ENTRIES = 1024
_LONGEST_NAME = 200
_SIGNED = {"_type", "expires", "keys", "persons", "roles", "trial", "version"}
_GET_ANOTHER = "get the trust root again from the people you trust"


@dataclass(frozen=True, slots=True)
class Role:
    """Keys that may act in a role, and how many distinct persons it takes."""

    keyids: tuple[str, ...]
    threshold: int


@dataclass(frozen=True, slots=True)
class TrustRoot:
    """A trust root that agrees with itself; whether to trust it is for who holds its digest to know.

    Made by `parse` alone. Attributes are those of the document.

    Attributes:
        data: The document's bytes.
        version: 1 or more, rising by one.
        trial: Whether it is good for trying things out only.
        expires: When it ceases to hold.
        keys: All keys by id.
        persons: The keys each person holds.
        roles: The roles that are filled.
    """

    data: bytes
    version: int
    trial: bool
    expires: datetime
    keys: Mapping[str, PublicKey]
    persons: Mapping[str, tuple[str, ...]]
    roles: Mapping[str, Role]

    @property
    def digest(self) -> Digest:
        """Digest of the whole document, which people pin."""
        return Digest.of(self.data)

    def keys_of(self, role: str) -> dict[str, PublicKey]:
        """Keys that may act in a role, by id; empty where the role is not filled."""
        return {keyid: self.keys[keyid] for keyid in self.roles[role].keyids} if role in self.roles else {}

    def threshold(self, role: str) -> int:
        """How many distinct persons a role takes.

        Raises:
            SignatureError: the role is not filled.
        """
        if role not in self.roles:
            raise SignatureError(
                f"the trust root lets nobody act as {role}",
                where=f"roles.{role}",
                remedy="have the trust root name a key for that role",
            )
        return self.roles[role].threshold

    def person_of(self, keyid: str) -> str | None:
        """Who holds a key, ``None`` where nobody does."""
        return next((person for person, keyids in self.persons.items() if keyid in keyids), None)

    def roles_of(self, person: str) -> tuple[str, ...]:
        """Roles that a person may act in, in the order of `ROLES`."""
        held = set(self.persons.get(person, ()))
        return tuple(role for role in ROLES if role in self.roles and held & set(self.roles[role].keyids))

    def people(self, keyids: Iterable[str]) -> tuple[str, ...]:
        """The distinct persons behind keys of this root, sorted."""
        return tuple(sorted({person for keyid in keyids if (person := self.person_of(keyid)) is not None}))

    def require_current(self, now: datetime) -> None:
        """Check that the root has not expired.

        Raises:
            ExpiredError: it has.
        """
        if now >= self.expires:
            raise ExpiredError(f"the trust root expired on {write_time(self.expires)}", remedy=_GET_ANOTHER)

    def require_production(self) -> None:
        """Check that the root is meant for production.

        Raises:
            ExpiredError: it is for trials.
        """
        if self.trial:
            raise ExpiredError(
                "the trust root is marked trial and does not count in production",
                where="trial",
                remedy="make a trust root with keys that people hold",
            )

    def successor(self, data: bytes) -> TrustRoot:
        """Read the next version of this root.

        Raises:
            MalformedError: the document is not well formed, or its version is not the next.
            SignatureError: this root's threshold, or its own, is not reached.
        """
        return parse(data, previous=self)


def parse(data: bytes, previous: TrustRoot | None = None) -> TrustRoot:
    """Read a trust root and check the rules above. Expiry is for the verifier to check, who knows the time.

    Args:
        data: The document.
        previous: The root that must have approved it, where one is known.

    Raises:
        MalformedError: the document is not well formed, or breaks rule 1, 2 or 3.
        SignatureError: it breaks rule 4.
    """
    document = canonical.decode(data, limit=MAX_BYTES)
    if not isinstance(document, dict) or document.keys() != {"signatures", "signed"}:
        raise MalformedError("a trust root has the fields signatures and signed", remedy=_GET_ANOTHER)
    signed = document["signed"]
    if not isinstance(signed, dict) or signed.keys() != _SIGNED or signed["_type"] != "root":
        raise MalformedError("this is not a trust root", where="signed", remedy=_GET_ANOTHER)
    root = _root(data, signed)
    _check_signatures(root, document["signatures"], canonical.encode(signed), previous)
    return root


def build_root(
    *,
    version: int,
    expires: datetime,
    trial: bool,
    persons: Mapping[str, Sequence[PublicKey]],
    roles: Mapping[str, Sequence[PublicKey]],
    signers: Sequence[Signer],
    thresholds: Mapping[str, int] | None = None,
    previous: TrustRoot | None = None,
) -> TrustRoot:
    """Write and sign a trust root.

    Args:
        version: 1, or one more than that of `previous`.
        expires: When it ceases to hold.
        trial: Whether it is for trials only.
        persons: Who holds which keys; a machine's key has a name of its own.
        roles: Which keys may act in which role; ``root`` must be among them.
        signers: Holders of keys of the root role, and of `previous`'s.
        thresholds: How many persons a role takes; 1 where not said.
        previous: The root that this one follows.

    Raises:
        MalformedError: the rules of the module are broken.
        SignatureError: the signers do not reach the threshold.
    """
    limits = thresholds or {}
    signed = {
        "_type": "root",
        "expires": write_time(expires),
        "keys": {key.keyid: key.to_plain() for keys in persons.values() for key in keys},
        "persons": {name: {"keyids": sorted(key.keyid for key in keys)} for name, keys in persons.items()},
        "roles": {
            role: {"keyids": sorted(key.keyid for key in keys), "threshold": limits.get(role, 1)}
            for role, keys in roles.items()
        },
        "trial": trial,
        "version": version,
    }
    message = canonical.encode(signed)
    made = sorted(({"keyid": item.keyid, "sig": item.sign(message).hex()} for item in signers), key=_keyid)
    return parse(canonical.encode({"signatures": made, "signed": signed}), previous)


def _keyid(signature: dict[str, str]) -> str:
    return signature["keyid"]


def _root(data: bytes, signed: dict[str, Any]) -> TrustRoot:
    version, trial = signed["version"], signed["trial"]
    if type(version) is not int or version < 1 or not isinstance(trial, bool):
        raise MalformedError("version is a whole number from 1 on, and trial true or false", where="signed")
    keys = {keyid: PublicKey.from_plain(item, f"keys.{keyid[:12]}") for keyid, item in _entries(signed, "keys").items()}
    if wrong := [keyid for keyid, key in keys.items() if key.keyid != keyid]:
        raise MalformedError("a key does not have the id it is listed under", where=f"keys.{wrong[0][:12]}")
    persons = _persons(_entries(signed, "persons"), keys)
    roles = {name: _role(name, item, keys, persons) for name, item in _entries(signed, "roles").items()}
    if "root" not in roles:
        raise MalformedError("the trust root lets nobody change it: there is no root role", where="roles")
    return TrustRoot(data, version, trial, read_time(signed["expires"], "expires"), keys, persons, roles)


def _entries(signed: dict[str, Any], name: str) -> dict[str, Any]:
    value = signed[name]
    if not isinstance(value, dict) or not 0 < len(value) <= _MAX_ENTRIES:
        raise MalformedError(f"an object of 1 to {_MAX_ENTRIES} members is expected", where=name)
    return value


def _persons(items: dict[str, Any], keys: Mapping[str, PublicKey]) -> dict[str, tuple[str, ...]]:
    persons: dict[str, tuple[str, ...]] = {}
    for name, item in items.items():
        if not _is_name(name) or not isinstance(item, dict) or item.keys() != {"keyids"}:
            raise MalformedError("a person has a name and the field keyids", where=f"persons.{name[:40]}")
        persons[name] = _keyids(item["keyids"], keys, f"persons.{name}")
    held = [keyid for keyids in persons.values() for keyid in keyids]
    if len(set(held)) != len(held) or set(held) != set(keys):
        raise MalformedError("every key belongs to exactly one person", where="persons")
    return persons


def _is_name(text: str) -> bool:
    """Whether a text can be a person's name: what is shown as the same name is the same, and steers no terminal."""
    plain = unicodedata.normalize("NFKC", text)
    return 0 < len(text) <= _LONGEST_NAME and text.isprintable() and text == plain == " ".join(plain.split())


def _keyids(value: object, keys: Mapping[str, PublicKey], where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item in keys for item in value):
        raise MalformedError("a list of ids of keys of this root is expected", where=where)
    if value != sorted(set(value)):
        raise MalformedError("the ids of keys are sorted and distinct", where=where)
    return tuple(value)


def _role(name: str, item: object, keys: Mapping[str, PublicKey], persons: Mapping[str, tuple[str, ...]]) -> Role:
    where = f"roles.{name[:40]}"
    if name not in ROLES or not isinstance(item, dict) or item.keys() != {"keyids", "threshold"}:
        raise MalformedError("a role is known by name and has the fields keyids and threshold", where=where)
    keyids, threshold = _keyids(item["keyids"], keys, where), item["threshold"]
    holders = sum(1 for held in persons.values() if set(held) & set(keyids))
    if type(threshold) is not int or not 1 <= threshold <= holders:
        raise MalformedError(f"the threshold is between 1 and the {holders} persons of the role", where=where)
    return Role(keyids, threshold)


def _check_signatures(root: TrustRoot, listed: object, message: bytes, previous: TrustRoot | None) -> None:
    if previous is not None and root.version != previous.version + 1:
        raise MalformedError(f"version {previous.version + 1} is expected, not {root.version}", where="version")
    known = {**(previous.keys_of("root") if previous else {}), **root.keys_of("root")}
    valid: list[str] = []
    for keyid, sig in _signatures(listed):
        if keyid in known and known[keyid].verify(sig, message):
            valid.append(keyid)
        # Keys of a predecessor that is not at hand cannot be checked; every other signature must hold.
        elif keyid in known or previous is not None or root.version == 1:
            raise SignatureError("a signature of the trust root does not hold", where=keyid[:12], remedy=_GET_ANOTHER)
    for authority in (root, previous) if previous else (root,):
        people = authority.people(set(valid) & set(authority.keys_of("root")))
        if len(people) < authority.threshold("root"):
            raise SignatureError(
                f"the trust root is signed by {len(people)} of the {authority.threshold('root')} persons it takes",
                where=f"version {authority.version}",
                remedy=_GET_ANOTHER,
            )


def _signatures(listed: object) -> list[tuple[str, bytes]]:
    if not isinstance(listed, list) or not 0 < len(listed) <= _MAX_ENTRIES:
        raise MalformedError("a list of signatures is expected", where="signatures")
    found: list[tuple[str, bytes]] = []
    for item in listed:
        if not isinstance(item, dict) or item.keys() != {"keyid", "sig"}:
            raise MalformedError("a signature has the fields keyid and sig", where="signatures")
        found.append((unhex(item["keyid"], "signatures", size=32).hex(), unhex(item["sig"], "signatures")))
    names = [keyid for keyid, _ in found]
    if names != sorted(set(names)):
        raise MalformedError("signatures are sorted by key and distinct", where="signatures")
    return found
