"""Tree ensembles between trainer and ONNX: plain splits and leaves, with nothing rounded.

A forest here means exactly what the operator TreeEnsemble of ai.onnx.ml 5 means: raw scores are the sums of the
leaves that a row reaches, tree after tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum


class Question(IntEnum):
    """How a split asks; the values are those of ``nodes_modes``."""

    AT_MOST = 0
    BELOW = 1
    MEMBER = 6


@dataclass(frozen=True, slots=True)
class Child:
    """Where a branch leads: to a leaf or to a split, by its position in the tree."""

    leaf: bool
    index: int


@dataclass(frozen=True, slots=True)
class Split:
    """One question.

    Attributes:
        feature: Column of the matrix.
        question: Whether the value is at most `threshold`, below it, or one of `members`.
        threshold: For the numeric tests.
        members: For the membership test.
        missing_true: Whether NaN follows the true branch.
        true: Where a yes leads.
        false: Where a no leads.
    """

    feature: int
    question: Question
    threshold: float
    members: tuple[float, ...]
    missing_true: bool
    true: Child
    false: Child


@dataclass(slots=True)
class Forest:
    """Trees whose leaves add up to raw scores.

    Attributes:
        targets: Number of raw scores a row gets.
        splits: Splits of all trees, children numbered across the forest.
        leaves: Target and weight of each leaf.
        roots: Position of each tree's first split.
    """

    targets: int
    splits: list[Split] = field(default_factory=list)
    leaves: list[tuple[int, float]] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)

    def add(self, splits: Sequence[Split], leaves: Sequence[float], target: int) -> None:
        """Add a tree whose first split is its root; children are numbered within the tree."""
        first_split, first_leaf = len(self.splits), len(self.leaves)
        self.roots.append(first_split)
        self.leaves.extend((target, weight) for weight in leaves)
        for split in splits:
            true, false = (
                Child(child.leaf, child.index + (first_leaf if child.leaf else first_split))
                for child in (split.true, split.false)
            )
            self.splits.append(
                Split(split.feature, split.question, split.threshold, split.members, split.missing_true, true, false)
            )

    def add_constant(self, weight: float, target: int) -> None:
        """Add a tree that gives every row the same."""
        only = Child(leaf=True, index=0)
        self.add([Split(0, Question.AT_MOST, 0.0, (), missing_true=False, true=only, false=only)], [weight], target)
