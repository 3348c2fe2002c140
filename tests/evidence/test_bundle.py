"""Bundles: verified offline to the last byte, or refused by name."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
import zlib
from datetime import UTC, datetime

import pytest

from stockade.errors import (
    DigestMismatchError,
    EvidenceError,
    ExpiredError,
    MalformedError,
    MissingEvidenceError,
    ServiceError,
    SignatureError,
    StockadeError,
    StorageFullError,
    UntrustedError,
)
from stockade.evidence import archive, canonical
from stockade.evidence.archive import Archive, write_archive
from stockade.evidence.bundle import peek, verify_bundle, write_bundle
from stockade.evidence.keys import generate
from stockade.evidence.predicates import ReleaseInfo
from stockade.evidence.sign import seal
from stockade.evidence.statement import BOM, Statement, Subject
from stockade.types.digest import Digest

MODEL = b"the bytes of a model"
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def bundle(world, story, tmp_path):
    approval = story.decision()
    world.append(approval, "approval")
    gate = world.evidence(story.gate(), "promoter")
    path = tmp_path / "people-3.zip"
    write_bundle(
        path,
        story.dossier(approval),
        world.ledger,
        artifacts={"model.onnx": MODEL, "card.json": b"{}"},
        policies=[b"policy"],
        further=[gate],
    )
    return path


def verify(path, world, **options):
    return verify_bundle(path, world.trust.digest, NOW, **options)


def members(path):
    with zipfile.ZipFile(path) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def rebuilt(path, contents, *, relist=True):
    """The bundle with other members; with the manifest made to fit, as a forger would."""
    if relist:
        manifest = json.loads(contents["manifest.json"])
        manifest["members"] = {
            name: {"sha256": Digest.of(data).hex, "size": len(data)}
            for name, data in contents.items()
            if name != "manifest.json"
        }
        contents = {**contents, "manifest.json": canonical.encode(manifest)}
    first = {"manifest.json": contents["manifest.json"]}
    write_archive(path, {**first, **{name: contents[name] for name in sorted(contents) if name != "manifest.json"}})
    return path


def test_proves_the_whole(world, story, bundle):
    """Against a pinned digest, or the root itself, everything in it is proven."""
    for trusted in (world.trust.digest, world.trust):
        report = verify_bundle(bundle, trusted, NOW, production=True)
        assert report.trusted
        assert not report.trial
        assert (report.name, report.version, report.model) == ("people", 3, Digest.of(MODEL))
        assert report.dossier.evidence_set == story.dossier().evidence_set
        assert report.artifacts == {"model.onnx": Digest.of(MODEL), "card.json": Digest.of(b"{}")}
        assert report.policies == {Digest.of(b"policy"): b"policy"}
        assert len(report.gates) == 1
        assert (report.origin, report.size) == ("stockade.example/log", 8)
        assert any("approval to staging by bob" in line for line in report.proven)
        assert not any("trial" in line or "sandboxed" in line for line in report.unproven)


def test_is_the_same_bytes_again(world, story, bundle, tmp_path):
    """Writing twice gives one file."""
    report = verify(bundle, world)
    again = tmp_path / "again.zip"
    artifacts = {"card.json": b"{}", "model.onnx": MODEL}
    write_bundle(
        again, report.dossier, world.ledger, artifacts=artifacts, policies=[b"policy"], further=list(report.gates)
    )
    assert again.read_bytes() == bundle.read_bytes()


def test_any_tool_unpacks_it(bundle):
    """Python's zipfile finds it sound, with every member stored."""
    with zipfile.ZipFile(bundle) as opened:
        assert opened.testzip() is None
        assert {item.compress_type for item in opened.infolist()} == {zipfile.ZIP_STORED}
        assert opened.read("artifacts/model.onnx") == MODEL
        assert {item.date_time for item in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_without_a_root_nothing_is_trusted(world, bundle):
    """It says so, and is consistent all the same."""
    report = verify_bundle(bundle, None, NOW)
    assert not report.trusted
    assert report.unproven[0].startswith("that anyone you trust signed")
    assert peek(bundle) == (world.trust.digest, "stockade.example/log")


def test_another_root_is_refused(world, bundle):
    """Another digest, or another root in which other keys act."""
    with pytest.raises(UntrustedError, match="another trust root"):
        verify_bundle(bundle, Digest.of(b"x"), NOW)
    fresh = generate()
    other = world.root(
        persons={"alice": [world.alice.public], "bob": [world.bob.public], "x": [fresh.public]},
        roles={"root": [world.alice.public, world.bob.public], "builder": [fresh.public], "log": [fresh.public]},
    )
    with pytest.raises(SignatureError):
        verify_bundle(bundle, other, NOW)


def test_expiry_and_trial(world, bundle, tmp_path):
    """An expired root verifies nothing; a trial root nothing in production."""
    with pytest.raises(ExpiredError):
        verify_bundle(bundle, world.trust, world.trust.expires)
    trial = world.root(trial=True)
    assert verify_bundle(bundle, trial, NOW).trial
    with pytest.raises(ExpiredError, match="trial"):
        verify_bundle(bundle, trial, NOW, production=True)


def test_no_flipped_bit_anywhere(world, bundle):
    """Of 700 seeded bit flips all over the file each is refused."""
    data, chance = bundle.read_bytes(), random.Random(23)
    for _ in range(700):
        mutated = bytearray(data)
        mutated[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        bundle.write_bytes(mutated)
        with pytest.raises(StockadeError):
            verify(bundle, world)


def test_no_cut_insertion_or_repetition(world, bundle):
    """Of 300 seeded cuts, insertions and repetitions each is refused."""
    data, chance = bundle.read_bytes(), random.Random(29)
    for _ in range(300):
        mutated = bytearray(data)
        place, length = chance.randrange(len(data)), chance.randrange(1, 64)
        kind = chance.randrange(3)
        if kind == 0:
            del mutated[place : place + length]
        elif kind == 1:
            mutated[place:place] = chance.randbytes(length)
        else:
            mutated[place:place] = mutated[place : place + length]
        bundle.write_bytes(mutated)
        with pytest.raises(StockadeError):
            verify(bundle, world)


def test_no_forged_member_with_a_fitting_manifest(world, bundle):
    """Each member altered, with checksums and manifest made to fit, is refused: the signatures say otherwise."""
    contents, chance = members(bundle), random.Random(31)
    tried = 0
    for name in contents:
        if name == "manifest.json":
            continue
        for _ in range(20):
            data = bytearray(contents[name])
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            with pytest.raises(StockadeError):
                verify(rebuilt(bundle, {**contents, name: bytes(data)}), world)
            tried += 1
    assert tried > 200


def test_no_member_may_be_missing(world, bundle):
    """Each member left out, with the manifest made to fit, is refused or told as unproven."""
    contents = members(bundle)
    told = {"artifacts/card.json", f"policy/{Digest.of(b'policy').hex}.json"}
    for name in contents:
        if name == "manifest.json":
            continue
        rest = {key: data for key, data in contents.items() if key != name}
        if name in told:
            assert any("not in the bundle" in line for line in verify(rebuilt(bundle, rest), world).unproven)
            continue
        with pytest.raises(StockadeError):
            verify(rebuilt(bundle, rest), world)
        with pytest.raises(MissingEvidenceError, match="listed and missing"):
            verify(rebuilt(bundle, rest, relist=False), world)


def test_the_evidence_of_a_step_removed(world, story, bundle):
    """With its proof removed as well, the missing step is named."""
    contents = members(bundle)
    digest = story.steps[1].digest.hex
    del contents[f"envelopes/{digest}.json"]
    proofs = json.loads(contents["proofs.json"])
    del proofs["proofs"][digest]
    contents["proofs.json"] = canonical.encode(proofs)
    with pytest.raises(MissingEvidenceError, match="the evidence of step 'train' is missing"):
        verify(rebuilt(bundle, contents), world)


@pytest.mark.parametrize(
    "name",
    ["notes.txt", "artifacts/extra.bin", "envelopes/x.json", "policy/x.json", "artifacts/a/b", "other/x", "artifacts"],
)
def test_no_member_may_be_added(world, bundle, name):
    """Whether or not the manifest lists it."""
    contents = {**members(bundle), name: b"extra"}
    for relist in (True, False):
        with pytest.raises(EvidenceError):
            verify(rebuilt(bundle, contents, relist=relist), world)


def test_a_swapped_model_is_named(world, bundle):
    """Another model under the model's name."""
    with pytest.raises(DigestMismatchError, match=r"model\.onnx"):
        verify(rebuilt(bundle, {**members(bundle), "artifacts/model.onnx": b"another model"}), world)
    with pytest.raises(DigestMismatchError, match=r"model\.onnx"):
        verify(rebuilt(bundle, {**members(bundle), "artifacts/model.onnx": b"x"}, relist=False), world)


def test_the_model_is_there(world, bundle):
    """A bundle of the card alone proves no model."""
    contents = members(bundle)
    del contents["artifacts/model.onnx"]
    with pytest.raises(MissingEvidenceError, match="model itself"):
        verify(rebuilt(bundle, contents), world)


def test_policies_are_ones_that_decisions_name(world, bundle):
    """Another policy under its own digest is refused."""
    name = f"policy/{Digest.of(b'laxer').hex}.json"
    with pytest.raises(EvidenceError, match="no decision names"):
        verify(rebuilt(bundle, {**members(bundle), name: b"laxer"}), world)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(version=2), "not a bundle of version 1"),
        (lambda d: d.update(format="other"), "not a bundle"),
        (lambda d: d.update(extra=1), "fields"),
        (lambda d: d.update(members=[]), "not a bundle"),
        (lambda d: d.update(release="x"), "the release"),
        (lambda d: d["members"]["trust.json"].update(extra=1), "trust.json"),
        (lambda d: d["members"]["trust.json"].update(size=1), "trust.json"),
    ],
)
def test_the_manifest_has_one_form(world, bundle, change, message):
    """And says nothing that is not so."""
    contents = members(bundle)
    manifest = json.loads(contents["manifest.json"])
    change(manifest)
    with pytest.raises(EvidenceError, match=message):
        verify(rebuilt(bundle, {**contents, "manifest.json": canonical.encode(manifest)}, relist=False), world)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(extra=1),
        lambda d: d.update(size=1),
        lambda d: d.update(proofs=[]),
        lambda d: d["proofs"].update({"00" * 32: {"leaf": 0, "hashes": []}}),
        lambda d: next(iter(d["proofs"].values())).update(leaf=True),
        lambda d: next(iter(d["proofs"].values())).update(leaf=99),
        lambda d: next(iter(d["proofs"].values())).update(hashes=["YR=="]),
        lambda d: next(iter(d["proofs"].values())).update(hashes=["YQ=="]),
        lambda d: next(iter(d["proofs"].values())).update(hashes=["YQ=="] * 65),
        lambda d: next(iter(d["proofs"].values())).update(extra=1),
    ],
)
def test_proofs_have_one_form(world, bundle, change):
    """And lead to the checkpoint's root."""
    contents = members(bundle)
    proofs = json.loads(contents["proofs.json"])
    change(proofs)
    with pytest.raises(EvidenceError):
        verify(rebuilt(bundle, {**contents, "proofs.json": canonical.encode(proofs)}), world)


def test_bills_of_materials_travel_along(world, story, tmp_path):
    """A CycloneDX statement about an artifact of the release is verified; about anything else it is refused."""
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6"}
    good, stray = (
        world.evidence(seal(Statement((Subject("card", Digest.of(data)),), BOM, document), world.builder))
        for data in (b"{}", b"other")
    )
    options = {"artifacts": {"model": MODEL}}
    write_bundle(tmp_path / "a.zip", story.dossier(), world.ledger, further=[good], **options)
    assert any("what is in card" in line for line in verify(tmp_path / "a.zip", world).unproven)
    write_bundle(tmp_path / "b.zip", story.dossier(), world.ledger, further=[stray], **options)
    with pytest.raises(EvidenceError, match="something else"):
        verify(tmp_path / "b.zip", world)
    other = seal(Statement((Subject("card", Digest.of(b"{}")),), "urn:other", {"a": 1}), world.builder)
    write_bundle(tmp_path / "c.zip", story.dossier(), world.ledger, further=[world.evidence(other)], **options)
    with pytest.raises(EvidenceError, match="no place"):
        verify(tmp_path / "c.zip", world)


def test_two_releases_in_one(world, story, bundle):
    """A second release, even a true one, makes it ambiguous."""
    subjects = [Subject("model", Digest.of(MODEL))]
    second = world.evidence(seal(ReleaseInfo("people", 4, story.run.digest).statement(subjects), world.builder))
    write_bundle(bundle, story.dossier(), world.ledger, artifacts={"model": MODEL}, further=[second])
    with pytest.raises(MissingEvidenceError, match="the release"):
        verify(bundle, world)


def test_a_bundle_that_would_not_verify_is_not_written(world, story, tmp_path):
    """An artifact the release does not name, no model, evidence without a place in the log."""
    dossier, path = story.dossier(), tmp_path / "x.zip"
    for artifacts, error in [({"model": b"other"}, DigestMismatchError), ({}, MissingEvidenceError)]:
        with pytest.raises(error):
            write_bundle(path, dossier, world.ledger, artifacts=artifacts)
    from stockade.evidence.verify import verify_envelope

    unlogged = verify_envelope(story.gate(), world.trust, "promoter", now=NOW)
    with pytest.raises(MissingEvidenceError, match="log"):
        write_bundle(path, dossier, world.ledger, artifacts={"model": MODEL}, further=[unlogged])
    assert list(tmp_path.glob("*.zip*")) == []


def test_artifacts_come_from_files(world, story, tmp_path):
    """Large ones are streamed; the bundle is the same."""
    (tmp_path / "model").write_bytes(MODEL)
    for name, contents in (("a.zip", MODEL), ("b.zip", tmp_path / "model")):
        write_bundle(tmp_path / name, story.dossier(), world.ledger, artifacts={"model": contents})
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_an_unsandboxed_step_is_told(world, tmp_path):
    """What the statements say of isolation is among the unproven."""
    from stockade.types.execution import Isolation

    tell = __import__("sys").modules[type(world).__module__].tell
    seal_step = world.seal_step
    world.seal_step = lambda *given, **options: seal_step(*given, isolation=Isolation(limits=True), **options)
    story = tell(world)
    write_bundle(tmp_path / "a.zip", story.dossier(), world.ledger, artifacts={"model": MODEL})
    report = verify(tmp_path / "a.zip", world)
    assert any("ingest, train, assess could not reach" in line for line in report.unproven)


def zipped(**options):
    """A bundle-like archive as Python's own zipfile would write it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", options.pop("compression", zipfile.ZIP_STORED)) as opened:
        for name, data in options.pop("contents", {"a": b"1"}).items():
            info = zipfile.ZipInfo(name, options.get("date", (1980, 1, 1, 0, 0, 0)))
            info.external_attr = options.get("mode", 0o100644) << 16
            info.create_system = 3
            info.extra = options.get("extra", b"")
            info.compress_type = options.get("compress", zipfile.ZIP_STORED)
            opened.writestr(info, data)
        opened.comment = options.get("comment", b"")
    return buffer.getvalue()


def test_ours_is_what_zipfile_would_write(tmp_path):
    """Under the same choices the bytes are those of Python's zipfile; so the tricks below differ in one thing each."""
    contents = {"a": b"1", "b/c": b"22"}
    write_archive(tmp_path / "a.zip", contents)
    assert (tmp_path / "a.zip").read_bytes() == zipped(contents=contents)
    with Archive(tmp_path / "a.zip") as opened:
        assert opened.names == ("a", "b/c")
        assert opened.read("b/c", 10) == b"22"
        assert opened.digest("a") == Digest.of(b"1")
        with pytest.raises(MissingEvidenceError):
            opened.read("d", 10)
        with pytest.raises(MalformedError, match="longer"):
            opened.read("b/c", 1)


@pytest.mark.parametrize(
    "data",
    [
        zipped(comment=b"hello"),
        zipped(date=(2020, 1, 1, 0, 0, 0)),
        zipped(mode=0o120777),
        zipped(mode=0o100755),
        zipped(extra=b"\x01\x00\x00\x00"),
        zipped(compress=zipfile.ZIP_DEFLATED),
        *(
            zipped(contents={name: b"x"})
            for name in ("../a", "/a", "a/../b", "a//b", "a\\b", "a/", ".a", "a\nb", "ä", "a b", "a/b/c/d/e", "-a")
        ),
        zipped(contents={"a" * 201: b"x"}),
        b"junk" + zipped(),
        zipped() + b"junk",
        zipped() + zipped(),
        zipped()[:-1],
        b"",
        b"PK\x05\x06" + b"\0" * 18 + b"x",
    ],
)
def test_zip_tricks(tmp_path, data):
    """Comments, dates, links, extra fields, compression, names that climb, data around: each is refused."""
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(MalformedError):
        Archive(tmp_path / "a.zip")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_more_zip_tricks(tmp_path):
    """Two members of one name, overlapping members, a gap, a wrong checksum, a lying local header."""
    path = tmp_path / "a.zip"
    header = archive._local("a", 1, zlib.crc32(b"1")) + b"1"
    entry = archive._central("a", 1, zlib.crc32(b"1"), 0)
    good = header + entry + archive._end(1, len(entry), len(header))
    path.write_bytes(good)
    with Archive(path) as opened:
        assert opened.names == ("a",)
    second = archive._central("a", 1, zlib.crc32(b"1"), len(header))
    overlap = archive._central("b", 1, zlib.crc32(b"1"), 0)
    wrong_header = archive._local("b", 1, zlib.crc32(b"1")) + b"1"
    tricks = [
        header * 2 + entry + second + archive._end(2, len(entry) * 2, len(header) * 2),
        header + entry + overlap + archive._end(2, len(entry) * 2, len(header)),
        header + b"gap" + entry + archive._end(1, len(entry), len(header) + 3),
        wrong_header + entry + archive._end(1, len(entry), len(header)),
        header + entry + archive._end(2, len(entry), len(header)),
        header + entry + b"x" + archive._end(1, len(entry) + 1, len(header)),
        header + entry + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 1, 1, 1, len(entry), len(header), 0),
        header + entry + archive._end(0xFFFF, len(entry), len(header)),
    ]
    for data in tricks:
        path.write_bytes(data)
        with pytest.raises(MalformedError):
            Archive(path)
    path.write_bytes(good.replace(b"a1PK", b"a2PK"))
    with Archive(path) as opened, pytest.raises(MalformedError, match="checksum"):
        opened.read("a", 10)


def test_a_file_that_shrinks_while_it_is_read(tmp_path):
    """Is cut short, and told so."""
    path = tmp_path / "a.zip"
    write_archive(path, {"a": b"x" * (3 << 20)})
    with Archive(path) as opened:
        path.write_bytes(b"")
        with pytest.raises(MalformedError, match="short"):
            opened.digest("a")


def test_writing_is_atomic(tmp_path, monkeypatch):
    """An error leaves the old file and nothing else."""
    path = tmp_path / "a.zip"
    write_archive(path, {"a": b"1"})
    before = path.read_bytes()
    with pytest.raises(ServiceError):
        write_archive(path, {"a": tmp_path / "absent"})
    for members_given in ({"../a": b"1"}, {f"a{n}": b"" for n in range(8193)}):
        with pytest.raises(MalformedError):
            write_archive(path, members_given)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive.os, "fsync", full)
    with pytest.raises(StorageFullError):
        write_archive(path, {"a": b"2"})
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["a.zip"]


def test_absent_and_unreadable(tmp_path):
    """Each with its path."""
    with pytest.raises(MissingEvidenceError, match="no such file"):
        Archive(tmp_path / "absent")
    with pytest.raises(ServiceError):
        Archive(tmp_path)
