"""An outcome: what a network predicted and what was true, with what several metrics share.

Canonical  binary, multiclass        predictions (n, K) rows of probabilities, also for K = 2;
                                     targets (n,) class numbers
           multilabel                predictions (n, L) probabilities; targets (n, L) of 0 and 1
           regression                predictions, targets (n, t); of quantiles predictions (n, t q)
           reconstruction            predictions (n, …), targets (n, …) of the same size
Decision   the class of the largest probability, the first one of equals; a label is on where its
           probability exceeds 0.5. So with two classes 0.5 means class 0
Numerics   predictions stay float32; every sum over examples runs in float64
Errors     a NaN or infinity among the predictions is a divergence, not a class
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dnn_cli.base.errors import DivergedError
from dnn_cli.base.task import Task
from dnn_cli.base.types import Array, size_of
from dnn_cli.training.confusion_matrix import confusion_matrix, label_confusion

_BLOCK = 4096  # rows whose columns are compared at once: 10 classes in 160 kB of cache
_NARROW = 16  # classes up to which comparing columns beats np.argmax
_CELLS = 1 << 16  # of a block of residuals: 512 kB in float64


@dataclass(frozen=True, slots=True)
class Counts:
    """Per class or label: examples decided so and right, decided so, and truly so (float64).

    Shapes     (K,); of resamples (r, K)
    """

    right: Array
    decided: Array
    actual: Array

    @property
    def occurring(self) -> Array:
        """Classes that occur among the targets or the decisions."""
        found: Array = (self.decided + self.actual) > 0
        return found

    def pooled(self) -> Counts:
        """The counts of all classes together, as if they were one."""
        parts = (self.right, self.decided, self.actual)
        return Counts(*(part.sum(axis=-1, keepdims=True) for part in parts))


class Outcome:
    """Predictions beside targets; what more than one metric asks for is worked out once.

    `weights` (n,), if there are any, say how often each example counts: as if its row were there
    so many times.
    """

    def __init__(
        self, predictions: Array, targets: Array, task: Task, weights: Array | None = None
    ) -> None:
        self.weights = weights
        if task.kind == "reconstruction":
            predictions, targets = _flat(predictions), _flat(targets)
        if predictions.shape != (len(targets), task.columns):
            shapes = f"predictions {predictions.shape} for {len(targets)} targets"
            raise ValueError(f"{shapes} and {task.columns} outputs")
        # The levels (q,) of quantiles, and these (n, t, q); without any a value is the median.
        self.levels = np.array(task.quantiles or (0.5,))
        self.quantiles = predictions.reshape(len(predictions), task.count, len(self.levels))
        self.predictions, self.targets, self.task = points(predictions, task), targets, task
        self._check_shapes()
        _require_finite(predictions)

    def _check_shapes(self) -> None:
        found, n = self.predictions.shape, len(self.targets)
        if not self.task.classifies:
            if self.targets.shape != found:
                raise ValueError(f"targets {self.targets.shape} for predictions {found}")
        elif self.targets.ndim != 1 or self.targets.dtype.kind not in "iu":
            raise ValueError(f"targets {self.targets.shape} are not class numbers")
        elif n and not (self.targets.min() >= 0 and self.targets.max() < self.task.count):
            raise ValueError(f"a class number is not in 0 … {self.task.count - 1}")

    @property
    def rows(self) -> int:
        """The number of examples."""
        return len(self.predictions)

    @cached_property
    def decided(self) -> Array:
        """The decision on every example; see `decide`."""
        return decide(self.predictions, self.task)

    @cached_property
    def positive(self) -> Array:
        """Which class or label each example truly has: (n, K) bool."""
        if self.task.classifies:
            return self._columns(self.targets)
        on: Array = self.targets > 0.5
        return on

    def _columns(self, numbers: Array) -> Array:
        """Class numbers as columns: (n, K) bool."""
        found: Array = numbers[:, None] == np.arange(self.task.count)
        return found

    @cached_property
    def confusion(self) -> Array:
        """The confusion matrix (K, K), or one for each label (L, 2, 2)."""
        if self.task.classifies:
            return confusion_matrix(self.targets, self.decided, self.task.count)
        return label_confusion(self.positive, self.decided)

    def mean(self, terms: Array) -> Array:
        """The mean of terms (n, …) over the examples."""
        found: Array = np.average(terms, axis=0, weights=self.weights)
        return found

    @cached_property
    def counts(self) -> Counts:
        """Right, decided and actual examples of every class or label."""
        if self.weights is not None:
            said = self.decided if not self.task.classifies else self._columns(self.decided)
            parts = (self.positive & said, said, self.positive)
            return Counts(*(self.weights @ part for part in parts))
        c = self.confusion.astype(np.float64)
        if self.task.classifies:
            return Counts(np.diagonal(c), c.sum(axis=0), c.sum(axis=1))
        return Counts(c[:, 1, 1], c[:, :, 1].sum(axis=1), c[:, 1, :].sum(axis=1))

    @cached_property
    def probability_of_truth(self) -> Array:
        """The probability given to each example's true class: (n,) float64."""
        cells = np.arange(self.rows) * self.task.count + self.targets
        return self.predictions.reshape(-1).take(cells).astype(np.float64)

    @cached_property
    def squares(self) -> Array:
        """The sum of the squared residuals of each example: (n,) float64."""
        return np.concatenate([np.einsum("nk,nk->n", d, d) for d in self.residuals()])

    @cached_property
    def distances(self) -> Array:
        """The sum of the absolute residuals of each example: (n,) float64."""
        return np.concatenate([np.abs(d, out=d).sum(axis=1) for d in self.residuals()])

    def residuals(self) -> Iterator[Array]:
        """Predictions minus targets (one column a class where there are classes), in float64.

        Shapes     blocks (m, columns) of consecutive rows, so that no whole copy is made
        """
        rows = max(1, _CELLS // max(1, self.task.count))
        truth = self.positive if self.task.classifies else self.targets
        for start in range(0, self.rows, rows):
            cut = slice(start, start + rows)
            yield np.subtract(self.predictions[cut], truth[cut], dtype=np.float64)


def points(predictions: Array, task: Task) -> Array:
    """The one number of each target that quantiles (n, t q) stand for: the one nearest to 0.5."""
    if not task.quantiles:
        return predictions
    middle = int(np.argmin(np.abs(np.array(task.quantiles) - 0.5)))
    return predictions[:, middle :: len(task.quantiles)]


def decide(predictions: Array, task: Task) -> Array:
    """The decision that predictions in canonical form stand for.

    Shapes     binary, multiclass (n, K) -> (n,) int64; multilabel (n, L) -> (n, L) bool;
               otherwise the predictions themselves
    """
    if task.classifies:
        return largest(predictions)
    if task.kind == "multilabel":
        on: Array = predictions > 0.5
        return on
    return predictions


def largest(rows: Array) -> Array:
    """The column of the largest number of each row, the first of equals.

    Cost       60,000 rows of 10: 1.1 ms, where np.argmax takes 3.1: a reduction over a short last
               axis cannot use vector registers, so blocks are transposed and columns compared.
               A cell that equals the maximum is marked K - column; the largest mark is the first.
    """
    n, classes = rows.shape
    if classes > _NARROW:
        found: Array = rows.argmax(axis=-1)
        return found
    columns = np.empty((classes, _BLOCK), rows.dtype)
    marks = np.empty((classes, _BLOCK), np.uint8)
    rank = np.arange(classes, 0, -1, dtype=np.uint8)[:, None]
    first = np.empty(n, np.int64)
    for start in range(0, n, _BLOCK):
        m = min(_BLOCK, n - start)
        block, mark = columns[:, :m], marks[:, :m]
        block[...] = rows[start : start + m].T
        np.equal(block, block.max(axis=0), out=mark.view(np.bool_))
        np.multiply(mark, rank, out=mark)
        np.subtract(classes, mark.max(axis=0), out=first[start : start + m], dtype=np.int64)
    return first


def fraction(part: Array, whole: Array, occurring: Array) -> Array:
    """part / whole for each class, by one rule for 0 / 0.

    It is 0 for a class that occurs among the targets or the decisions (it was missed, or named in
    vain) and nan for one that occurs in neither, of which nothing can be said.
    """
    found = np.where(occurring, 0.0, np.nan)
    np.divide(part, whole, out=found, where=whole > 0)
    return found


def mean_of_defined(values: Array) -> Array:
    """The mean over the last axis of what is not nan; nan where there is nothing."""
    defined = ~np.isnan(values)
    count = np.asarray(defined.sum(axis=-1))
    return fraction(np.where(defined, values, 0.0).sum(axis=-1), count, count > 0)


def headline(values: Array, task: Task) -> Array:
    """One number from one a class: of two classes the positive one's, else the mean."""
    if task.kind == "binary":
        positive: Array = values[..., 1]
        return positive
    return mean_of_defined(values)


def _flat(examples: Array) -> Array:
    return examples.reshape(len(examples), size_of(examples.shape[1:]))  # -1 fails without rows


def _require_finite(predictions: Array) -> None:
    # Extremes carry NaN and infinity along without a mask of the whole array.
    if not predictions.size or np.isfinite([predictions.min(), predictions.max()]).all():
        return
    bad = np.flatnonzero(~np.isfinite(predictions).all(axis=-1))
    raise DivergedError(
        f"{len(bad)} of {len(predictions)} predictions are not finite numbers",
        where=f"first in row {int(bad[0]) + 1} of the data evaluated",
        why="the weights, or an input, are too large for the network's arithmetic",
        fix="lower optimizer.learning_rate, set optimizer.clip_norm, or scale the inputs",
    )
