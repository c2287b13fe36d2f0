"""Exponential decay: every epoch has the same fraction of the learning rate of the one before.

Formula    decay^epoch
Source     PyTorch's ExponentialLR
"""

from __future__ import annotations

from dataclasses import dataclass

from dnn_cli.base.spec import option
from dnn_cli.nn.schedule import SCHEDULES, Progress, ScheduleSpec


@SCHEDULES.register("exponential")
@dataclass(frozen=True, slots=True, kw_only=True)
class ExponentialSpec(ScheduleSpec):
    """Multiplies the learning rate by `decay` after every epoch."""

    decay: float = option("what each epoch multiplies the learning rate with", 0.95, above=0.0)

    def factor(self, progress: Progress) -> float:
        """decay^epoch."""
        return float(self.decay**progress.epoch)
