"""The attacker holds the serving process: it must hold nothing worth taking, and boot only from what was admitted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from stockade.serve.client import Client
from stockade.workspace.project import Project

_SERVE = """
import json, os, signal, sys
import stockade

def ready(endpoint):
    told = {"modules": sorted(sys.modules), "url": endpoint.url}
    print(json.dumps(told), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)

stockade.open(sys.argv[1]).serve(port=0, ready=ready)
"""


def _serve(project: Project) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _SERVE, str(project.root)], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_server_loads_nothing_that_signs_trains_or_attacks(project: Project) -> None:
    """In the serving process there is no key loader, no workshop, no engine and no heavy library but the runtime's."""
    result = _serve(project)
    assert result.returncode == 0, result.stderr
    loaded = set(json.loads(result.stdout)["modules"])
    rooms = ("data", "train", "assess", "adversary", "pipeline", "lifecycle", "registry.promote", "evidence.keys")
    forbidden = {f"stockade.{room}" for room in rooms} | {"polars", "sklearn", "lightgbm", "optuna", "onnx"}
    assert loaded & forbidden == set()
    assert "onnxruntime" in loaded


def test_a_project_without_promotion_is_not_served(project: Project) -> None:
    """Without an admitted version the server refuses to boot and says which alias is vacant."""
    project.promote(1, "retired", reason="withdrawn")
    result = subprocess.run(
        [sys.executable, "-m", "stockade", "serve", "--project", str(project.root), "--port", "0", "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1
    assert "production" in json.loads(result.stdout)["error"]["message"]


def test_an_admitted_model_answers(project: Project) -> None:
    """The honest case: the endpoint announces itself, answers with its key, and stops cleanly."""
    process = subprocess.Popen(
        [sys.executable, "-m", "stockade", "serve", "--project", str(project.root), "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        endpoint = json.loads(process.stdout.readline())
        key = Path(endpoint["key_file"]).read_text(encoding="ascii").strip()
        with Client(endpoint["url"], Path(endpoint["ca"]), key) as client:
            (probability,) = client.infer([{"age": 40, "hours": 40, "region": "north"}]).probability("1")
        assert 0.5 < probability < 1
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert key not in errors
