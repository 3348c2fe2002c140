"""Membership inference by loss: was this row in the training part?

Threat model: the attacker holds rows with their true targets and sees the model's probabilities (or its prediction of
a number), once a row. A row that the model predicts better than a threshold is called a member.
Source: Yeom et al. (2018), "Privacy Risk in Machine Learning"; judged at a low false-positive rate as Carlini et al.
(2022) ask. It is a lower bound: attacks that train shadow models of their own find more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stockade.metrics.arrays import Floats
from stockade.metrics.bootstrap import intervals
from stockade.metrics.intervals import Estimate
from stockade.metrics.ranking import Ordering, auc

FALSE_POSITIVE_RATE = 0.01
"""False-positive rate at which the true-positive rate is measured."""

_MOST = 8_000


@dataclass(frozen=True, slots=True)
class Membership:
    """How well members are told from others.

    Attributes:
        auc: 0.5 is guessing; interval by DeLong.
        tpr_at_1pct_fpr: Share of members found where 1 % of others are accused; 0.01 is guessing. Interval by a
            bootstrap of both parts.
        members: Members asked about.
        others: Others asked about.
    """

    auc: Estimate
    tpr_at_1pct_fpr: Estimate
    members: int
    others: int


def infer_membership(member_losses: Floats, other_losses: Floats, *, seed: int) -> Membership | None:
    """Attack by loss; ``None`` where either part is empty.

    Args:
        member_losses: Loss of rows of the training part; lower means better predicted.
        other_losses: Loss of rows that were not.
        seed: Of the bootstrap, and of the sample where a part has more than 8,000 rows.
    """
    if not len(member_losses) or not len(other_losses):
        return None
    random = np.random.default_rng(seed)
    parts = [
        losses if len(losses) <= _MOST else losses[np.sort(random.choice(len(losses), _MOST, replace=False))]
        for losses in (member_losses, other_losses)
    ]
    member = np.concatenate((np.ones(len(parts[0]), dtype=np.bool_), np.zeros(len(parts[1]), dtype=np.bool_)))
    scores = -np.concatenate(parts)
    area = auc(member, scores)
    if area is None:  # both parts hold rows
        return None
    ordering = Ordering(member, scores)

    def statistics(weights: Floats) -> dict[str, Floats]:
        return {"tpr": _found_at(FALSE_POSITIVE_RATE, *ordering.counts(weights))}

    rate = intervals(statistics, member.astype(np.int64), seed)["tpr"]
    bounded = Estimate(rate.value, max(rate.low, 0.0), min(rate.high, 1.0))
    return Membership(area, bounded, len(parts[0]), len(parts[1]))


def _found_at(rate: float, true: Floats, false: Floats) -> Floats:
    """True-positive rate ``[R]`` of ROC curves given by counts ``[R, T]``, where the false-positive rate is `rate`.

    Between two thresholds the attacker tosses a coin, so that equal losses neither help nor hinder.
    """
    count = len(true)
    ups = np.concatenate((np.zeros((count, 1)), true / true[:, -1:]), axis=1)
    downs = np.concatenate((np.zeros((count, 1)), false / false[:, -1:]), axis=1)
    every = np.arange(count)
    above = np.argmax(downs > rate, axis=1)
    below = above - 1
    step = (rate - downs[every, below]) / (downs[every, above] - downs[every, below])
    found: Floats = ups[every, below] + step * (ups[every, above] - ups[every, below])
    return found
