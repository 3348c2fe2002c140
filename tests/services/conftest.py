"""A finished project in pieces that other people's tools can take, and a server in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stockade.workspace.project import Project

SECONDS = 60


@dataclass(frozen=True)
class Released:
    """A finished project.

    Attributes:
        home: Private folder of its keys.
        project: Its folder.
        bundle: The release bundle.
        unpacked: The bundle's members as files.
        report: The report.
    """

    home: Path
    project: Path
    bundle: Path
    unpacked: Path
    report: Path

    @property
    def log(self) -> Path:
        """Folder of the transparency log."""
        return self.project / ".stockade" / "log"

    def environment(self) -> dict[str, str]:
        """Variables of a process that works on the project."""
        return {**os.environ, "STOCKADE_HOME": str(self.home)}


@pytest.fixture(scope="session")
def released(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Released:
    folder = tmp_path_factory.mktemp("released")
    project = Project.open(finished / "project")
    bundle = project.bundle(1, folder / "people-1.stockade")
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder / "unpacked")
    report = project.report(1, folder / "report.html")
    return Released(finished / "home", finished / "project", bundle, folder / "unpacked", report)


@dataclass(frozen=True)
class Served:
    """A server started by `stockade serve`.

    Attributes:
        process: It.
        url: Where it listens.
        port: The TCP port.
        ca: Certificate authority.
        key: API key.
    """

    process: subprocess.Popen[str]
    url: str
    port: int
    ca: Path
    key: str

    @property
    def headers(self) -> dict[str, str]:
        """What shows who calls; a new one each time, for clients that write into it."""
        return {"Authorization": f"Bearer {self.key}"}

    def resident(self) -> int:
        """Memory the server holds, in MB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) // 1024
        raise AssertionError("the server is gone")


@pytest.fixture(scope="session")
def served(released: Released) -> Iterator[Served]:
    command = [sys.executable, "-m", "stockade", "serve", "--project", str(released.project), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=released.environment()) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            told: dict[str, Any] = json.loads(line)
            key = Path(told["key_file"]).read_text().strip()
            port = int(told["url"].rsplit(":", 1)[1])
            yield Served(process, told["url"], port, Path(told["ca"]), key)
        finally:
            process.terminate()
            assert process.wait(SECONDS) == 0


def row() -> list[dict[str, Any]]:
    """The inputs of a request of two rows in the words of the Open Inference Protocol."""
    return [
        {"name": "age", "shape": [2], "datatype": "FP64", "data": [47.0, 20.0]},
        {"name": "hours", "shape": [2], "datatype": "INT64", "data": [40, 3]},
        {"name": "region", "shape": [2], "datatype": "BYTES", "data": ["north", "west"]},
    ]
