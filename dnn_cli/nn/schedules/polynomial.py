"""Polynomial decay: from the learning rate to a final one, along a line if the power is 1.

Formula    final + (1 - final) (1 - step / steps)^power
Source     PyTorch's PolynomialLR
"""

from __future__ import annotations

from dataclasses import dataclass

from dnn_cli.base.spec import option
from dnn_cli.nn.schedule import SCHEDULES, Progress, ScheduleSpec


@SCHEDULES.register("polynomial")
@dataclass(frozen=True, slots=True, kw_only=True)
class PolynomialSpec(ScheduleSpec):
    """Falls as a power of what is left of the training; with power 1 linearly."""

    power: float = option("1 is a line; larger ones fall faster at first", 1.0, above=0.0)
    final: float = option(
        "share of the learning rate left when training ends", 0.0, minimum=0.0, maximum=1.0
    )

    def factor(self, progress: Progress) -> float:
        """The power of what is left."""
        left = 1.0 - progress.step / progress.steps
        return float(self.final + (1.0 - self.final) * left**self.power)
