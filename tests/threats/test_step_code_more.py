"""The attacker has step code, or a library that steps import: limits, the reader, cleaning up, and the starter."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stockade.errors import StepOutputError
from stockade.pipeline.attest import read_results
from stockade.pipeline.executor import LocalExecutor
from stockade.pipeline.graph import Limits, Step
from stockade.pipeline.order import Order, Receipt
from stockade.pipeline.scratch import remove
from stockade.sandbox import kernel
from stockade.types.execution import Origin

pytestmark = pytest.mark.skipif(
    not kernel.landlock_version() or os.uname().machine != "x86_64",
    reason="the attacks are written for x86_64, and need a kernel with Landlock",
)

MIB = 1 << 20


class Bench:
    """Runs one attack after the other in the same engine."""

    def __init__(self, executor: LocalExecutor, folder: Path) -> None:
        self._executor = executor
        self.folder = folder
        self._code = folder / "steps.py"
        shutil.copy(Path(__file__).with_name("hostile_steps_more.py"), self._code)

    def run(self, attack: str, *, limits: Limits | None = None, **params: Any) -> Receipt:
        folder = self.folder / f"order-{attack}"
        folder.mkdir()
        step = Step(
            "attack",
            f"{self._code}:{attack}",
            params=params,
            outputs=("said",),
            origin=Origin.CUSTOM,
            limits=limits or Limits(seconds=20),
        )
        receipt = self._executor.execute(Order(step, {}, {}, (self._code,), folder), lambda _: None)
        if not receipt.outputs:
            remove(folder)
            assert not folder.exists()
        return receipt


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    folder = Path(tempfile.mkdtemp())
    executor = LocalExecutor()
    yield Bench(executor, folder)
    executor.close()
    remove(folder)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("attack", "limits", "params"),
    [
        ("out_of_sight", Limits(output_bytes=16 * MIB, seconds=20), {}),
        ("without_a_name", Limits(output_bytes=16 * MIB, seconds=20), {}),
        ("orphans", Limits(processes=3, seconds=20), {"count": 20}),
    ],
)
def test_limits_hold_where_nobody_looks(bench: Bench, attack: str, limits: Limits, params: dict[str, Any]) -> None:
    """Bytes below paths too long to open and in files without a name count, and so do processes without a parent."""
    receipt = bench.run(attack, limits=limits, **params)
    assert receipt.failure is not None, receipt
    assert receipt.failure.code == "P101"


def test_immense_numbers_do_not_break_the_reader(bench: Bench, tmp_path: Path) -> None:
    """A number that no float holds is dropped from progress and refused in results, and the engine goes on."""
    receipt = bench.run("immense_number")
    assert receipt.failure is None
    document = bench.run("immense_figure").outputs[0][0]
    with pytest.raises(StepOutputError, match="too large"):
        read_results(document, str(tmp_path))


def test_32_bit_system_calls(bench: Bench) -> None:
    """A call under the other convention ends the process."""
    receipt = bench.run("other_system_calls")
    assert receipt.failure is not None
    assert "SIGSYS" in receipt.failure.message


def test_hostile_folders_are_removed(tmp_path: Path) -> None:
    """Folders nested 3000 deep, folders that cannot be entered, and links: all go, and nothing outside is touched."""
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o711)
    (outside / "kept").write_text("kept")
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "link").symlink_to(outside)
    (folder / "shut").mkdir()
    (folder / "shut" / "file").write_text("x")
    (folder / "shut").chmod(0)
    script = "import os\nfor _ in range(3000):\n    os.mkdir('e'); os.chdir('e')\n"
    subprocess.run([sys.executable, "-c", script], cwd=folder, check=True)
    mode = tmp_path.stat().st_mode
    remove(folder)
    remove(folder)
    assert not folder.exists()
    assert (outside / "kept").read_text() == "kept"
    assert (tmp_path.stat().st_mode, outside.stat().st_mode & 0o777) == (mode, 0o711)


_POISON = """
import json, os, socket
from pathlib import Path
def attempt(action):
    try:
        return f"SUCCEEDED {action()!r}"
    except OSError as error:
        return f"refused: {error}"
runner = os.getppid()
said = {
    "key": attempt(lambda: Path(KEY).read_text()),
    "code": attempt(lambda: Path(CODE, "later.pth").write_text("import os")),
    "home": attempt(lambda: os.listdir(Path(KEY).parent)),
    "network": attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
    "service": attempt(lambda: socket.socket(socket.AF_UNIX)),
    "memory": attempt(lambda: open(f"/proc/{runner}/mem", "rb")),
    "environment": attempt(lambda: Path(f"/proc/{runner}/environ").read_bytes()),
    "signal": attempt(lambda: os.kill(runner, 0)),
    "mode": attempt(lambda: os.chmod(KEY, 0o666)),
    "root": attempt(lambda: os.mkdir("/proc/self/root/tmp/owned")),
}
Path(SCRATCH, "said").write_text(json.dumps(said))
"""


def test_poisoned_library_in_the_process_that_starts_steps(tmp_path: Path) -> None:
    """A library that turns on its importer before any step runs reaches no key, network, process or code."""
    library, scratch, key = tmp_path / "library", tmp_path / "scratch", tmp_path / "builder.key"
    library.mkdir()
    scratch.mkdir()
    key.write_text("private key")
    names = {"KEY": key, "CODE": library, "SCRATCH": scratch}
    assignments = "".join(f"{name} = {str(path)!r}\n" for name, path in names.items())
    (library / "poison.py").write_text(assignments + _POISON)
    ours, theirs = socket.socketpair()
    start = f"import sys; sys.path.append({str(library)!r}); from stockade.pipeline import zygote; zygote.main()"
    reach = json.dumps({"read": [], "write": [str(scratch)]})
    command = [sys.executable, "-I", "-c", start, str(theirs.fileno()), reach, "poison"]
    with ours, subprocess.Popen(command, pass_fds=(theirs.fileno(),), env={"TOKEN": "x"}) as process:
        theirs.close()
        ours.settimeout(20)
        assert ours.recv(64)
        ours.shutdown(socket.SHUT_RDWR)
        process.wait(20)
    said = json.loads((scratch / "said").read_text())
    assert len(said) == 10
    assert {name: line for name, line in said.items() if not line.startswith("refused")} == {}
    assert key.stat().st_mode & 0o777 == 0o644


def test_strict_isolation_imports_nothing_beforehand() -> None:
    """With a fresh interpreter a step, the process that starts them loads no library at all."""
    assert LocalExecutor(("polars",), fresh=True)._preload == ()
