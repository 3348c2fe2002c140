"""The engine started as root, with an interpreter that others can read, and as an ordinary user."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import stockade
from stockade.sandbox import kernel

SYSTEM = Path(f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}")

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not SYSTEM.exists() or not kernel.landlock_version(),
    reason="needs root, a system interpreter of this version that all users can read, and Landlock",
)

SCRIPT = """
import json, os, sys
from pathlib import Path
from stockade.pipeline.executor import LocalExecutor
from stockade.pipeline.graph import Limits, Step
from stockade.pipeline.order import Order
from stockade.types.execution import Origin
from stockade.types.record import to_plain
folder = Path(sys.argv[1])
answers = []
executor = LocalExecutor(("polars",))
for number, function in enumerate(("who", "read_key", "signal_parent", "table", "bomb", "secret")):
    order = folder / f"order-{number}"
    (order / "in").mkdir(parents=True)
    order.chmod(0o711)
    given = order / "in" / "given.txt"
    given.write_text("rows")
    given.chmod(0o400)
    step = Step("s", f"{folder}/steps.py:{function}", outputs=("x",), origin=Origin.CUSTOM,
                limits=Limits(processes=4 if function == "bomb" else 0, seconds=20))
    secrets = {"token": folder / "key"} if function == "secret" else {}
    receipt = executor.execute(Order(step, {"given": given}, secrets, (folder / "steps.py",), order), print)
    said = receipt.outputs[0][0].read_text() if receipt.outputs else receipt.failure.code + receipt.failure.message
    answers.append((said, to_plain(receipt.isolation)))
executor.close()
print(json.dumps(answers))
"""

STEPS = """
import json, os, signal
import polars as pl
from pathlib import Path
def attempt(action):
    try:
        return f"SUCCEEDED {action()}"
    except OSError as error:
        return f"refused {error}"
def who(given: str) -> str:
    return json.dumps([os.getuid(), os.getgroups(), given])
def read_key(given: str) -> str:
    return attempt(Path(__file__).with_name("key").read_text)
def signal_parent(given: str) -> str:
    return attempt(lambda: os.kill(os.getppid(), signal.SIGTERM))
def table(given: str) -> str:
    return str(pl.DataFrame({"x": range(1000)}).lazy().select(pl.col("x").sum()).collect().item())
def bomb(given: str) -> str:
    while True:
        os.fork()
def secret(given: str, token: str) -> str:
    return token
"""


@pytest.fixture(scope="module")
def interpreter() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="stockade-users-"))
    folder.chmod(0o755)
    made = subprocess.run(
        [str(SYSTEM), "-m", "venv", "--without-pip", str(folder / "venv")], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("the system interpreter cannot make environments")
    packages = next((folder / "venv" / "lib").glob("python*/site-packages"))
    source = Path(stockade.__file__).parents[1]
    (packages / "borrowed.pth").write_text(f"{source}\n{sysconfig.get_path('purelib')}\n")
    yield folder / "venv" / "bin" / "python"
    shutil.rmtree(folder)


def answers(interpreter: Path, *prefix: str) -> list[Any]:
    folder = Path(tempfile.mkdtemp(prefix="stockade-users-"))
    folder.chmod(0o777)
    (folder / "steps.py").write_text(STEPS)
    (folder / "key").write_text("private")
    (folder / "steps.py").chmod(0o644)
    (folder / "key").chmod(0o644)
    try:
        command = [*prefix, str(interpreter), "-I", "-c", SCRIPT, str(folder)]
        result = subprocess.run(
            command, capture_output=True, check=False, timeout=120, env={"PATH": os.environ["PATH"]}
        )
        assert result.returncode == 0, result.stderr.decode()
        found: list[Any] = json.loads(result.stdout)
        return found
    finally:
        shutil.rmtree(folder)


def check(found: list[Any], *, changed: bool) -> None:
    (_, isolation), key, parent, table, bomb, secret = found
    assert isolation["user_changed"] is changed
    assert isolation["landlock"] > 0
    assert isolation["seccomp"]
    assert isolation["capabilities_dropped"]
    assert isolation["notes"] == []
    assert key[0].startswith("refused")
    assert parent[0].startswith("refused")
    assert table[0] == "499500"
    assert bomb[0].startswith("P101")
    assert secret[0] == "private"


def test_started_as_root_a_step_is_another_user(interpreter: Path) -> None:
    """Where others can read the interpreter, a step runs as a user that owns nothing, and reads its inputs."""
    found = answers(interpreter)
    identity, groups, given = json.loads(found[0][0])
    assert identity >= 0x70000000
    assert groups == []
    assert given == "rows"
    check(found, changed=True)


def test_started_as_an_ordinary_user(interpreter: Path) -> None:
    """Without any privilege the confinement is the same, under the user's own id."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("setpriv is not installed")
    found = answers(interpreter, setpriv, "--reuid=65534", "--regid=65534", "--clear-groups")
    assert json.loads(found[0][0])[0] == 65534
    check(found, changed=False)
