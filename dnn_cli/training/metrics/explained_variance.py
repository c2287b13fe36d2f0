"""Explained variance: like r2, but a constant error costs nothing.

Formula    of target j: 1 - Var(y_j - p_j) / Var(y_j); mean over the targets
Undefined  nan for a target that has one value only; the mean leaves it out
Range      minus infinity to 1, higher is better; equals r2 if the mean error is 0
Tasks      regression; `explained_variance.<target>` is one target column
Source     Kent, "Information gain and a general measure of correlation", Biometrika 1983
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.task import TaskKind
from dnn_cli.base.types import Array
from dnn_cli.training.metric import METRICS, Direction, Metric
from dnn_cli.training.metrics.r2 import columns, explained, resampled_share, weighted_share
from dnn_cli.training.outcome import Outcome, mean_of_defined
from dnn_cli.training.resamples import Resamples
from dnn_cli.training.truth import Truth


@METRICS.register("explained_variance")
@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedVariance(Metric):
    """The share of the targets' variance that is explained, bias aside."""

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
        errors -= errors.mean(axis=0)
        variance = drawn.mean(np.square(errors)) - np.square(drawn.mean(errors))
        return mean_of_defined(resampled_share(variance, drawn, targets))

    def weighted(self, outcome: Outcome) -> float:
        """The mean over the targets."""
        return float(mean_of_defined(_scores(outcome)))

    def undefined(self, truth: Truth, part: int | None) -> str:
        """A target that does not vary has no variance to explain."""
        return truth.headline(truth.constant, part)


def _scores(outcome: Outcome) -> Array:
    targets, errors = columns(outcome)
    if outcome.weights is not None:
        return weighted_share(errors - outcome.mean(errors), targets, outcome)
    return explained(errors - errors.mean(axis=0), targets)
