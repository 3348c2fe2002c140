"""The wheel in environments of its own: one that can only verify, one with the locked dependencies."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from services.conftest import Released

pytestmark = [pytest.mark.services, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements" / "runtime.txt"
VERIFIER = ("cryptography", "cffi", "pycparser")


def _run(*command: str | Path, cwd: Path, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home or cwd), "LANG": "C.UTF-8"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def _pip(python: Path, *arguments: str | Path) -> None:
    """Install with pip, which may use the settings of the machine."""
    command = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as a packager would."""
    folder = tmp_path_factory.mktemp("wheel")
    _pip(Path(sys.executable), "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (built,) = folder.glob("stockade-*.whl")
    return built


@pytest.fixture(scope="module")
def verifier(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment that holds `cryptography` and the wheel."""
    folder = tmp_path_factory.mktemp("verifier")
    venv.create(folder / "env", with_pip=True)
    blocks = re.findall(r"^\S+==.*(?:\n    --hash=.*)*", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    needed = [block for block in blocks if block.partition("==")[0] in VERIFIER]
    assert len(needed) == len(VERIFIER)
    (folder / "needed.txt").write_text("\n".join(needed) + "\n", encoding="utf-8")
    python = folder / "env" / "bin" / "python"
    _pip(python, "install", "--require-hashes", "--requirement", folder / "needed.txt")
    _pip(python, "install", "--no-deps", wheel)
    return python


@pytest.mark.parametrize("module", ["stockade", "stockade.evidence"])
def test_a_bundle_is_verified_where_only_cryptography_is(
    verifier: Path, released: Released, tmp_path: Path, module: str
) -> None:
    """Accepted under the pinned root, refused under another, not trusted under none, and altered never."""
    command = [verifier, "-I", "-m", module, *(["verify"] if module == "stockade" else [])]
    digest = hashlib.sha256((released.project / "trust.json").read_bytes()).hexdigest()
    pinned = ["--trust", f"sha256:{digest}"]
    proven = _run(*command, released.bundle, *pinned, cwd=tmp_path)
    assert proven.returncode == 0, proven.stderr
    assert "verified" in proven.stdout
    other = _run(*command, released.bundle, "--trust", "sha256:" + "0" * 64, cwd=tmp_path)
    assert (other.returncode, other.stdout) == (1, "")
    assert "another trust root" in " ".join(other.stderr.split())
    alone = _run(*command, released.bundle, cwd=tmp_path)
    assert alone.returncode == 1
    assert "not trusted" in alone.stdout
    trial = _run(*command, released.bundle, *pinned, "--production", cwd=tmp_path)
    assert trial.returncode == 1
    data = bytearray(released.bundle.read_bytes())
    for place in (len(data) // 3, len(data) // 2, len(data) - 30):
        altered = tmp_path / "altered.stockade"
        altered.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        refused = _run(*command, altered, *pinned, cwd=tmp_path)
        assert (refused.returncode, refused.stdout) == (1, ""), place
        assert "Traceback" not in refused.stderr


def test_the_verifier_holds_no_learning_library(verifier: Path, tmp_path: Path) -> None:
    """The environment is what it claims to be."""
    found = _run(
        verifier,
        "-I",
        "-c",
        "import importlib.metadata as m; print(*sorted(d.name for d in m.distributions()))",
        cwd=tmp_path,
    )
    assert set(found.stdout.split()) - {"pip", "setuptools"} == {*VERIFIER, "stockade"}


def test_the_installed_package_runs_the_demo_from_anywhere(wheel: Path, tmp_path: Path) -> None:
    """Locked dependencies, an empty home, another folder: the example is inside the wheel and the story ends well."""
    venv.create(tmp_path / "env", with_pip=True)
    python, home = tmp_path / "env" / "bin" / "python", tmp_path / "home"
    home.mkdir()
    _pip(python, "install", "--require-hashes", "--requirement", LOCK)
    _pip(python, "install", "--no-deps", wheel)
    told = _run(python.with_name("stockade"), "demo", "--folder", "here", "--trials", "0", cwd=tmp_path, home=home)
    assert told.returncode == 0, told.stdout[-2_000:] + told.stderr
    assert told.stdout.count("refused, E10") == 5
    assert (tmp_path / "here" / "employment" / "report.html").stat().st_size < 300_000
    assert not list(ROOT.glob("**/here"))
