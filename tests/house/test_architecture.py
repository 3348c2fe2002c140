"""The rules of the house that a linter cannot say: sizes, import budgets, and what is documented."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "stockade"
FILES = sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_files_and_functions_stay_small(path: Path) -> None:
    """A file has at most 500 lines and a function at most 60."""
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 500
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or node.lineno) - node.lineno < 60, node.name


def test_every_module_says_what_it_is_for() -> None:
    """Each module opens with a docstring."""
    missing = [path for path in FILES if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert missing == []


def test_names_say_something() -> None:
    """No module is named after nothing in particular."""
    vague = {"utils", "util", "helpers", "common", "base", "core", "manager", "misc"}
    assert [path for path in FILES if path.stem in vague] == []


def test_import_contracts_hold() -> None:
    """Floors, forbidden imports, protected keys and the absence of cycles hold."""
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def _modules(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(' '.join(sys.modules))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_a_bare_import_stays_light() -> None:
    """``import stockade`` loads at most 150 modules over bare Python, and no numerical library."""
    loaded = _modules("import stockade") - _modules("")
    assert len(loaded) <= 150
    assert not loaded & {"numpy", "polars", "cryptography", "onnxruntime", "msgspec"}


def _seconds(*arguments: str) -> float:
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
        best = min(best, time.perf_counter() - start)
    return best


def test_start_up_is_quick() -> None:
    """Import and ``--help`` cost a few hundredths of a second over bare Python; the bound leaves room for noise."""
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(SOURCE)], check=True)
    bare = _seconds("-c", "pass")
    assert _seconds("-c", "import stockade") - bare < 0.12
    assert _seconds("-m", "stockade", "--help") - bare < 0.16


def test_nothing_can_load_a_pickle() -> None:
    """No module of the package imports or calls a pickle loader, under any name."""
    forbidden = {"pickle", "_pickle", "cPickle", "marshal", "shelve", "joblib", "dill", "cloudpickle"}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names.append(node.module or "")
            assert not {name.split(".")[0] for name in names} & forbidden, path
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert isinstance(node.value, ast.Constant)
                assert node.value.value is False, path
