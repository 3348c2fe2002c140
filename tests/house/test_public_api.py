"""What users may rely on: a change here is a change of the public interface, and of the changelog."""

from __future__ import annotations

import importlib
import inspect

import stockade
from stockade.errors import StockadeError
from stockade.workspace.catalogue_of_errors import every_module, explanations
from stockade.workspace.project import Project

PROJECT = {
    "approve": ("version", "target", "person", "reason", "days"),
    "bundle": ("version", "output"),
    "explain": ("version", "target"),
    "history": (),
    "open": ("path",),
    "policy": (),
    "predict": ("source", "alias", "output"),
    "promote": ("version", "target", "person", "reason"),
    "report": ("version", "output"),
    "rollback": ("alias", "reason", "person"),
    "run": ("on_event",),
    "runs": (),
    "serve": ("alias", "host", "port", "ready"),
    "show": ("what",),
    "status": (),
    "waive": ("version", "rule", "targets", "person", "reason", "days"),
}


def test_the_package_offers_open_and_its_version() -> None:
    """`stockade` itself exports two names."""
    assert stockade.__all__ == ["__version__", "open"]


def test_the_methods_of_a_project_are_these() -> None:
    """Names and parameters of the verbs stay as users know them, and each says what it does."""
    methods = {
        name: tuple(item for item in inspect.signature(value).parameters if item not in {"self", "cls"})
        for name, value in inspect.getmembers(Project, callable)
        if not name.startswith("_")
    }
    assert methods == PROJECT
    assert all(inspect.getdoc(getattr(Project, name)) for name in methods)


def _all_errors() -> list[type[StockadeError]]:
    for name in every_module():
        if not name.endswith("__main__"):
            importlib.import_module(name)
    found, queue = [], [StockadeError]
    while queue:
        kind = queue.pop()
        found.append(kind)
        queue += kind.__subclasses__()
    return [kind for kind in found if kind.__module__.startswith("stockade.")]


def test_every_error_has_a_code_of_its_own_and_is_explained() -> None:
    """Error codes are unique, and ``stockade explain`` knows them all."""
    errors = _all_errors()
    codes = [kind.code for kind in errors]
    assert sorted(codes) == sorted(set(codes))
    assert set(codes) <= set(explanations())
    assert all(len(inspect.getdoc(kind) or "") > 20 for kind in errors)
