"""The evasion attack against models whose true distances are known."""

from __future__ import annotations

import numpy as np
import pytest

from stockade.adversary.attacks.evasion import Budget, evade
from stockade.adversary.space import Dimension, Space


def attack(model, space, rows, pool, budget, seed=0):
    """Attack `model`, counting the queries it really gets."""
    own = model(rows)
    asked = np.zeros(len(rows), dtype=int)

    def turned(index, points):
        np.add.at(asked, index, 1)
        return model(points) != own[index]

    found = evade(turned, space, rows, pool, model(pool)[None] != own[:, None], budget=budget, seed=seed)
    assert (found.queries == asked).all()
    assert asked.max(initial=0) <= budget.queries
    reached = np.isfinite(found.distances)
    assert (model(found.points[reached]) != own[reached]).all()
    assert np.allclose(space.distance(found.points, rows)[reached], found.distances[reached])
    return found


def plane(columns, seed):
    random = np.random.default_rng(seed)
    data = random.normal(size=(1_500, columns))
    normal = random.normal(size=columns)
    normal /= np.linalg.norm(normal)
    space = Space(tuple(Dimension.of_numbers(f"x{index}", data[:, index], integer=False) for index in range(columns)))
    return data, normal, space


def test_the_distance_to_a_plane_is_found_within_a_few_percent():
    """250 queries find 1.1 times the true distance for nearly every row of eight columns, and never less than it."""
    data, normal, space = plane(8, 0)
    found = attack(lambda points: points @ normal > 0.3, space, data[:200], data[200:1_200], Budget(250))
    # In standard deviations, the distance to the plane is the offset over the length of the scaled normal.
    truth = np.abs(data[:200] @ normal - 0.3) / np.linalg.norm(normal * space.scale)
    ratio = found.distances / truth
    assert ratio.min() > 1 - 1e-9
    assert np.median(ratio) < 1.05
    assert np.quantile(ratio, 0.95) < 1.15


def test_more_queries_never_need_a_larger_budget():
    """The attack at 400 queries is at least as near as at 60 in the median."""
    data, normal, space = plane(12, 1)
    near = [
        np.median(
            attack(lambda points: points @ normal > 0, space, data[:80], data[200:900], Budget(queries)).distances
        )
        for queries in (60, 400)
    ]
    assert near[1] < near[0]


def test_steps_of_a_tree_are_found_exactly():
    """Where one whole number decides, the nearest one that turns the answer is found."""
    random = np.random.default_rng(2)
    data = np.column_stack((random.integers(0, 30, 800), random.normal(size=800))).astype(float)
    space = Space(
        (
            Dimension.of_numbers("whole", data[:, 0], integer=True),
            Dimension.of_numbers("noise", data[:, 1], integer=False),
        )
    )
    found = attack(lambda points: points[:, 0] >= 12, space, data[:100], data[100:], Budget(150))
    steps = np.where(data[:100, 0] >= 12, data[:100, 0] - 11, 12 - data[:100, 0]) / space.scale[0]
    assert found.distances == pytest.approx(steps)
    assert (found.points[:, 0] == np.round(found.points[:, 0])).all()


def test_one_category_is_switched_and_no_more():
    """Where a word alone decides, the cost is one, and only known words are used."""
    random = np.random.default_rng(3)
    data = np.column_stack((random.integers(0, 4, 600), random.integers(0, 5, 600), random.normal(size=600)))
    space = Space(
        (
            Dimension.of_categories("deciding", 4),
            Dimension.of_categories("idle", 5),
            Dimension.of_numbers("noise", data[:, 2], integer=False),
        )
    )
    found = attack(lambda points: points[:, 0] == 2, space, data[:100], data[100:], Budget(120))
    assert found.distances == pytest.approx(np.ones(100))
    assert np.isin(found.points[:, 0], [0, 1, 2, 3]).all()


def test_a_constant_model_is_not_turned():
    """Where every answer is the same, nothing is found and few queries are wasted."""
    data, _, space = plane(3, 4)
    found = attack(lambda points: np.zeros(len(points)), space, data[:20], data[100:200], Budget(200))
    assert np.isinf(found.distances).all()
    assert np.array_equal(found.points, data[:20])
    assert found.queries.max() <= 200 // 4


def test_missing_cells_survive_the_attack():
    """Rows with missing numbers are attacked through their other columns."""
    data, normal, space = plane(4, 5)
    rows = data[:50].copy()
    rows[:, 0] = np.nan

    def model(points):
        return np.nan_to_num(points) @ normal > 0.1

    found = attack(model, space, rows, data[100:900], Budget(200))
    assert np.isnan(found.points[:, 0]).all()
    assert np.isfinite(found.distances).mean() > 0.9


def test_the_attack_repeats():
    """Equal seeds give equal points."""
    data, normal, space = plane(5, 6)

    def model(points):
        return points @ normal > 0

    first, again = (attack(model, space, data[:30], data[100:400], Budget(150), seed=9) for _ in range(2))
    assert np.array_equal(first.points, again.points)


@pytest.mark.parametrize("rows", [0, 1])
def test_no_rows_and_no_pool_are_borne(rows):
    """Nothing to attack, or nothing to start from, is an answer and not an error."""
    data, normal, space = plane(3, 7)
    found = attack(lambda points: points @ normal > 0, space, data[:rows], data[:0], Budget(40))
    assert len(found.distances) == rows
