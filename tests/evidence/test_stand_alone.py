"""Proof stands alone: a bundle is verified where nothing but the standard library and cryptography can be imported."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

import stockade
from stockade.evidence.bundle import write_bundle

MODEL = b"the bytes of a model"
# What cryptography itself consists of and needs.
ALLOWED = ("cryptography", "cffi", "_cffi_backend")
PROGRAM = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from stockade.evidence.__main__ import main
code = main(sys.argv[1:])
import json
names = {name.partition(".")[0] for name in sys.modules}
print(json.dumps(sorted(names - set(sys.stdlib_module_names))))
sys.exit(code)
"""


@pytest.fixture(scope="module")
def island(tmp_path_factory):
    """A folder with links to the package and to cryptography, and nothing else."""
    folder = tmp_path_factory.mktemp("island")
    (folder / "stockade").symlink_to(Path(stockade.__file__).parent)
    for name in ALLOWED:
        origin = Path(importlib.util.find_spec(name).origin)
        place = origin.parent if origin.name == "__init__.py" else origin
        (folder / place.name).symlink_to(place)
    return folder


@pytest.fixture
def bundle(world, story, tmp_path):
    path = tmp_path / "b.zip"
    write_bundle(path, story.dossier(), world.ledger, artifacts={"model.onnx": MODEL})
    return path


def run(island, *arguments):
    # -I and -S: no environment, no site-packages, no current folder.
    command = [sys.executable, "-I", "-S", "-W", "error", "-c", PROGRAM, str(island), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env={})


def test_a_bundle_is_verified_on_an_island(world, island, bundle):
    """It verifies against the pinned digest, and imported nothing else."""
    done = run(island, bundle, "--trust", world.trust.digest)
    assert done.returncode == 0, done.stderr
    assert "verified\n" in done.stdout
    assert "proven    people version 3 is the model sha256:" in done.stdout
    imported = set(json.loads(done.stdout.splitlines()[-1]))
    # `_openssl` is a part of cryptography's binary.
    assert imported - {"__main__"} <= {"stockade", "_openssl", *ALLOWED}


def test_the_island_holds_nothing_else(island):
    """The test would be worth nothing if numpy could be imported there."""
    for name in ("numpy", "polars", "onnxruntime", "argon2", "cedarpy", "securesystemslib"):
        program = f"import sys; sys.path.insert(0, {str(island)!r}); import {name}"
        done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, check=False, timeout=60)
        assert b"ModuleNotFoundError" in done.stderr, name


def test_a_root_file_without_a_root_and_a_forgery(world, island, bundle, tmp_path):
    """A trust root by file verifies; without one it is not trusted; a flipped byte of the model is refused by name."""
    (tmp_path / "trust.json").write_bytes(world.trust.data)
    assert run(island, bundle, "--trust", tmp_path / "trust.json", "--production").returncode == 0
    alone = run(island, bundle)
    assert alone.returncode == 1
    assert "self-consistent, not trusted" in alone.stdout
    bundle.write_bytes(bundle.read_bytes().replace(MODEL, b"The bytes of a model"))
    forged = run(island, bundle, "--trust", world.trust.digest)
    assert forged.returncode == 1
    assert "model.onnx" in forged.stderr
    assert "Traceback" not in forged.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("absent.zip",), 1),
        (("absent.zip", "--trust", "sha256:xyz"), 2),
        (("absent.zip", "--trust", "absent"), 3),
        ((), 2),
    ],
)
def test_exit_codes(island, arguments, code):
    """Refused, wrongly typed, and unreadable are told apart."""
    done = run(island, *arguments)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
