"""Steps through the real processes: values in and out, failures, progress, and the end of everything."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from stockade.errors import ServiceError
from stockade.pipeline.executor import LocalExecutor
from stockade.pipeline.graph import Limits
from stockade.pipeline.order import Progress, Receipt

Run = Callable[..., Receipt]


def test_values_of_every_kind(run_step: Run) -> None:
    """A DataFrame, bytes, text, a record, JSON values and the path of a file each become a file of their format."""
    receipt = run_step(
        """
        import polars as pl
        from pathlib import Path
        from stockade.types.results import Figure
        def f(n: int):
            Path("made.bin").write_bytes(b"abc")
            return (pl.DataFrame({"x": range(n)}), b"\\0\\1", "text", Figure("auc", 0.5), {"b": [1], "a": None}, Path("made.bin"))
        """,
        outputs=("a", "b", "c", "d", "e", "f"),
        n=3,
    )
    assert receipt.failure is None, receipt.log.decode()
    files = [path.read_bytes() for path, _ in receipt.outputs]
    assert pl.read_parquet(receipt.outputs[0][0])["x"].to_list() == [0, 1, 2]
    assert files[1:3] == [b"\0\1", b"text"]
    assert json.loads(files[3])["value"] == 0.5
    assert files[4:] == [b'{"a":null,"b":[1]}', b"abc"]


def test_inputs_arrive_as_annotated(run_step: Run, tmp_path: Path) -> None:
    """Inputs are decoded by annotation, parameters become records, and optional ones keep their default."""
    pl.DataFrame({"x": [1, 2]}).write_parquet(tmp_path / "t")
    (tmp_path / "r").write_text('{"name": "auc", "value": 1}')
    (tmp_path / "w.txt").write_text("wörter")
    receipt = run_step(
        """
        from __future__ import annotations
        import polars as pl
        from pathlib import Path
        from stockade.types.results import Figure, Severity
        def f(table: pl.DataFrame, record: Figure, words: str, raw: bytes, where: Path, level: Severity,
              lazy: pl.LazyFrame, many: tuple[Figure, ...] = (), other: str | None = None):
            return [table["x"].sum(), record.value, words, len(raw), where.name, level.rank,
                    lazy.collect().height, len(many), other]
        """,
        inputs={"table": tmp_path / "t", "record": tmp_path / "r", "words": tmp_path / "w.txt", "raw": tmp_path / "w.txt",
                "where": tmp_path / "w.txt", "lazy": tmp_path / "t"},
        level="high",
        many=[{"name": "a", "value": 0}],
    )  # fmt: skip
    assert receipt.failure is None, receipt.log.decode()
    assert json.loads(receipt.outputs[0][0].read_bytes()) == [3, 1.0, "wörter", 7, "w.txt", 3, 2, 1, None]


@pytest.mark.parametrize(
    ("code", "outputs", "word"),
    [
        ("def f(): return object()", 1, "object"),
        ("def f(): return float('nan')", 1, "float"),
        ("def f(): return 1, 2", 3, "2 values"),
        ("def f(): return 1", 2, "int"),
        ("from pathlib import Path\ndef f(): return Path('nothing')", 1, "nothing"),
        ("from pathlib import Path\ndef f(): return Path('/usr/lib')", 1, "lib"),
        ("def g(): return 1", 1, "'f'"),
        ("def f(needed): return 1", 1, "needed"),
    ],
)
def test_what_cannot_be_stored_is_named(run_step: Run, code: str, outputs: int, word: str) -> None:
    """A return value that is no output, or a call that does not fit, is a StepOutputError in words."""
    receipt = run_step(code, outputs=tuple("abc"[:outputs]))
    assert receipt.failure is not None
    assert receipt.failure.code == "P102"
    assert word in receipt.failure.message


def test_same_value_same_bytes(run_step: Run) -> None:
    """Two runs of a deterministic step give the same digest."""
    code = "import polars as pl\ndef f(): return pl.DataFrame({'x': list(range(1000)), 'y': ['a'] * 1000})"
    assert run_step(code).outputs[0][1] == run_step(code).outputs[0][1]


def test_failure_and_log(run_step: Run) -> None:
    """An exception is reported with its class and text, what was printed is kept, and private folders are not named."""
    receipt = run_step(
        """
        import sys
        from pathlib import Path
        def f():
            print("to the log")
            print("and this", file=sys.stderr)
            raise ValueError(f"bad {Path.cwd()}/x")
        """
    )
    assert receipt.failure is not None
    assert (receipt.failure.kind, receipt.failure.message) == ("ValueError", "bad x")
    assert b"to the log" in receipt.log
    assert b"and this" in receipt.log
    assert receipt.outputs == ()


def test_deliberate_errors_keep_code_place_and_remedy(run_step: Run) -> None:
    """A DataError raised by a step arrives whole."""
    receipt = run_step(
        """
        from stockade.errors import TargetError
        def f():
            raise TargetError("all null", where="column y", remedy="pick another")
        """
    )
    failure = receipt.failure
    assert failure is not None
    assert (failure.code, failure.message, failure.where, failure.remedy) == (
        "D102", "all null", "column y", "pick another",
    )  # fmt: skip


def test_crash_is_named(run_step: Run) -> None:
    """A step that crashes its process is named by the signal."""
    receipt = run_step("import os, signal\ndef f(): os.kill(os.getpid(), signal.SIGSEGV)")
    assert receipt.failure is not None
    assert "SIGSEGV" in receipt.failure.message


def test_progress(run_step: Run, seen: list[Progress]) -> None:
    """Reports arrive while the step runs; outside the engine they do nothing."""
    run_step(
        """
        from stockade.types.progress import report
        def f():
            report(1, 2, "half")
            report(2, 2, "whole")
            return ""
        """
    )
    assert [(item.done, item.text) for item in seen] == [(1.0, "half"), (2.0, "whole")]
    from stockade.types.progress import report

    report(1, 2, "nowhere")


def test_declared_modules_beside_the_file(run_step: Run, tmp_path: Path) -> None:
    """A declared module beside the file is imported; an undeclared one does not exist for the step."""
    for name in ("known", "unknown"):
        (tmp_path / f"{name}.py").write_text("word = 'found'")
    declared = (tmp_path / "known.py",)
    receipt = run_step("import known\ndef f(): return known.word", beside=declared)
    assert receipt.failure is None
    receipt = run_step("import unknown\ndef f(): return unknown.word", beside=declared)
    assert receipt.failure is not None
    assert receipt.failure.kind == "ModuleNotFoundError"


def test_secret_reaches_its_step(run_step: Run, tmp_path: Path) -> None:
    """A declared secret is decoded into its parameter."""
    (tmp_path / "token").write_text("hunter2")
    receipt = run_step("def f(token: str): return len(token)", secrets={"token": tmp_path / "token"})
    assert receipt.outputs[0][0].read_text() == "7"


def test_strict_isolation_runs_a_fresh_interpreter(run_step: Run) -> None:
    """With fresh interpreters the step runs in a process of its own making, with the same confinement."""
    executor = LocalExecutor(fresh=True)
    try:
        receipt = run_step("def f(): return 'x'", using=executor)
    finally:
        executor.close()
    assert receipt.failure is None, receipt.log.decode()
    assert receipt.isolation is not None
    assert receipt.isolation.level == "strict"


def test_libraries_with_threads(run_step: Run) -> None:
    """The libraries that steps use compute inside, with their threads, after being imported in the zygote."""
    executor = LocalExecutor(("numpy", "polars", "lightgbm", "onnxruntime"))
    code = """
        import numpy as np, polars as pl, lightgbm, onnxruntime
        def f():
            table = pl.DataFrame({"x": np.arange(100_000) % 7, "y": np.arange(100_000.0)})
            sums = table.lazy().group_by("x").agg(pl.col("y").sum()).sort("x").collect()
            x = np.random.default_rng(0).normal(size=(2000, 5))
            data = lightgbm.Dataset(x, (x[:, 0] > 0).astype(int))
            model = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 2}, data, 5)
            return [sums.height, float((np.ones((400, 400)) @ np.ones((400, 400)))[0, 0]), model.num_trees(),
                    onnxruntime.get_available_providers()[-1]]
        """
    try:
        receipt = run_step(code, using=executor)
    finally:
        executor.close()
    assert receipt.failure is None, receipt.log.decode()
    assert json.loads(receipt.outputs[0][0].read_bytes()) == [7, 400.0, 5, "CPUExecutionProvider"]


def test_zygote_that_dies_is_a_service_error(run_step: Run) -> None:
    """When the zygote is killed, the order fails by name and the next one gets a new zygote."""
    executor = LocalExecutor()
    try:
        run_step("def f(): return 1", using=executor)
        assert executor._process is not None
        os.kill(executor._process.pid, signal.SIGKILL)
        with pytest.raises(ServiceError, match="ended by itself"):
            run_step("def f(): return 1", using=executor)
        assert run_step("def f(): return 1", using=executor).failure is None
    finally:
        executor.close()


def test_zygote_that_cannot_start_says_why(run_step: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An interpreter without this package is a ServiceError that repeats its complaint."""
    bare = tmp_path / "python"
    bare.write_text("#!/bin/sh\necho 'No module named stockade' >&2\nexit 1\n")
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(ServiceError, match="No module named stockade"):
        run_step("def f(): return 1", using=LocalExecutor())


INTERRUPTED = """
import sys, threading, os, signal
from pathlib import Path
from stockade.pipeline.executor import LocalExecutor
from stockade.pipeline.graph import Step
from stockade.pipeline.order import Order
from stockade.types.execution import Origin
folder = Path(sys.argv[1])
step = Step("s", f"{folder}/steps.py:f", outputs=("x",), origin=Origin.CUSTOM)
(folder / "order" / "in").mkdir(parents=True)
executor = LocalExecutor()
print("ready", flush=True)
try:
    executor.execute(Order(step, {}, {}, (folder / "steps.py",), folder / "order"), lambda p: print(p.text, flush=True))
except KeyboardInterrupt:
    print("interrupted", executor._process, flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_children_die_with_the_runner(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C, and even a killed runner, leave no process of the step behind."""
    (tmp_path / "steps.py").write_text(
        "import os, time\nfrom stockade.types.progress import report\n"
        "def f():\n    report(1, 1, str(os.getpid()))\n    while True: time.sleep(0.01)\n"
    )
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None
        assert runner.stdout.readline() == "ready\n"
        child = int(runner.stdout.readline())
        runner.send_signal(number)
        rest = runner.stdout.read()
        runner.wait(10)
    if number is signal.SIGINT:
        assert rest == "interrupted None\n"
    for _ in range(100):
        if not Path(f"/proc/{child}").exists():
            return
        time.sleep(0.05)
    pytest.fail("the step outlived its runner")


def test_limits_hold_for_the_honest_case(run_step: Run) -> None:
    """A step well inside its limits passes."""
    limits = Limits(memory_bytes=512 << 20, seconds=30, output_bytes=1 << 20, threads=16)
    assert run_step("def f(): return bytes(1 << 19)", limits=limits).failure is None
    receipt = run_step("def f(): return bytes((1 << 20) + 1)", limits=limits)
    assert receipt.failure is not None
    assert receipt.failure.code == "P101"
