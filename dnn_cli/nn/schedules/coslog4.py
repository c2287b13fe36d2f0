"""Four cosine cycles, each twice as long as the one before: many short ones early, a long last.

Formula    (1 - cos(2π log₂(1 + 15 x))) / 2, x the share of steps done; 0 at 0, 1/15, 3/15, 7/15, 1
Why        x is taken in the middle of a step, so that none is without effect
Source     Holzmüller, Grinsztajn, Steinwart, NeurIPS 2024 (RealMLP)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dnn_cli.nn.schedule import SCHEDULES, Progress, ScheduleSpec


@SCHEDULES.register("coslog4")
@dataclass(frozen=True, slots=True, kw_only=True)
class Coslog4Spec(ScheduleSpec):
    """Rises and falls four times, each time for twice as long."""

    def factor(self, progress: Progress) -> float:
        """The cosine within the present cycle, in the middle of the step."""
        x = (progress.step + 0.5) / progress.steps
        return (1.0 - math.cos(2.0 * math.pi * math.log2(1.0 + 15.0 * x))) / 2.0
