"""The demo as a user types it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path


def test_the_demo_tells_the_whole_story(tmp_path: Path) -> None:
    """Quarantine, refusal, waiver, server, proof elsewhere and five refused attacks; and a report at the end."""
    environment = {**os.environ, "STOCKADE_HOME": str(tmp_path / "home")}
    result = subprocess.run(
        [sys.executable, "-m", "stockade", "demo", "--folder", str(tmp_path / "demo"), "--trials", "0"],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        env=environment,
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    told = result.stdout
    assert "quarantine: 20 rows set aside" in told
    assert "not for decisions about people" in told
    assert "fairness.tpr_gap.disability" in told
    assert "admitted to staging; approved by ben; version 1 is now production" in told
    assert "The server stopped cleanly." in told
    assert told.count("refused, E10") == 5
    assert "NOT REFUSED" not in told
    assert "stockade init people.csv --target employed" in told
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    scenes = re.findall(r"^\d\. [^─\n]+", readme, re.MULTILINE)
    assert len(scenes) == 4
    assert all(scene.strip() in told for scene in scenes)
    report = tmp_path / "demo" / "employment" / "report.html"
    assert 20_000 < report.stat().st_size <= 300_000
