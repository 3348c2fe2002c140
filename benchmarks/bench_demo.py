"""The census example: time to a registered version, of a second run, and the memory of all processes together."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from stockade.workspace import census


def _processes(root: int) -> list[int]:
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        try:
            for task in Path(f"/proc/{pid}/task").iterdir():
                queue += [int(word) for word in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def _memory(root: int) -> int:
    """Proportional set size of a process and all below it, in kB."""
    total = 0
    for pid in _processes(root):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


def timed(*arguments: str) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak megabytes of a command and all its processes."""
    before = os.times()
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "stockade", *arguments], stdout=subprocess.DEVNULL)
    peak = 0

    def watch() -> None:
        nonlocal peak
        while process.poll() is None:
            peak = max(peak, _memory(process.pid))
            time.sleep(0.2)

    watcher = threading.Thread(target=watch)
    watcher.start()
    process.wait()
    watcher.join()
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - start, cpu, peak / 1e3


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["STOCKADE_HOME"] = str(folder / "home")
        census.write_damaged_copy(folder / "people_2015.parquet")
        project = ["--project", str(folder / "p")]
        source = str(folder / "people_2015.parquet")
        rows = [("init", timed("init", source, "--target", "employed", "--folder", str(folder / "p")))]
        rows += [(word, timed("run", *project)) for word in ("run", "second run")]
        for label, (wall, cpu, peak) in rows:
            print(f"{label:<12}{wall:7.2f} s wall {cpu:7.2f} s CPU {peak:7.0f} MB")
        print("asked: run <= 90 s, second run <= 2 s, <= 1000 MB")


if __name__ == "__main__":
    main()
