"""Every first-party file that a step can reach is among its sources."""

from pathlib import Path

import pytest

from stockade.errors import ConfigError
from stockade.pipeline.graph import Step
from stockade.pipeline.sources import SourceReader
from stockade.types.execution import Origin


def custom(folder: Path, name: str = "f") -> Step:
    return Step("s", f"{folder}/steps.py:{name}", outputs=("x",), origin=Origin.CUSTOM)


def names(folder: Path) -> set[str]:
    return {item.name for item in SourceReader().trace(custom(folder))}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {
        "steps.py": "import helper\ndef f():\n    from deep import inner\n    import json, numpy\n",
        "helper.py": "from stockade.types import digest\nLATER = 'lazy.part:function'\n",
        "deep/__init__.py": "",
        "deep/inner.py": "from . import beside\nfrom .further import thing\n",
        "deep/beside.py": "",
        "deep/further/__init__.py": "from ..beside import x\n",
        "deep/words.txt": "template",
        "lazy/__init__.py": "",
        "lazy/part.py": "",
        "unused.py": "",
        "numpy.txt": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_transitive_imports(folder: Path) -> None:
    """Plain, relative and inner imports are followed, modules named in text too, files of a package count."""
    assert names(folder) == {
        "steps.py", "helper.py", "deep/__init__.py", "deep/inner.py", "deep/beside.py", "deep/further/__init__.py",
        "deep/words.txt", "lazy/__init__.py", "lazy/part.py",
        "stockade/__init__.py", "stockade/py.typed", "stockade/types/__init__.py", "stockade/types/digest.py",
    }  # fmt: skip


def test_a_changed_helper_changes_its_digest(folder: Path) -> None:
    """A change in a helper shows in the digests, even when its size and the reader stay the same."""
    reader = SourceReader()
    before = reader.trace(custom(folder))
    (folder / "deep" / "beside.py").write_text("x = 1")
    after = reader.trace(custom(folder))
    changed = {new.name for old, new in zip(before, after, strict=True) if old != new}
    assert changed == {"deep/beside.py"}


def test_built_in_steps_are_traced_in_the_package() -> None:
    """A step of this package reaches modules of this package and no installed library."""
    found = SourceReader().trace(Step("s", "stockade.pipeline.codec:bind", outputs=("x",)))
    assert {"stockade/pipeline/codec.py", "stockade/types/record.py"} <= {item.name for item in found}
    assert all(item.name.startswith("stockade/") for item in found)


@pytest.mark.parametrize("call", ["/nowhere/steps.py:f", "stockade.nowhere_at_all.x:f"])
def test_absent_sources(call: str) -> None:
    """A step whose file does not exist is a ConfigError."""
    with pytest.raises(ConfigError, match="there is no"):
        SourceReader().trace(Step("s", call, outputs=("x",), origin=Origin.CUSTOM))


def test_broken_source_is_named_with_its_line(tmp_path: Path) -> None:
    """A helper that is not Python is named with the line."""
    (tmp_path / "steps.py").write_text("import helper\n")
    (tmp_path / "helper.py").write_text("x = 1\ndef (\n")
    with pytest.raises(ConfigError, match="not valid Python") as caught:
        names(tmp_path)
    assert caught.value.where == f"{tmp_path}/helper.py:2"
