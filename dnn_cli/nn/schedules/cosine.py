"""Cosine annealing: half a cosine from the learning rate down to a final one, once or repeatedly.

Formula    final + (1 - final) (1 + cos(π x)) / 2, where x goes from 0 to 1 in each cycle
Source     Loshchilov, Hutter, "SGDR", ICLR 2017; PyTorch's CosineAnnealingLR and, for several
           cycles, CosineAnnealingWarmRestarts with cycles of equal length
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dnn_cli.base.spec import option
from dnn_cli.nn.schedule import SCHEDULES, Progress, ScheduleSpec


@SCHEDULES.register("cosine")
@dataclass(frozen=True, slots=True, kw_only=True)
class CosineSpec(ScheduleSpec):
    """Falls slowly, then fast, then slowly, like half a cosine."""

    final: float = option(
        "share of the learning rate left at the end of a cycle", 0.0, minimum=0.0, maximum=1.0
    )
    cycles: int = option(
        "how often it falls; each cycle after the first is a restart", 1, minimum=1
    )

    def factor(self, progress: Progress) -> float:
        """The cosine within the present cycle; the division is of integers, so it is exact."""
        x = progress.step * self.cycles % progress.steps / progress.steps
        return self.final + (1.0 - self.final) * (1.0 + math.cos(math.pi * x)) / 2.0
