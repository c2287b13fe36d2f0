"""Poisson deviance of a logarithmic output: for counts.

Formula    mu = exp(z), loss = 1/(n j) sum_nj (t log(t / mu) - t + mu), half the deviance;
           0 log 0 = 0
Backward   dz = (mu - t) / (n j)
Targets    numbers (n, j) or (n,), none below 0; fractions are rates
Shapes     z, dz (n, j)
Memory     as `nn/log_link.py`
Errors     SpecError for tasks with classes or labels
Source     Nelder, Wedderburn, "Generalized linear models", JRSS A 135 (1972)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.task import TargetSign, Task
from dnn_cli.base.types import Array
from dnn_cli.nn.log_link import LogLinkLoss, amounts_of, write_log
from dnn_cli.nn.loss import LOSSES, Loss, LossSpec


@LOSSES.register("poisson")
@dataclass(frozen=True, slots=True, kw_only=True)
class PoissonSpec(LossSpec):
    """Poisson deviance of a logarithmic output: for counts and rates, 0 included."""

    sign: ClassVar[TargetSign] = "not negative"
    target_scale: ClassVar = "mean"
    metric: ClassVar[str] = "mean_poisson_deviance"

    def width(self, task: Task) -> int:
        """One output a count."""
        return amounts_of(task, self.spec_name)

    def of_linear(self, task: Task) -> LossSpec:
        """The same: a Poisson regression."""
        return self

    def build(self, task: Task) -> Loss:
        """The loss over the outputs of `task`."""
        return Poisson(self.width(task))


@final
class Poisson(LogLinkLoss):
    """Half the mean Poisson deviance."""

    def half_deviance(self, ws: Mapping[str, Array]) -> None:
        """t (log t - log mu) + mu - t, and mu - t."""
        target, term, slope = ws["target"], ws["term"], ws["slope"]
        np.subtract(ws["mean"], target, out=slope)
        write_log(target, term)
        np.subtract(term, ws["cut"], out=term)
        np.multiply(term, target, out=term)
        np.add(term, slope, out=term)
