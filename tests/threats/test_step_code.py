"""The attacker has step code: a poisoned library, a bad notebook. Attacks are refused, and honest steps pass."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stockade.pipeline.executor import LocalExecutor
from stockade.pipeline.graph import Limits, Step
from stockade.pipeline.order import Order, Progress, Receipt
from stockade.sandbox import kernel
from stockade.types.execution import Origin

pytestmark = pytest.mark.skipif(
    not kernel.landlock_version() or os.uname().machine != "x86_64",
    reason="the attacks are written for x86_64, and need a kernel with Landlock",
)

CODE = Path(__file__).with_name("hostile_steps.py")
MIB = 1 << 20


class Bench:
    """Runs one attack after the other in the same engine."""

    def __init__(self, executor: LocalExecutor, folder: Path) -> None:
        self._executor = executor
        self._folder = folder
        self._count = 0
        self.progress: list[Progress] = []

    def run(
        self,
        attack: str,
        *,
        limits: Limits | None = None,
        inputs: dict[str, Path] | None = None,
        **params: Any,
    ) -> Receipt:
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        code = self._folder.parent / "code" / "steps.py"
        step = Step(
            "attack",
            f"{code}:{attack}",
            params=params,
            outputs=("said",),
            origin=Origin.CUSTOM,
            limits=limits or Limits(),
        )
        return self._executor.execute(Order(step, inputs or {}, {}, (code,), folder), self.progress.append)

    def says(self, attack: str, **params: Any) -> str:
        receipt = self.run(attack, **params)
        assert receipt.failure is None, (receipt.failure, receipt.log.decode())
        return receipt.outputs[0][0].read_text()


@pytest.fixture(scope="module")
def executor() -> Iterator[LocalExecutor]:
    os.environ["STOCKADE_TEST_PASSPHRASE"] = "hunter2"
    executor = LocalExecutor()
    yield executor
    executor.close()
    del os.environ["STOCKADE_TEST_PASSPHRASE"]


@pytest.fixture
def bench(executor: LocalExecutor, tmp_path: Path) -> Bench:
    folder = tmp_path / "scratch"
    folder.mkdir()
    (tmp_path / "code").mkdir()
    shutil.copy(CODE, tmp_path / "code" / "steps.py")
    return Bench(executor, folder)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "builder.key"
    path.write_text("private key")
    path.chmod(0o644)
    return path


def test_honest_step_passes(bench: Bench) -> None:
    """A step that computes, writes in its own folder and uses a thread works, fully confined."""
    receipt = bench.run("honest", text="fine")
    assert receipt.failure is None
    assert receipt.outputs[0][0].read_text() == "fine1"
    assert receipt.isolation is not None
    assert receipt.isolation.level == "sandbox"
    assert receipt.isolation.capabilities_dropped


@pytest.mark.parametrize(
    "attack", ["read_file", "write_file", "change_mode", "change_attribute", "change_times", "remove_file"]
)
def test_undeclared_file(bench: Bench, secret: Path, attack: str) -> None:
    """A file that is no input, such as a key, is neither read nor altered in any way."""
    before = secret.stat()
    assert bench.says(attack, path=str(secret)).startswith("refused")
    after = secret.stat()
    assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)
    assert secret.read_text() == "private key"
    assert os.listxattr(secret) == []


@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/1/cmdline", "/proc/self/../1/environ"])
def test_files_of_the_machine(bench: Bench, path: str) -> None:
    """Files of the machine that are no part of the interpreter stay unread."""
    assert bench.says("read_file", path=path).startswith("refused")


def test_folders_are_not_listed(bench: Bench) -> None:
    """The folders of users and of other steps cannot be looked into."""
    for path in ("/", str(Path.home()), "/tmp", str(CODE.parents[2] / ".git")):
        assert bench.says("list_folder", path=path).startswith("refused")


def test_another_steps_output(bench: Bench) -> None:
    """A step sees nothing of what another step wrote, and cannot write there."""
    first = bench.run("honest", text="first")
    output = first.outputs[0][0]
    assert bench.says("read_file", path=str(output)).startswith("refused")
    assert bench.says("write_file", path=str(output)).startswith("refused")
    assert bench.says("list_folder", path=str(output.parents[2])).startswith("refused")
    assert output.read_text() == "first1"


def test_inputs_cannot_be_altered(bench: Bench, tmp_path: Path) -> None:
    """A declared input can be read and not written."""
    given = tmp_path / "given.txt"
    given.write_text("rows")
    for attack in ("write_input", "replace_input"):
        receipt = bench.run(attack, inputs={"given": given})
        assert receipt.outputs[0][0].read_text().startswith("refused")
    assert given.read_text() == "rows"


def test_network(bench: Bench, tmp_path: Path) -> None:
    """TCP, UDP, sockets in the file system and abstract ones, and name look-ups are out of reach."""
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX) as named,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        udp.bind(("127.0.0.1", 0))
        udp.setblocking(False)
        named.bind(str(tmp_path / "s"))
        named.listen()
        abstract.bind("\0stockade-threat-test")
        abstract.listen()
        assert bench.says("tcp", port=tcp.getsockname()[1]).startswith("refused")
        assert bench.says("udp", port=udp.getsockname()[1]).startswith("refused")
        assert bench.says("unix", path=str(tmp_path / "s")).startswith("refused")
        assert bench.says("unix", path="@stockade-threat-test").startswith("refused")
        with pytest.raises(BlockingIOError):
            udp.recv(1)
    assert bench.says("name_server").startswith("refused")


@pytest.mark.parametrize(
    "attack",
    [
        "signal_parent",
        "signal_all",
        "trace_parent",
        "read_parent_memory",
        "read_parent_files",
        "pin_parent",
        "io_uring",
        "shared_memory",
        "new_namespace",
        "key_ring",
        "set_clock",
        "run_program",
        "inherited",
        "environment",
        "regain_root",
        "loosen_limits",
    ],
)
def test_other_processes_and_the_kernel(bench: Bench, attack: str) -> None:
    """Other processes, the clock, IPC, namespaces, keys, descriptors and the environment's secrets are out of reach."""
    assert bench.says(attack).startswith("refused")


def test_surviving_daemon(bench: Bench, tmp_path: Path) -> None:
    """Where processes are allowed, one that detaches itself is ended before the outputs are read."""
    receipt = bench.run("daemon", limits=Limits(processes=4), path=".")
    assert receipt.failure is None
    folder = Path(receipt.outputs[0][0].read_text())
    assert folder.is_dir()
    time.sleep(0.6)
    assert not (folder / "late").exists()


def test_fork_bomb(bench: Bench) -> None:
    """Processes are refused outright, and where they are allowed their number is held and all are ended."""
    refused = bench.run("fork_bomb")
    assert refused.failure is not None
    assert "Operation not permitted" in refused.failure.message
    held = bench.run("fork_bomb", limits=Limits(processes=8, seconds=20))
    assert held.failure is not None
    assert held.failure.code == "P101"
    assert bench.says("honest", text="after") == "after1"


@pytest.mark.parametrize(
    ("attack", "limits", "word"),
    [
        ("memory_bomb", Limits(memory_bytes=512 * MIB), "memory"),
        ("shared_memory_bomb", Limits(memory_bytes=512 * MIB), "memory"),
        ("disk_bomb", Limits(output_bytes=64 * MIB), "wrote"),
        ("big_file", Limits(output_bytes=16 * MIB), "wrote"),
        ("file_bomb", Limits(output_bytes=16 * MIB), "wrote"),
        ("thread_bomb", Limits(threads=64), "threads"),
        ("endless", Limits(seconds=0.3), "longer"),
    ],
)
def test_bombs(bench: Bench, attack: str, limits: Limits, word: str) -> None:
    """Memory, disk, files, threads and time end at the step's limits, each by name, and the engine goes on."""
    receipt = bench.run(attack, limits=limits)
    assert receipt.failure is not None
    assert receipt.failure.code == "P101", receipt
    assert word in receipt.failure.message
    assert bench.says("honest", text="after") == "after1"


@pytest.mark.parametrize("attack", ["return_link", "plant_link", "plant_folder_link"])
def test_link_out_of_the_output_folder(bench: Bench, secret: Path, attack: str) -> None:
    """An output that is a link to a file outside is refused, and the file behind it is not copied."""
    target = secret.parent if attack == "plant_folder_link" else secret
    (secret.parent / "0").write_text("private key")
    receipt = bench.run(attack, path=str(target))
    assert receipt.failure is not None
    assert receipt.failure.code == "P102"
    assert receipt.outputs == ()


def test_second_name_of_a_file(bench: Bench, secret: Path) -> None:
    """A file cannot be linked in from outside, and an output with two names is refused."""
    assert bench.says("hard_link_outside", path=str(secret)).startswith("refused")
    receipt = bench.run("plant_second_name")
    assert receipt.failure is not None
    assert receipt.failure.code == "P102"


def test_claims_are_not_believed(bench: Bench) -> None:
    """A step cannot improve its own record, steer the terminal or break the reader."""
    receipt = bench.run("claim_isolation")
    assert receipt.failure is None
    assert receipt.isolation is not None
    assert receipt.isolation.landlock == kernel.landlock_version()
    assert not receipt.isolation.fresh_interpreter
    assert [item.text for item in bench.progress] == ["[2Jcleared"]
    receipt = bench.run("lie_about_failure")
    assert receipt.failure is not None
    assert "\x1b" not in receipt.failure.message
    assert bench.run("vanish").failure is not None


def test_log_is_bounded(bench: Bench) -> None:
    """What a step prints is kept from both ends, in bounded space."""
    receipt = bench.run("flood_log")
    assert receipt.failure is None
    assert len(receipt.log) < 600_000
    assert b"bytes left out" in receipt.log


@pytest.mark.parametrize(
    "attack",
    ["read_file", "change_mode", "change_attribute", "change_times", "write_file", "remove_file", "list_folder"],
)
def test_attacks_work_without_the_sandbox(secret: Path, attack: str) -> None:
    """The same code outside the engine does what it tries: the tests above would see it."""
    target = str(secret.parent if attack == "list_folder" else secret)
    assert _unconfined(attack, path=target).startswith("SUCCEEDED")


@pytest.mark.parametrize("attack", ["name_server", "run_program", "environment"])
def test_more_attacks_work_without_the_sandbox(attack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So do the attacks on the network, on programs and on the environment."""
    monkeypatch.setenv("STOCKADE_TEST_PASSPHRASE", "hunter2")
    assert _unconfined(attack).startswith("SUCCEEDED")


def _unconfined(attack: str, **params: str) -> str:
    script = (
        "import importlib.util, json, sys\n"
        "spec = importlib.util.spec_from_file_location('steps', sys.argv[1])\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "print(getattr(module, sys.argv[2])(**json.loads(sys.argv[3])))\n"
    )
    command = [sys.executable, "-c", script, str(CODE), attack, json.dumps(params)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
