"""Gamma deviance of a logarithmic output: for amounts whose spread grows with their size.

Formula    mu = exp(z), loss = 1/(n j) sum_nj (log(mu / t) + t / mu - 1), half the deviance
Backward   dz = (1 - t / mu) / (n j)
Targets    numbers (n, j) or (n,) above 0
Shapes     z, dz (n, j)
Memory     as `nn/log_link.py`
Errors     SpecError for tasks with classes or labels
Source     McCullagh, Nelder, "Generalized Linear Models", 2nd edition, 1989, chapter 8
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


@LOSSES.register("gamma")
@dataclass(frozen=True, slots=True, kw_only=True)
class GammaSpec(LossSpec):
    """Gamma deviance of a logarithmic output: for amounts above 0, by their ratio."""

    sign: ClassVar[TargetSign] = "positive"
    target_scale: ClassVar = "mean"
    metric: ClassVar[str] = "mean_gamma_deviance"

    def width(self, task: Task) -> int:
        """One output an amount."""
        return amounts_of(task, self.spec_name)

    def of_linear(self, task: Task) -> LossSpec:
        """The same: a Gamma regression."""
        return self

    def build(self, task: Task) -> Loss:
        """The loss over the outputs of `task`."""
        return Gamma(self.width(task))


@final
class Gamma(LogLinkLoss):
    """Half the mean Gamma deviance."""

    def half_deviance(self, ws: Mapping[str, Array]) -> None:
        """log mu - log t + t / mu - 1, and 1 - t / mu."""
        target, term, slope = ws["target"], ws["term"], ws["slope"]
        np.divide(target, ws["mean"], out=slope)
        np.subtract(1.0, slope, out=slope)
        write_log(target, term)
        np.subtract(ws["cut"], term, out=term)
        np.subtract(term, slope, out=term)
