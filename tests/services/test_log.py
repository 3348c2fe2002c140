"""Go's checksum-database library, which others trust their builds to, reads and verifies the log."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.conftest import Released
from stockade.evidence import merkle, tiles
from stockade.evidence.note import parse_checkpoint, sign_checkpoint, verifier_key
from stockade.evidence.public import ED25519, PublicKey
from stockade.evidence.trust import parse

pytestmark = pytest.mark.services

ORIGIN = "log.example/stockade"
Verify = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def verify(tmp_path_factory: pytest.TempPathFactory) -> Verify:
    """The Go program, built from the distribution's packages; nothing is downloaded."""
    library = Path("/usr/share/gocode")
    if shutil.which("go") is None or not (library / "src/golang.org/x/mod/sumdb").is_dir():
        pytest.skip("golang-go and golang-golang-x-mod-dev are not installed")
    folder = tmp_path_factory.mktemp("go")
    settings = {"GO111MODULE": "off", "GOPATH": str(library), "GOCACHE": str(folder / "cache"), "GOFLAGS": ""}
    source = Path(__file__).with_name("go") / "main.go"
    built = subprocess.run(
        ["go", "build", "-o", folder / "verify", source],
        env={**os.environ, **settings}, cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([folder / "verify", *arguments], capture_output=True, text=True, check=False)

    return run


class Key:
    """A log's key."""

    def __init__(self) -> None:
        self._private = Ed25519PrivateKey.generate()
        raw = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public = PublicKey(ED25519, raw)

    @property
    def keyid(self) -> str:
        return self.public.keyid

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)


class Folder:
    """Tiles as files, without the durability that takes time."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, path: str) -> bytes:
        return (self._root / path).read_bytes()

    def write(self, path: str, data: bytes) -> None:
        (self._root / path).parent.mkdir(parents=True, exist_ok=True)
        (self._root / path).write_bytes(data)


def _log_key(released: Released) -> str:
    trust = parse((released.unpacked / "trust.json").read_bytes())
    (key,) = trust.keys_of("log").values()
    return verifier_key(parse_checkpoint((released.log / "checkpoint").read_bytes()).origin, key)


def test_go_verifies_a_projects_log_and_its_bundles_proofs(released: Released, verify: Verify) -> None:
    """Signature, tiles, entries, root, and each inclusion proof of the bundle."""
    proofs, checkpoint = released.unpacked / "proofs.json", released.unpacked / "checkpoint"
    found = verify(_log_key(released), released.log, proofs, checkpoint)
    assert found.returncode == 0, found.stderr
    told = json.loads(found.stdout)
    ours = parse_checkpoint((released.log / "checkpoint").read_bytes())
    assert (told["origin"], told["size"]) == (ours.origin, ours.size)
    assert base64.b64decode(told["root"]) == ours.root
    assert told["proofs"] == len(list((released.unpacked / "envelopes").iterdir()))


@pytest.mark.parametrize("size", [1, 255, 256, 257, 700, 65_536 + 300])
def test_go_verifies_logs_of_any_size(tmp_path: Path, verify: Verify, size: int) -> None:
    """Partial and full tiles of one, two and three levels are where the format puts them."""
    key, edge = Key(), tiles.Edge(Folder(tmp_path), 0, [], merkle.EMPTY_ROOT)
    edge.extend([b"%d" % number * 3 for number in range(size // 2)])
    edge.extend([b"%d" % number * 3 for number in range(size // 2, size)])
    signed = sign_checkpoint(ORIGIN, size, edge.root(), key, key.public)
    Folder(tmp_path).write("checkpoint", signed.note)
    found = verify(verifier_key(ORIGIN, key.public), tmp_path)
    assert found.returncode == 0, found.stderr
    assert base64.b64decode(json.loads(found.stdout)["root"]) == edge.root()


def _flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("what", ["tile", "entry", "size", "root", "signature", "key", "proof", "missing tile"])
def test_go_refuses_an_altered_log(released: Released, tmp_path: Path, verify: Verify, what: str) -> None:
    """Each single alteration is refused."""
    log, proofs = tmp_path / "log", tmp_path / "proofs.json"
    shutil.copytree(released.log, log)
    shutil.copyfile(released.unpacked / "proofs.json", proofs)
    key, checkpoint = _log_key(released), log / "checkpoint"
    size = parse_checkpoint(checkpoint.read_bytes()).size
    text = checkpoint.read_text(encoding="utf-8")
    lines = text.split("\n")
    if what == "tile":
        _flip(log / tiles.tile_path(0, 0, size), 40)
    elif what == "entry":
        _flip(log / tiles.entries_path(0, size), 20)
    elif what == "size":
        checkpoint.write_text(text.replace(f"\n{size}\n", f"\n{size - 1}\n", 1), encoding="utf-8")
    elif what == "root":
        checkpoint.write_text(text.replace(lines[2], base64.b64encode(bytes(32)).decode(), 1), encoding="utf-8")
    elif what == "signature":
        line = bytearray(base64.b64decode(lines[4].split(" ")[2]))
        line[-1] ^= 1
        lines[4] = " ".join([*lines[4].split(" ")[:2], base64.b64encode(line).decode()])
        checkpoint.write_text("\n".join(lines), encoding="utf-8")
    elif what == "key":
        key = verifier_key(parse_checkpoint(checkpoint.read_bytes()).origin, Key().public)
    elif what == "missing tile":
        (log / tiles.tile_path(0, 0, size)).unlink()
    else:
        document = json.loads(proofs.read_bytes())
        first = next(iter(document["proofs"].values()))
        first["hashes"][0] = base64.b64encode(bytes(32)).decode()
        proofs.write_text(json.dumps(document))
    assert verify(key, log, proofs, released.unpacked / "checkpoint").returncode == 1
