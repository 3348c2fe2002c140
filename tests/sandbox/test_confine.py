"""Confinement as the kernel enforces it, each time in a process of its own."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from stockade.sandbox import kernel, user
from stockade.sandbox.probe import probe

pytestmark = pytest.mark.skipif(not kernel.landlock_version(), reason="this kernel has no Landlock")

PRELUDE = """
import json, os, sys
from pathlib import Path
from stockade.sandbox.confine import Confinement, close_descriptors, confine
lib = (Path(sys.base_prefix) / "lib", Path(sys.prefix) / "lib", Path("/lib"), Path("/usr/lib"), Path("/proc/self"))
def attempt(action):
    try:
        return str(action())
    except (OSError, MemoryError) as error:
        return type(error).__name__
"""


def confined(folder: Path, body: str) -> Any:
    script = PRELUDE + textwrap.dedent(body)
    command = [sys.executable, "-I", "-c", script, str(folder)]
    result = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr.decode()
    return json.loads(result.stdout)


def test_what_was_achieved_is_said(tmp_path: Path) -> None:
    """The result names the enforced Landlock ABI, the filter, the dropped capabilities and the limits."""
    got = confined(
        tmp_path,
        """
        done = confine(Confinement(read=lib, memory_bytes=1 << 30))
        status = dict(l.split(":\\t", 1) for l in Path("/proc/self/status").read_text().splitlines())
        print(json.dumps([done.landlock, done.level, done.limits, done.capabilities_dropped,
                          status["CapPrm"], status["CapEff"], status["CapAmb"], status["NoNewPrivs"], status["Seccomp"]]))
        """,
    )
    none = "0" * 16
    assert got == [kernel.landlock_version(), "sandbox", True, True, none, none, none, "1", "2"]


def test_files(tmp_path: Path) -> None:
    """Declared files are read, the output folder is written, and nothing else is seen, changed or listed."""
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "given").write_text("given")
    (tmp_path / "secret").write_text("secret")
    got = confined(
        tmp_path,
        """
        base = Path(sys.argv[1])
        confine(Confinement(read=(*lib, base / "in" / "given"), write=(base / "out",)))
        print(json.dumps({
            "given": attempt((base / "in" / "given").read_text),
            "write": attempt(lambda: (base / "out" / "x").write_text("12")),
            "back": attempt((base / "out" / "x").read_text),
            "change": attempt(lambda: (base / "in" / "given").write_text("y")),
            "secret": attempt((base / "secret").read_text),
            "list": attempt(lambda: os.listdir(base)),
            "link": attempt(lambda: os.link(base / "in" / "given", base / "out" / "given")),
            "mode": attempt(lambda: os.chmod(base / "out" / "x", 0o777)),
            "times": attempt(lambda: os.utime(base / "in" / "given", (1, 1))),
            "fifo": attempt(lambda: os.mkfifo(base / "out" / "pipe")),
        }))
        """,
    )
    assert (got["given"], got["write"], got["back"]) == ("given", "2", "12")
    refused = {name: answer for name, answer in got.items() if name not in ("given", "write", "back")}
    assert set(refused.values()) <= {"PermissionError", "OSError"}, refused
    assert (tmp_path / "in" / "given").read_text() == "given"


def test_listed_folders_show_names_only(tmp_path: Path) -> None:
    """A listed folder shows its names and keeps its contents."""
    (tmp_path / "key").write_text("secret")
    got = confined(
        tmp_path,
        """
        base = Path(sys.argv[1])
        confine(Confinement(read=lib, listed=(base,)))
        print(json.dumps([os.listdir(base), attempt((base / "key").read_text)]))
        """,
    )
    assert got == [["key"], "PermissionError"]


def test_threads_work_and_processes_do_not(tmp_path: Path) -> None:
    """Threads start and join; fork and exec are refused unless processes are allowed."""
    body = """
        import threading
        confine(Confinement(read=(*lib, Path("/bin/true"), Path("/usr/bin/true")), processes=%s))
        seen = []
        thread = threading.Thread(target=seen.append, args=(1,))
        thread.start()
        thread.join()
        def fork():
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            return os.waitpid(pid, 0)[1]
        print(json.dumps([seen, attempt(fork), attempt(lambda: os.spawnv(os.P_WAIT, "/bin/true", ["true"]))]))
        """
    assert confined(tmp_path, body % "False") == [[1], "PermissionError", "PermissionError"]
    assert confined(tmp_path, body % "True") == [[1], "0", "0"]


def test_limits(tmp_path: Path) -> None:
    """Memory and file size end where the limits say, and cannot be raised again."""
    got = confined(
        tmp_path,
        """
        import resource
        base = Path(sys.argv[1])
        confine(Confinement(read=lib, write=(base,), memory_bytes=256 << 20, file_bytes=1000))
        def raise_limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000))
        try:
            raised = attempt(raise_limit)
        except ValueError:
            raised = "PermissionError"
        print(json.dumps([
            attempt(lambda: len(bytearray(100 << 20))), attempt(lambda: bytearray(300 << 20)),
            attempt(lambda: (base / "a").write_bytes(bytes(1000))), attempt(lambda: (base / "b").write_bytes(bytes(1001))),
            raised,
        ]))
        """,
    )
    assert got[0] == str(100 << 20)
    assert got[1:3] == ["MemoryError", "1000"]
    assert got[3] in ("OSError", "1000")
    assert (tmp_path / "b").stat().st_size <= 1000
    assert got[4] == "PermissionError"


def test_descriptors_are_closed(tmp_path: Path) -> None:
    """No descriptor from the given number on survives."""
    got = confined(
        tmp_path,
        """
        kept = os.dup(1)
        high = os.dup2(1, 900)
        close_descriptors(3)
        print(json.dumps([attempt(lambda: os.fstat(kept)), attempt(lambda: os.fstat(high))]))
        """,
    )
    assert got == ["OSError", "OSError"]


def test_server_accepts_and_does_not_connect(tmp_path: Path) -> None:
    """A process confined for serving uses its listening socket and can open no other."""
    got = confined(
        tmp_path,
        """
        import socket
        listening = socket.create_server(("127.0.0.1", 0))
        client = socket.create_connection(listening.getsockname())
        confine(Confinement(read=lib, serving=True))
        served, _ = listening.accept()
        served.sendall(b"hello")
        print(json.dumps([client.recv(5).decode(), attempt(socket.socket), attempt(lambda: client.connect(("127.0.0.1", 9)))]))
        """,
    )
    assert got == ["hello", "PermissionError", "PermissionError"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user(tmp_path: Path) -> None:
    """Root turns into a user that owns nothing, for good."""
    got = confined(
        tmp_path,
        """
        done = confine(Confinement(read=lib, user=1879048200))
        print(json.dumps([done.user_changed, os.getresuid(), os.getgroups(), attempt(lambda: os.setuid(0))]))
        """,
    )
    assert got == [True, [1879048200] * 3, [], "PermissionError"]


def test_readable_to_all_looks_at_every_folder_above(tmp_path: Path) -> None:
    """A file is readable to all only when every folder above it can be entered by all."""
    folder = Path(os.path.realpath("/usr"))
    assert user.readable_to_all([folder])
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "file").write_text("")
    assert not user.readable_to_all([closed / "file"])


def test_probe_tries_each_ability() -> None:
    """The probe finds Landlock, the filter and the end of descendants to hold here, and says how it knows."""
    found = {ability.name: ability for ability in probe()}
    assert set(found) >= {"Landlock: files", "seccomp: system calls", "capabilities", "ending descendants"}
    assert found["Landlock: files"].holds
    assert found["seccomp: system calls"].detail
    assert all(ability.remedy for ability in found.values() if not ability.holds)
