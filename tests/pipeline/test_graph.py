"""The graph accepts what fits together and names what does not."""

from pathlib import Path

import pytest

from stockade.errors import ConfigError
from stockade.pipeline.graph import Graph, Step
from stockade.types.execution import Origin


def step(name: str, needs: tuple[str, ...] = (), makes: tuple[str, ...] = (), **more: object) -> Step:
    inputs = {f"p{index}": artifact for index, artifact in enumerate(needs)}
    return Step(name, f"stockade.data.x:{name}", inputs=inputs, outputs=makes or (f"{name}-out",), **more)  # type: ignore[arg-type]


def test_steps_come_after_what_they_need() -> None:
    """The order follows the artifacts, and otherwise the order given."""
    graph = Graph((step("c", ("b-out",)), step("b", ("raw",)), step("a", ("raw",))), {"raw": Path("x")})
    assert [item.name for item in graph.ordered()] == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("steps", "word"),
    [
        ((step("a", ("nothing",)),), "'nothing'"),
        ((step("a", makes=("x",)), step("b", makes=("x",))), "both make"),
        ((step("a", makes=("raw",)),), "both make"),
        ((step("a"), step("a", makes=("y",))), "two steps"),
        ((step("a", ("b-out",)), step("b", ("a-out",))), "circle"),
        ((step("a", makes=("../x",)),), "not a name"),
        ((step("A b"),), "not a name"),
        ((step("a", results="other"),), "results"),
        ((step("a", subject="other"),), "other"),
        ((step("a", ("raw",), params={"p0": 1}),), "twice"),
        ((step("a", params={"class": 1}),), "no parameter"),
        ((Step("a", "stockade.data.x:a"),), "no output"),
        ((Step("a", "json:loads", outputs=("x",)),), "built in"),
        ((Step("a", "/tmp/steps.py:f", outputs=("x",)),), "built in"),
        ((Step("a", "steps.py:f()", outputs=("x",), origin=Origin.CUSTOM),), "names no function"),
        ((Step("a", "nothing", outputs=("x",), origin=Origin.CUSTOM),), "names no function"),
    ],
)
def test_what_does_not_fit_is_refused(steps: tuple[Step, ...], word: str) -> None:
    """Each mistake is a ConfigError that names it."""
    with pytest.raises(ConfigError, match=word):
        Graph(steps, {"raw": Path("x")})
