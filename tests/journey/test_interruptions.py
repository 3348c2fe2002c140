"""Runs that are stopped, killed, doubled, or meet a machine that cannot: nothing is lost, and the next run works."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import QUICK, write_people
from journey.shell import Screen, Shell, mannered, spawn

STEPS = 9
MOMENTS = (0.15, 0.5, 1.0, 1.6, 2.4, 3.2)
"""Seconds after its start at which a run is stopped: in its imports, the start of its processes, and its steps."""

NUMBERED = re.compile(r"^\[\d/9\] (\w+) +(?:sandbox|process|proven)", re.MULTILINE)


def fresh(shell: Shell, seed: int) -> None:
    """Make the next run do most of its steps again."""
    text = (shell.folder / "people.csv").read_text()
    shell.file("people.csv", text + f"{10_000 + seed},{20 + seed % 60},30,north,1\n")


def end(process: subprocess.Popen[str]) -> tuple[int, Screen]:
    """Wait for a process and read what it printed."""
    out, err = process.communicate(timeout=60)
    return process.returncode, Screen(out, err)


def survivors(folder: Path) -> list[str]:
    """Processes that still mention a folder in their command or work in it."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes().decode()
                place = str((entry / "cwd").readlink())
            except OSError:
                continue
            if str(folder) in command or place.startswith(str(folder)):
                found.append(f"{entry.name}: {command}")
    return found


def whole(shell: Shell) -> None:
    """The next run works, and what it leaves proves itself."""
    assert shell.types("run") == 0, shell.read()
    out, err = shell.read()
    assert not err
    assert len(NUMBERED.findall(out)) == STEPS
    assert not list(shell.folder.glob(".stockade/scratch/stockade-run-*")), "a working folder was left"
    shell.works("status")
    shell.works("history")


@pytest.mark.parametrize("number", range(len(MOMENTS)))
def test_a_run_stopped_by_the_user_at_any_moment_is_resumed(shell: Shell, number: int) -> None:
    """Ctrl-C to the whole process group ends a run with exit code 130, no traceback and no process left behind."""
    fresh(shell, number)
    process = spawn(shell.folder, "run")
    time.sleep(MOMENTS[number])
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    status, screen = end(process)
    assert "Traceback" not in screen.out + screen.err, screen
    # Before Python has set its handler, the signal itself ends it.
    assert status in (0, 130, -signal.SIGINT), (status, screen)
    if status == 130:
        assert "stopped; finished steps are kept" in screen.err
    assert not survivors(shell.folder)
    finished = set(NUMBERED.findall(screen.out))
    shell.read()
    assert shell.types("run") == 0
    out = shell.read().out
    again = set(re.findall(r"^\[\d/9\] (\w+) +proven", out, re.MULTILINE))
    assert finished <= again, f"{finished - again} had finished and ran again"
    shell.works("status")


def when(process: subprocess.Popen[str], step: str) -> str:
    """Read what a run prints until a step is done."""
    assert process.stdout is not None
    read = ""
    for line in process.stdout:
        read += line
        if step in line:
            return read
    raise AssertionError(f"{step} was never reached: {read}")


@pytest.mark.parametrize("step", ["ingest", "assess"])
def test_a_run_that_is_killed_leaves_no_process_and_is_resumed(shell: Shell, step: str) -> None:
    """Kill -9 of the runner ends its children too; the next run resumes and sweeps what was left."""
    fresh(shell, 70)
    process = spawn(shell.folder, "run")
    read = when(process, step)
    process.kill()
    end(process)
    deadline = time.monotonic() + 10
    while survivors(shell.folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not survivors(shell.folder)
    finished = set(NUMBERED.findall(read))
    shell.read()
    assert shell.types("run") == 0
    out = shell.read().out
    assert finished <= set(re.findall(r"^\[\d/9\] (\w+) +proven", out, re.MULTILINE))
    assert not list(shell.folder.glob(".stockade/scratch/stockade-run-*")), "a working folder was left"
    shell.works("status")


def test_init_stopped_by_the_user_leaves_nothing(bare: Shell) -> None:
    """Ctrl-C during `init` removes what it made, so that the same command works again."""
    write_people(bare.folder / "people.csv", 120)
    for moment in (0.4, 1.0):
        process = spawn(bare.folder, "init", "people.csv", "--target", "employed")
        time.sleep(moment)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        status, screen = end(process)
        assert "Traceback" not in screen.out + screen.err, screen
        left = sorted(path.name for path in bare.folder.iterdir())
        if status == 0:
            return
        assert left == ["people.csv"]
    bare.works("init", "people.csv", "--target", "employed")


def test_two_runs_at_once_are_one_run_and_one_refusal(shell: Shell) -> None:
    """While a run works, a second one is refused with the number of the process that works; then it may run."""
    fresh(shell, 80)
    process = spawn(shell.folder, "run")
    when(process, "ingest")
    assert shell.types("run") == 3
    mannered(shell.read(), 3, "V102", f"process {process.pid} is working here", "wait until it has finished")
    status, screen = end(process)
    assert status == 0, screen
    whole(shell)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with little room, mounted for one test."""
    place = tmp_path / "small"
    place.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("mounting a small file system takes root")
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=4m,mode=755", "tmpfs", place], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"mounting is not allowed here: {made.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


@pytest.mark.parametrize("room", [8, 200])
def test_a_full_disk_is_named_and_the_next_run_works(shell: Shell, small_disk: Path, room: int) -> None:
    """A disk that fills during a run, sooner or later, ends it with exit code 3; with space again it is resumed."""
    shutil.copytree(shell.folder, small_disk / "project")
    fresh(shell, 90)
    shutil.copy(shell.folder / "people.csv", small_disk / "project" / "people.csv")
    shell.folder = small_disk / "project"
    os.chdir(shell.folder)
    status = os.statvfs(small_disk)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(max(0, status.f_bavail * status.f_bsize - room * 1024)))
    code = shell.types("run")
    screen = shell.read()
    assert "Traceback" not in screen.out + screen.err, screen
    assert code in (1, 3), screen
    assert "space" in screen.err or "disk is full" in screen.err, screen
    assert len(screen.err.splitlines()) < 12
    ballast.unlink()
    whole(shell)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting read-only takes root")
def test_a_read_only_project_can_be_read_and_not_run(shell: Shell) -> None:
    """Where nothing can be written, `run` says so with exit code 3, and what only reads goes on working."""
    bound = subprocess.run(["mount", "--bind", shell.folder, shell.folder], capture_output=True, check=False)
    if bound.returncode:
        pytest.skip(f"mounting is not allowed here: {bound.stderr.decode().strip()}")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", shell.folder], check=True)
        os.chdir(shell.folder)
        shell.refused("run", "V100", "read-only")
        shell.works("status")
        shell.works("show", "train")
    finally:
        os.chdir("/")
        subprocess.run(["umount", "--lazy", shell.folder], check=True)
    os.chdir(shell.folder)
    whole(shell)


def test_lost_keys_are_named(shell: Shell) -> None:
    """Without the private folder, or one key of it, the run says which file is not there."""
    home = Path(os.environ["STOCKADE_HOME"])
    (keys,) = (home / "keys").iterdir()
    (keys / "builder.key").rename(home / "aside")
    shell.refused("run", "E102", "the key of 'builder' is not on this machine", "builder.key")
    (home / "aside").rename(keys / "builder.key")
    (keys / "passphrase").rename(home / "aside")
    shell.refused("run", "V100", "no passphrase", "CREDENTIALS_DIRECTORY")
    (home / "aside").rename(keys / "passphrase")
    (keys / "log.key").write_bytes(b"{}")
    shell.refused("run", "C110", "log.key")
    shutil.rmtree(home)
    shell.refused("run", "E102", "the key of 'log' is not on this machine")


def test_a_private_folder_that_others_may_write_to_is_refused(shell: Shell) -> None:
    """Keys are not read from a folder that others can change."""
    Path(os.environ["STOCKADE_HOME"]).chmod(0o777)
    shell.refused("run", "V100", "others may write to the private folder", "chmod 700")


def test_a_private_folder_that_cannot_be_made_is_named(bare: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A private folder below a file is refused with the variable that moves it."""
    write_people(bare.folder / "people.csv", 60)
    monkeypatch.setenv("STOCKADE_HOME", str(bare.folder / "people.csv" / "home"))
    bare.refused("init people.csv --target employed", "V100", "private folder cannot be made", "STOCKADE_HOME")
    assert [path.name for path in bare.folder.iterdir()] == ["people.csv"]


def test_output_into_a_closed_pipe_is_quiet(shell: Shell) -> None:
    """`stockade help | head -1` prints one line and no complaint."""
    process = spawn(shell.folder, "show", "train")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=30)
    assert "Traceback" not in err
    assert "Exception ignored" not in err


def test_the_quick_settings_are_in_force(shell: Shell) -> None:
    """The journeys above are short because of what the shared project says, and not because steps are left out."""
    assert QUICK.strip() in (shell.folder / "stockade.toml").read_text()
