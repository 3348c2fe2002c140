"""All error codes and what they mean, collected from the classes that raise them."""

from __future__ import annotations

import importlib
import pkgutil

import stockade
from stockade.errors import StockadeError

_ROOMS_WITH_ERRORS_OF_THEIR_OWN = (
    "stockade.model.signature",
    "stockade.registry.records",
    "stockade.serve.access",
    "stockade.serve.boot",
    "stockade.serve.client",
    "stockade.serve.columns",
    "stockade.serve.journal",
    "stockade.serve.tls",
    "stockade.train.encoding",
)


def explanations() -> dict[str, str]:
    """Map each error code to its explanation, in the order of the codes.

    Modules that define further error classes are listed here rather than searched, so that this stays quick; a test
    searches them all and fails when one is missing.
    """
    for name in _ROOMS_WITH_ERRORS_OF_THEIR_OWN:
        importlib.import_module(name)
    return dict(sorted((kind.code, kind.__doc__ or "") for kind in _descendants(StockadeError)))


def every_module() -> list[str]:
    """Names of all modules of the package, for the test that nothing is missing above."""
    return [info.name for info in pkgutil.walk_packages(stockade.__path__, "stockade.")]


def _descendants(kind: type[StockadeError]) -> list[type[StockadeError]]:
    return [kind] + [found for child in kind.__subclasses__() for found in _descendants(child)]
