"""The blend: the mean of a few contenders' raw scores, where cross-validation says that it is better.

Members are picked greedily from the contenders that already competed, so a blend costs no further fit before the
last. Source of the method: Caruana et al. 2004, "Ensemble Selection from Libraries of Models", without repetition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from stockade.train.problem import Fitted, Floats, Form, Validation

LARGEST = 3
"""Most members."""

GAIN = 0.001
"""Relative improvement of the cross-validated loss that a further member must bring."""

SLACK = 0.005
"""Relative loss that a further member may cost where rows are ordered in time: what was best so far changes, and a
blend changes less."""


@dataclass(frozen=True, slots=True)
class FittedBlend:
    """Fitted members, one or more.

    `forms` are in the order in which `raw` adds them up.
    """

    members: tuple[Fitted, ...]

    def raw(self, matrix: Floats) -> Floats:
        """Mean of the members' raw scores."""
        return mean([member.raw(matrix) for member in self.members])

    def forms(self) -> tuple[Form, ...]:
        """The members' numbers."""
        return tuple(member.form() for member in self.members)


def mean(raws: Sequence[Floats]) -> Floats:
    """Add raw scores up in order and divide by their number; a single one stays as it is."""
    total = raws[0]
    for raw in raws[1:]:
        total = total + raw
    return total / float(len(raws)) if len(raws) > 1 else total


def blend(
    validations: Sequence[Validation], loss: Callable[[Validation], float], *, ordered: bool, ceiling: float
) -> tuple[int, ...]:
    """Pick members.

    Args:
        validations: Of the contenders, the best first.
        loss: Ranks a cross-validation, less is better.
        ordered: Whether rounds are ordered in time.
        ceiling: Loss that no blend may pass, that of the best baseline.

    Returns:
        Places of the members, the best contender's first; just ``(0,)`` where no blend is better.
    """
    chosen = [0]
    current = loss(validations[0])
    bound = current + SLACK * abs(current)
    while len(chosen) < min(LARGEST, len(validations)):
        others = [place for place in range(len(validations)) if place not in chosen]
        losses = [loss(together([validations[place] for place in (*chosen, other)])) for other in others]
        best = int(np.argmin(losses))
        if not losses[best] < min(bound if ordered else current - GAIN * abs(current), ceiling):
            break
        chosen.append(others[best])
        current = losses[best]
    return tuple(chosen)


def together(validations: Sequence[Validation]) -> Validation:
    """The cross-validation of a blend of these."""
    rounds = range(len(validations[0].raws))
    return Validation(tuple(mean([validation.raws[place] for validation in validations]) for place in rounds))
