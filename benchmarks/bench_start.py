"""What it costs to import the package and to ask for help, beyond starting Python at all."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

import stockade

ROUNDS = 25


def seconds(*arguments: str) -> float:
    """Median wall-clock time of a fresh interpreter."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(Path(stockade.__file__).parent)], check=True)
    bare = seconds("-c", "pass")
    count = "import sys, stockade; print(len(sys.modules))"
    modules = int(subprocess.run([sys.executable, "-c", count], capture_output=True, check=True).stdout)
    bare_count = [sys.executable, "-c", count.replace(", stockade", "")]
    none = int(subprocess.run(bare_count, capture_output=True, check=True).stdout)
    print(f"bare Python                 {bare * 1e3:7.1f} ms")
    print(f"import stockade, beyond it  {(seconds('-c', 'import stockade') - bare) * 1e3:7.1f} ms   (asked: <= 60)")
    print(f"modules, beyond it          {modules - none:7d}      (asked: <= 150)")
    print(f"--help, beyond it           {(seconds('-m', 'stockade', '--help') - bare) * 1e3:7.1f} ms   (asked: <= 80)")


if __name__ == "__main__":
    main()
