"""Resamples: the rows of an outcome drawn again, as many as there are, with replacement.

What metrics need of them is worked out for all at once: a mean over the rows of a resample is a
product with how often each row was drawn, so that no row is ever copied.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TypeAlias, final

import numpy as np

from dnn_cli.base.types import Array
from dnn_cli.training.outcome import Counts, Outcome, fraction, mean_of_defined

_MOST = 1 << 18
# Scores (n,) and positive (n,) of one class, times (r, n) -> (r,).
ClassScore: TypeAlias = Callable[[Array, Array, Array], Array]


@final
class Resamples:
    """Some resamples of `outcome`; `times` says how often each has each row.

    Where examples have weights, a row that was drawn counts as much as it weighs.

    Shapes     times (r, n) float64, whole numbers; the sum of each row is n
    """

    def __init__(self, outcome: Outcome, times: Array) -> None:
        self.outcome = outcome
        self.times = times if outcome.weights is None else times * outcome.weights

    @classmethod
    def whole(cls, outcome: Outcome) -> Resamples:
        """Every row once."""
        return cls(outcome, np.ones((1, outcome.rows)))

    def mean(self, terms: Array) -> Array:
        """The mean over the rows of each resample.

        Shapes     terms (n,) -> (r,); (n, k) -> (r, k)
        """
        total: Array = self.times @ terms.astype(np.float64, copy=False)
        if self.outcome.weights is None:
            return total / self.outcome.rows
        mass = self.times.sum(axis=1).reshape(-1, *(1,) * (total.ndim - 1))
        return fraction(total, np.broadcast_to(mass, total.shape), np.zeros_like(total, np.bool_))

    @cached_property
    def counts(self) -> Counts:
        """Right, decided and actual examples of every class or label: each (r, K)."""
        if self.outcome.task.classifies:
            return self._of_classes()
        positive, decided = self.outcome.positive, self.outcome.decided
        parts = (positive & decided, decided, positive)
        return Counts(*(self.times @ part.astype(np.float64) for part in parts))

    def _of_classes(self) -> Counts:
        truth, decided, k = self.outcome.targets, self.outcome.decided, self.outcome.task.count
        pairs = self._sums(2 * truth + (decided == truth), 2 * k).reshape(-1, k, 2)
        return Counts(pairs[..., 1], self._sums(decided, k), pairs.sum(axis=-1))

    def _sums(self, groups: Array, many: int) -> Array:
        """How many rows each resample has of each of so many groups: (r, many)."""
        return np.stack([np.bincount(groups, weights=one, minlength=many) for one in self.times])


def of_columns(score: ClassScore, drawn: Resamples) -> Array | None:
    """`score` of class 1 in a binary task, else its mean over the classes or labels: (r,).

    None if that would take too long: rows times classes are more than 2^18, some four seconds.
    """
    if len(drawn.times) > 1 and drawn.outcome.predictions.size > _MOST:
        return None
    scores, positive = drawn.outcome.predictions.T, drawn.outcome.positive.T
    if drawn.outcome.task.kind == "binary":
        return score(scores[1], positive[1], drawn.times)
    each = [score(s, p, drawn.times) for s, p in zip(scores, positive, strict=True)]
    return mean_of_defined(np.stack(each, axis=-1))
