"""Tweedie deviance of a logarithmic output: for amounts many of which are 0, such as claims.

Formula    mu = exp(z), 1 < p < 2, loss = 1/(n j) sum_nj
           (t^(2-p) / ((1-p)(2-p)) - t mu^(1-p) / (1-p) + mu^(2-p) / (2-p)), half the deviance of
           sums of Poisson many amounts that are Gamma distributed
Backward   dz = (mu - t) mu^(1-p) / (n j)
Targets    numbers (n, j) or (n,), none below 0
Shapes     z, dz (n, j)
Memory     as `nn/log_link.py`
Errors     SpecError for tasks with classes or labels
Source     Jørgensen, "Exponential dispersion models", JRSS B 49 (1987)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.task import TargetSign, Task
from dnn_cli.base.types import Array
from dnn_cli.nn.log_link import LogLinkLoss, amounts_of
from dnn_cli.nn.loss import LOSSES, Loss, LossSpec


@LOSSES.register("tweedie")
@dataclass(frozen=True, slots=True, kw_only=True)
class TweedieSpec(LossSpec):
    """Tweedie deviance of a logarithmic output: for amounts of which many are 0, such as claims."""

    sign: ClassVar[TargetSign] = "not negative"
    target_scale: ClassVar = "mean"
    metric: ClassVar[str] = "mean_tweedie_deviance"

    power: float = option(
        "how the variance grows with the mean: near 1 as of counts, near 2 as of amounts",
        1.5,
        above=1.0,
        below=2.0,
    )

    def width(self, task: Task) -> int:
        """One output an amount."""
        return amounts_of(task, self.spec_name)

    def of_linear(self, task: Task) -> LossSpec:
        """The same: a Tweedie regression."""
        return self

    def build(self, task: Task) -> Loss:
        """The loss over the outputs of `task`."""
        return Tweedie(self.width(task), self.power)


@final
class Tweedie(LogLinkLoss):
    """Half the mean Tweedie deviance."""

    def __init__(self, outputs: int, power: float = 1.5) -> None:
        super().__init__(outputs)
        self.power = power

    def half_deviance(self, ws: Mapping[str, Array]) -> None:
        """The three terms of d / 2, and (mu - t) mu^(1-p)."""
        target, term, slope, beyond = ws["target"], ws["term"], ws["slope"], ws["beyond"]
        below, rest = 1.0 - self.power, 2.0 - self.power
        np.multiply(ws["cut"], below, out=beyond)
        np.exp(beyond, out=beyond)  # mu^(1-p)
        np.power(target, rest, out=term)
        np.multiply(term, 1.0 / (below * rest), out=term)
        np.multiply(target, beyond, out=slope)
        np.multiply(slope, 1.0 / below, out=slope)
        np.subtract(term, slope, out=term)
        np.multiply(ws["mean"], beyond, out=slope)
        np.multiply(slope, 1.0 / rest, out=slope)
        np.add(term, slope, out=term)
        np.subtract(ws["mean"], target, out=slope)
        np.multiply(slope, beyond, out=slope)
