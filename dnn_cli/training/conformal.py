"""Split-conformal prediction: how far predictions are off, on rows that did not train.

Score      of a number |y - prediction|, in its own units; of classes 1 - p of the true one
Quantile   of n scores s_(1) <= … <= s_(n) the level c takes q = s_(k), k = ceil((n + 1) c): another
           row's score is at most q with probability k / (n + 1) >= c, whatever the network is,
           if the rows are exchangeable. k > n cannot be had
Interval   [prediction - q, prediction + q]
Set        all classes with 1 - p <= q. It may be empty, where c is below the accuracy
Kept       all scores of up to 4,096 rows; of more those of the ranks ceil(n i / 4,096): q is that
           of the next kept rank, too wide by 1/4,096 of the rows at the most. Fewer where there are
           more than 16 targets: 65,536 numbers in all
Shapes     scores (n,) of classes, (n, t) of t targets; kept (m,) or (m, t), rising
Errors     a level that the rows cannot reach
Source     Vovk, Gammerman, Shafer, "Algorithmic learning in a random world", 2005; sets: Sadinle,
           Lei, Wasserman, "Least ambiguous set-valued classifiers", JASA 2019
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from dnn_cli.base.errors import UsageError
from dnn_cli.base.task import Task
from dnn_cli.base.types import Array

_MOST = 4096
_NUMBERS = 1 << 16
_FEWEST = 64


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """The scores of `rows` rows: all of them, or those of evenly spaced ranks. Float64, rising."""

    rows: int
    kept: Array


def serves(task: Task) -> bool:
    """Whether there is a score: of numbers and of classes, one a row."""
    return task.classifies or task.kind == "regression"


def scores_of(predictions: Array, targets: Array, task: Task) -> Scores | None:
    """The scores of predictions in canonical form; None where one is not finite, or none is due."""
    if not serves(task) or not len(predictions):
        return None
    found = np.sort(score(predictions, targets, task), axis=0)
    if not np.isfinite(found[-1]).all():
        return None
    n, width = len(found), max(1, found[0].size)
    most = max(_FEWEST, min(_MOST, _NUMBERS // width))
    return Scores(n, found if n <= most else found[_ranks(n, most) - 1])


def score(predictions: Array, targets: Array, task: Task) -> Array:
    """The score of each row: (n,) of classes, (n, t) of targets; float64."""
    if task.classifies:
        truth = np.take_along_axis(predictions, targets[:, None], axis=1)[:, 0]
        return 1.0 - truth.astype(np.float64)
    return np.abs(np.subtract(predictions, targets, dtype=np.float64))


def rank_of(level: float, rows: int) -> int:
    """k = ceil((rows + 1) level), of the level as it is written: 0.9 is nine tenths."""
    return math.ceil((rows + 1) * Fraction(repr(level)))


def quantile(scores: Scores, level: float) -> Array:
    """q of `level`: a number, (), or one a target, (t,).

    Raises:
        UsageError: there are too few rows for such a level.
    """
    k = rank_of(level, scores.rows)
    if k > scores.rows:
        asked = Fraction(repr(level))
        raise UsageError(
            f"an interval of {level:g} needs {math.ceil(asked / (1 - asked))} validation rows, "
            f"the model was trained with {scores.rows}",
            why="with probability 1 / (rows + 1) a new row is worse than all of them",
            fix=f"ask for {scores.rows / (scores.rows + 1):.3g} at the most, rounded down, or "
            "train with a larger data.split.valid",
        )
    m = len(scores.kept)
    index = k - 1 if m == scores.rows else int(np.searchsorted(_ranks(scores.rows, m), k))
    found: Array = scores.kept[index]
    return found


def fits(scores: Scores, task: Task) -> bool:
    """Whether these can be scores of such a task: as many as are kept, rising, finite."""
    kept, n = scores.kept, scores.rows
    tail = () if task.classifies else (task.count,)
    return (
        serves(task)
        and kept.dtype == np.float64
        and kept.ndim == 1 + len(tail)
        and kept.shape[1:] == tail
        and 1 <= len(kept) <= n
        and (len(kept) == n or len(kept) >= _FEWEST)
        and bool(np.isfinite(kept).all() and (kept >= 0.0).all())
        and bool((np.diff(kept, axis=0) >= 0.0).all())
    )


def _ranks(rows: int, kept: int) -> Array:
    """The ranks ceil(rows i / kept), i from 1 to kept."""
    return -(-(np.arange(1, kept + 1, dtype=np.int64) * rows) // kept)


def sets_of(predictions: Array, q: Array) -> Array:
    """Which classes are in the set of each row: (n, K) bool of probabilities (n, K)."""
    found: Array = 1.0 - predictions.astype(np.float64) <= q
    return found


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often the truth lay within, and how wide the intervals or large the sets were."""

    level: float
    coverage: float  # the share of rows
    size: float  # the width, of sets the mean number of classes


def coverage_of(
    scores: Scores, level: float, predictions: Array, targets: Array, task: Task
) -> dict[str, Coverage]:
    """What the intervals of each target, or the sets, do on rows whose truth is known.

    Raises:
        UsageError: see `quantile`.
    """
    q = quantile(scores, level)
    within = score(predictions, targets, task) <= q
    if task.classifies:
        size = float(sets_of(predictions, q).sum(axis=1).mean())
        return {"set": Coverage(level, float(within.mean()), size)}
    names = task.labels or tuple(str(i) for i in range(task.count))
    return {
        name: Coverage(level, float(one.mean()), float(2.0 * by))
        for name, one, by in zip(names, within.T, q, strict=True)
    }
