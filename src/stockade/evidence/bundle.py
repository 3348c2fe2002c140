"""One file that proves a version: its artifacts, all statements about it, and their places in the log.

    write_bundle(path, dossier, ledger, artifacts={"model.onnx": model}, policies=[policy])
    report = verify_bundle(path, Digest.parse("sha256:..."))

The members are ``manifest.json`` (every other member with size and digest), ``trust.json``, ``checkpoint``,
``proofs.json``, ``envelopes/DIGEST.json``, ``policy/DIGEST.json`` and ``artifacts/NAME``. Verification takes these
steps, always in this order, and stops at the first that fails:

(1) the file is an archive in which every byte is accounted for
(2) the manifest lists exactly the members, each with its size and digest
(3) the trust root is the one that was given; current, and no trial one where that matters
(4) every envelope verifies for the role that its type takes, and is in the log of the checkpoint
(5) the evidence is complete and without contradiction (`stockade.evidence.chain`)
(6) every artifact is one that the release names, and the model is among them
(7) every policy is one that a decision or gate names

Whether the policy admits the evidence is not decided here: that takes the policy engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from stockade.errors import (
    DigestMismatchError,
    EvidenceError,
    LogError,
    MalformedError,
    MissingEvidenceError,
    UntrustedError,
)
from stockade.evidence import canonical, envelope, trust
from stockade.evidence.archive import Archive, write_archive
from stockade.evidence.chain import Dossier, assemble
from stockade.evidence.envelope import Envelope
from stockade.evidence.ledger import Ledger
from stockade.evidence.merkle import MAX_PROOF, Inclusion
from stockade.evidence.note import MAX_BYTES as MAX_NOTE
from stockade.evidence.note import Checkpoint, parse_checkpoint, verify_checkpoint
from stockade.evidence.predicates import Decision, Gate, ReleaseInfo, RunSummary, StepProvenance, TestResult
from stockade.evidence.predicates.release import MODEL
from stockade.evidence.statement import BOM, DECISION, PROVENANCE, RELEASE, RUN, TEST_RESULT, VSA, Statement
from stockade.evidence.text import b64, unb64
from stockade.evidence.trust import TrustRoot
from stockade.evidence.verify import Evidence, verify_envelope
from stockade.types.digest import Digest

FORMAT = "stockade-bundle"
VERSION = 1

_MAX_JSON = 16 << 20
_ROLES = {
    PROVENANCE: ("builder",),
    TEST_RESULT: ("builder",),
    RUN: ("builder",),
    RELEASE: ("builder",),
    BOM: ("builder",),
    VSA: ("promoter", "policy", "builder"),
}
_AGAIN = "get the bundle again from where it was made"


@dataclass(frozen=True, slots=True)
class BundleReport:
    """What a bundle proved.

    Attributes:
        trusted: Whether a trust root was given to hold it against; if not, it is only consistent in itself.
        trial: Whether the root is for trials only.
        root: Digest of the trust root that was held against.
        origin: Name of the log.
        size: Entries of the log at the checkpoint.
        name: Name of the registered model.
        version: Its version.
        model: Digest of the model's bytes.
        dossier: All evidence.
        gates: Signed outcomes of policy that came along.
        artifacts: Digests of the artifacts in the bundle, by file name.
        policies: Policies in the bundle, by digest, for evaluating them again.
        proven: What holds, one sentence each.
        unproven: What the bundle does not prove, one sentence each.
    """

    trusted: bool
    trial: bool
    root: Digest
    origin: str
    size: int
    name: str
    version: int
    model: Digest
    dossier: Dossier
    gates: tuple[Evidence, ...]
    artifacts: Mapping[str, Digest]
    policies: Mapping[Digest, bytes]
    proven: tuple[str, ...]
    unproven: tuple[str, ...]


def write_bundle(
    path: Path,
    dossier: Dossier,
    ledger: Ledger,
    *,
    artifacts: Mapping[str, bytes | Path],
    policies: Sequence[bytes] = (),
    further: Sequence[Evidence] = (),
) -> None:
    """Write the bundle of a version; atomic, and the same bytes for the same contents.

    Args:
        path: The bundle; an existing one is replaced.
        dossier: All evidence of the version.
        ledger: The log that holds it.
        artifacts: Files by name, such as ``model.onnx``; each is one that the release names, the model among them.
        policies: Policies that decisions or gates name.
        further: More statements about the version: gates, bills of materials.

    Raises:
        EvidenceError: the bundle would not verify.
        StorageFullError: no space is left.
        ServiceError: a file cannot be read or written.
    """
    pieces = {piece.digest: piece for piece in (*dossier.evidence, *further)}
    checkpoint, proofs = _proofs(ledger, pieces)
    members: dict[str, bytes | Path] = {
        "checkpoint": checkpoint.note,
        "proofs.json": canonical.encode(proofs),
        "trust.json": ledger.trust.data,
        **{f"envelopes/{digest.hex}.json": piece.envelope.to_bytes() for digest, piece in pieces.items()},
        **{f"policy/{Digest.of(policy).hex}.json": policy for policy in policies},
        **{f"artifacts/{name}": contents for name, contents in artifacts.items()},
    }
    listed = {name: _described(contents) for name, contents in members.items()}
    _check_artifacts(dossier, {name: Digest(listed[f"artifacts/{name}"]["sha256"]) for name in artifacts})
    manifest = {"format": FORMAT, "version": VERSION, "members": listed, "release": str(dossier.release.digest)}
    ordered = {"manifest.json": canonical.encode(manifest), **{name: members[name] for name in sorted(members)}}
    write_archive(path, ordered)


def verify_bundle(
    path: Path, trusted: TrustRoot | Digest | None, now: datetime | None = None, *, production: bool = False
) -> BundleReport:
    """Verify a bundle offline; the steps are those of the module.

    Args:
        path: The bundle.
        trusted: A trust root or its digest, obtained from elsewhere; without one the report is not `trusted`.
        now: The time to hold the root's expiry against; the clock's by default.
        production: Refuse a root that is for trials only.

    Raises:
        UntrustedError: the bundle was made under another root than the given.
        ExpiredError: the root has expired, or is for trials only and `production` is asked for.
        DigestMismatchError: a member is not the one that was listed or attested; the message names it.
        MissingEvidenceError: something is missing; the message names it.
        EvidenceError: any other step fails.
        ServiceError: the file cannot be read.
    """
    with Archive(path) as archive:  # (1)
        manifest, digests = _manifest(archive)  # (2)
        root = _root(archive.read("trust.json", trust.MAX_BYTES), trusted)  # (3)
        root.require_current(datetime.now(UTC) if now is None else now)
        if production:
            root.require_production()
        checkpoint = verify_checkpoint(archive.read("checkpoint", MAX_NOTE), root)
        pieces = tuple(_envelopes(archive, root, checkpoint, now))  # (4)
        policies = {digests[name]: archive.read(name, _MAX_JSON) for name in archive.names if _in(name, "policy")}
    dossier = _assembled(pieces, manifest)  # (5)
    artifacts = {name.partition("/")[2]: digest for name, digest in digests.items() if _in(name, "artifacts")}
    _check_artifacts(dossier, artifacts)  # (6)
    gates = tuple(piece for piece in pieces if piece.statement.predicate_type == VSA)
    needed = _check_policies(dossier, gates, digests)  # (7)
    info = ReleaseInfo.of(dossier.release.statement)
    absent = tuple(sorted(str(digest) for digest in needed - set(policies)))
    return BundleReport(
        trusted=trusted is not None,
        trial=root.trial,
        root=root.digest,
        origin=checkpoint.origin,
        size=checkpoint.size,
        name=info.name,
        version=info.version,
        model=dossier.model,
        dossier=dossier,
        gates=gates,
        artifacts=MappingProxyType(artifacts),
        policies=MappingProxyType(policies),
        proven=_proven(dossier, checkpoint, artifacts),
        unproven=_unproven(dossier, root, artifacts, absent, trusted=trusted is not None),
    )


def _in(name: str, folder: str) -> bool:
    return name.startswith(f"{folder}/")


def _described(contents: bytes | Path) -> dict[str, Any]:
    if isinstance(contents, bytes):
        return {"sha256": Digest.of(contents).hex, "size": len(contents)}
    return {"sha256": Digest.of_file(contents).hex, "size": contents.stat().st_size}


def _proofs(ledger: Ledger, pieces: Mapping[Digest, Evidence]) -> tuple[Checkpoint, dict[str, Any]]:
    checkpoint = ledger.checkpoint()
    proofs: dict[str, Any] = {}
    for digest, piece in pieces.items():
        if piece.leaf is None:
            raise MissingEvidenceError(f"the log does not hold the envelope {digest}", where="write_bundle")
        proof = ledger.prove(piece.leaf)
        if proof.size != checkpoint.size:
            raise LogError("the log grew while the bundle was written", remedy="write it again")
        proofs[digest.hex] = {"leaf": proof.leaf, "hashes": [b64(item) for item in proof.hashes]}
    return checkpoint, {"size": checkpoint.size, "proofs": proofs}


def _manifest(archive: Archive) -> tuple[dict[str, Any], dict[str, Digest]]:
    if archive.names[:1] != ("manifest.json",):
        raise MissingEvidenceError("manifest.json is missing, or not the first member", where="bundle", remedy=_AGAIN)
    document = canonical.decode(archive.read("manifest.json", _MAX_JSON))
    if not isinstance(document, dict) or document.keys() != {"format", "version", "members", "release"}:
        raise MalformedError("its fields are format, version, members and release", where="manifest.json")
    if (document["format"], document["version"]) != (FORMAT, VERSION) or not isinstance(document["members"], dict):
        raise MalformedError(f"not a bundle of version {VERSION}", where="manifest.json", remedy="update Stockade")
    listed = document["members"]
    present = list(archive.names[1:])
    if missing := sorted(set(listed) - set(present)):
        raise MissingEvidenceError(f"{missing[0]} is listed and missing", where="manifest.json", remedy=_AGAIN)
    if present != sorted(listed):
        raise MalformedError("there is a member that the manifest does not list", where="manifest.json", remedy=_AGAIN)
    return document, {name: _checked(archive, name, listed[name]) for name in present}


def _checked(archive: Archive, name: str, entry: object) -> Digest:
    folder, _, rest = name.partition("/")
    if name not in ("checkpoint", "proofs.json", "trust.json") and not (
        rest and "/" not in rest and folder in ("envelopes", "policy", "artifacts")
    ):
        raise MalformedError(f"a bundle has no place for {name}", where="manifest.json", remedy=_AGAIN)
    digest = archive.digest(name)
    if entry != {"sha256": digest.hex, "size": archive.size(name)}:
        raise DigestMismatchError(f"{name} is not what the manifest lists", where=name, remedy=_AGAIN)
    if folder in ("envelopes", "policy") and rest != f"{digest.hex}.json":
        raise DigestMismatchError(f"{name} does not hold what its name says", where=name, remedy=_AGAIN)
    return digest


def _root(data: bytes, trusted: TrustRoot | Digest | None) -> TrustRoot:
    if isinstance(trusted, TrustRoot):
        trust.parse(data)
        return trusted
    if trusted is not None and Digest.of(data) != trusted:
        raise UntrustedError(
            "the bundle was made under another trust root than the one given",
            where="trust.json",
            remedy=f"its root is {Digest.of(data)}; ask the people you trust whether that is theirs",
        )
    return trust.parse(data)


def _envelopes(archive: Archive, root: TrustRoot, checkpoint: Checkpoint, now: datetime | None) -> Iterator[Evidence]:
    names = [name for name in archive.names if _in(name, "envelopes")]
    document = canonical.decode(archive.read("proofs.json", _MAX_JSON))
    proofs = document.get("proofs") if isinstance(document, dict) and document.keys() == {"size", "proofs"} else None
    if not isinstance(proofs, dict) or document["size"] != checkpoint.size:
        raise MalformedError("the proofs are not for this checkpoint", where="proofs.json", remedy=_AGAIN)
    if sorted(proofs) != [name[len("envelopes/") : -len(".json")] for name in names]:
        raise MalformedError("there is one proof for each envelope", where="proofs.json", remedy=_AGAIN)
    for name in names:
        data = archive.read(name, envelope.MAX_BYTES)
        digest = name[len("envelopes/") : -len(".json")]
        yield _verified(data, root, checkpoint, _inclusion(proofs[digest], checkpoint.size), now)


def _inclusion(item: object, size: int) -> Inclusion:
    if not isinstance(item, dict) or item.keys() != {"leaf", "hashes"} or type(item["leaf"]) is not int:
        raise MalformedError("a proof has the fields leaf and hashes", where="proofs.json")
    hashes = item["hashes"]
    if not isinstance(hashes, list) or len(hashes) > MAX_PROOF:
        raise MalformedError(f"a proof has at most {MAX_PROOF} hashes", where="proofs.json")
    return Inclusion(item["leaf"], size, tuple(unb64(text, "proofs.json") for text in hashes))


def _verified(
    data: bytes, root: TrustRoot, checkpoint: Checkpoint, inclusion: Inclusion, now: datetime | None
) -> Evidence:
    # What it claims to be decides on the role, and is believed only once that role's signature covers it.
    statement = Statement.parse(Envelope.parse(data).payload)
    kind = statement.predicate_type
    roles = (Decision.of(statement).role,) if kind == DECISION else _ROLES.get(kind, ())
    failure = EvidenceError(f"a bundle has no place for statements of type {kind}", where="envelopes", remedy=_AGAIN)
    for role in roles:
        try:
            return verify_envelope(
                data, root, role, now=now, predicate=kind, inclusion=inclusion, checkpoint=checkpoint
            )
        except EvidenceError as error:
            failure = error
    raise failure


def _assembled(pieces: Sequence[Evidence], manifest: Mapping[str, Any]) -> Dossier:
    def of(kind: str) -> list[Evidence]:
        return [piece for piece in pieces if piece.statement.predicate_type == kind]

    releases, runs = of(RELEASE), of(RUN)
    if len(releases) != 1 or str(releases[0].digest) != manifest["release"]:
        raise MissingEvidenceError("the evidence of the release is missing", where="envelopes", remedy=_AGAIN)
    if len(runs) != 1:
        raise MissingEvidenceError("the evidence of the run is missing", where="envelopes", remedy=_AGAIN)
    dossier = assemble(releases[0], runs[0], of(PROVENANCE), of(TEST_RESULT), of(DECISION))
    named = {subject.digest for subject in dossier.release.statement.subjects}
    for piece in (*of(VSA), *of(BOM)):
        if not {subject.digest for subject in piece.statement.subjects} <= named:
            raise EvidenceError("a statement about something else than the release", where=piece.digest.short)
    return dossier


def _check_artifacts(dossier: Dossier, artifacts: Mapping[str, Digest]) -> None:
    named = {subject.digest for subject in dossier.release.statement.subjects}
    for name, digest in artifacts.items():
        if digest not in named:
            raise DigestMismatchError(f"the release does not name the artifact {name}", where=name, remedy=_AGAIN)
    if dossier.model not in artifacts.values():
        raise MissingEvidenceError(f"the {MODEL} itself is missing", where="artifacts", remedy=_AGAIN)


def _check_policies(dossier: Dossier, gates: Sequence[Evidence], digests: Mapping[str, Digest]) -> set[Digest]:
    needed = {Decision.of(piece.statement).policy for piece in dossier.decisions}
    needed |= {Gate.of(piece.statement).policy for piece in gates}
    for name, digest in digests.items():
        if _in(name, "policy") and digest not in needed:
            raise EvidenceError("a policy that no decision names", where=name, remedy=_AGAIN)
    return needed


def _proven(dossier: Dossier, checkpoint: Checkpoint, artifacts: Mapping[str, Digest]) -> tuple[str, ...]:
    info, run = ReleaseInfo.of(dossier.release.statement), RunSummary.of(dossier.run.statement)
    custom = [step.name for step in run.steps if step.origin != "built-in"]
    checks = [TestResult.of(piece.statement) for piece in dossier.results.values()]
    lines = [
        f"{info.name} version {info.version} is the model {dossier.model}",
        f"it came from the run {run.run}, started by {run.initiator} in {run.mode} mode",
        f"each of its {len(run.steps)} steps was attested by {', '.join(dossier.run.persons)}",
        f"the inputs of each step are outputs of earlier ones or among {len(run.sources)} declared sources",
        f"the project's own code made {', '.join(custom)}" if custom else "all steps are built in",
        *(f"{item.step} {item.results.outcome.value.lower()}" for item in checks),
        f"all {len(dossier.evidence)} statements are in the log {checkpoint.origin} of {checkpoint.size} entries",
        f"the artifacts {', '.join(sorted(artifacts))} are the ones that the release names",
    ]
    for piece in dossier.decisions:
        record = Decision.of(piece.statement)
        rule = f" of {record.rule}" if record.rule else ""
        lines.append(f"{record.kind}{rule} to {record.target} by {', '.join(piece.persons)}: {record.reason}")
    return tuple(lines)


def _unproven(
    dossier: Dossier,
    root: TrustRoot,
    artifacts: Mapping[str, Digest],
    absent: Sequence[str],
    *,
    trusted: bool,
) -> tuple[str, ...]:
    lines = []
    if not trusted:
        lines.append("that anyone you trust signed: no trust root was given")
    if root.trial:
        lines.append("that persons signed: the trust root is a trial one")
    present = set(artifacts.values())
    left_out = [subject.name for subject in dossier.release.statement.subjects if subject.digest not in present]
    if left_out:
        lines.append(f"what is in {', '.join(sorted(left_out))}: not in the bundle")
    lines += [f"what the policy {digest} says: not in the bundle" for digest in absent]
    weak = [
        name
        for name, piece in dossier.steps.items()
        if StepProvenance.of(piece.statement).isolation.level in ("none", "process")
    ]
    if weak:
        lines.append(f"that {', '.join(weak)} could not reach beyond the inputs: not sandboxed")
    lines.append("that the policy admits it: evaluate the policy on this evidence")
    lines.append("that everyone sees the same log: no witness has signed the checkpoint")
    return tuple(lines)


def peek(path: Path) -> tuple[Digest, str]:
    """Digest of the trust root in a bundle and the name of its log, unverified: for telling what to ask for.

    Raises:
        EvidenceError: it is not a bundle.
    """
    with Archive(path) as archive:
        data = archive.read("trust.json", trust.MAX_BYTES)
        return Digest.of(data), parse_checkpoint(archive.read("checkpoint", MAX_NOTE)).origin
