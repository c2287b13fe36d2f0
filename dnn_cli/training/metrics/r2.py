"""Coefficient of determination: the share of the targets' spread that the predictions explain.

Formula    of target j: 1 - sum_n (y_nj - p_nj)^2 / sum_n (y_nj - mean y_j)^2; mean over targets
Undefined  nan for a target that has one value only; the mean leaves it out
Range      minus infinity to 1, higher is better; 0 for always predicting the mean
Tasks      regression; `r2.<target>` is one target column
Source     Wright, "Correlation and causation", 1921
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.task import TaskKind
from dnn_cli.base.types import Array
from dnn_cli.training.metric import METRICS, Direction, Metric
from dnn_cli.training.outcome import Outcome, mean_of_defined
from dnn_cli.training.resamples import Resamples
from dnn_cli.training.truth import Truth

_ROUNDING = 1e-12


def explained(errors: Array, targets: Array) -> Array:
    """1 - sum of squared errors / sum of squares of the centred targets, a column a target.

    A target of one value is found by its extremes: the mean of float64 targets may be rounded,
    and a spread of 1e-17 would pass for one.
    """
    varied = targets.min(axis=0) < targets.max(axis=0)
    centred = targets - targets.mean(axis=0)
    share = np.full(targets.shape[1], np.nan)
    residue, spread = (np.square(part).sum(axis=0) for part in (errors, centred))
    np.divide(residue, spread, out=share, where=varied)
    complement: Array = 1.0 - share
    return complement


def weighted_share(errors: Array, targets: Array, outcome: Outcome) -> Array:
    """As `explained`, with each example as often as it counts; those of no weight are not there."""
    there = targets[outcome.weights > 0.0] if outcome.weights is not None else targets
    varied = there.min(axis=0) < there.max(axis=0)
    share = np.full(targets.shape[1], np.nan)
    spread = outcome.mean(np.square(targets - outcome.mean(targets)))
    np.divide(outcome.mean(np.square(errors)), spread, out=share, where=varied)
    complement: Array = 1.0 - share
    return complement


def resampled_share(residue: Array, drawn: Resamples, targets: Array) -> Array:
    """1 - the mean residue of each resample / the variance of its targets: both (r, t).

    Centred before they are squared, targets far from 0 lose no digits to the difference; a
    variance that is no more than rounding is none.
    """
    centred = targets - targets.mean(axis=0)
    squares, means = drawn.mean(np.square(centred)), drawn.mean(centred)
    variance = squares - np.square(means)
    share = np.full_like(residue, np.nan)
    np.divide(residue, variance, out=share, where=variance > _ROUNDING * squares)
    complement: Array = 1.0 - share
    return complement


def columns(outcome: Outcome) -> tuple[Array, Array]:
    """Targets and errors in float64: each (n, t)."""
    targets = outcome.targets.astype(np.float64)
    return targets, outcome.predictions - targets


@METRICS.register("r2")
@final
@dataclass(frozen=True, slots=True, kw_only=True)
class R2(Metric):
    """The share of the targets' variance that is explained."""

    better: ClassVar[Direction] = "max"
    tasks: ClassVar[tuple[TaskKind, ...]] = ("regression",)

    def value(self, outcome: Outcome) -> float:
        """The mean over the targets."""
        return float(mean_of_defined(_scores(outcome)))

    def parts(self, outcome: Outcome) -> Array | None:
        """Of each target."""
        return _scores(outcome)

    def resampled(self, drawn: Resamples) -> Array | None:
        """The mean over the targets of each resample."""
        targets, errors = columns(drawn.outcome)
        squares = drawn.mean(np.square(errors))
        return mean_of_defined(resampled_share(squares, drawn, targets))

    def weighted(self, outcome: Outcome) -> float:
        """The mean over the targets."""
        return float(mean_of_defined(_scores(outcome)))

    def undefined(self, truth: Truth, part: int | None) -> str:
        """A target that does not vary has no variance to explain."""
        return truth.headline(truth.constant, part)


def _scores(outcome: Outcome) -> Array:
    targets, errors = columns(outcome)
    if outcome.weights is not None:
        return weighted_share(errors, targets, outcome)
    return explained(errors, targets)
