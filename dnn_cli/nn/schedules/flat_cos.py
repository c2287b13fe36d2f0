"""Flat for the first half, then half a cosine down to 0.

Formula    1 for x <= 1/2, then (1 + cos(π (2 x - 1))) / 2, x the share of steps done
Source     Holzmüller, Grinsztajn, Steinwart, NeurIPS 2024 (RealMLP)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dnn_cli.nn.schedule import SCHEDULES, Progress, ScheduleSpec


@SCHEDULES.register("flat_cos")
@dataclass(frozen=True, slots=True, kw_only=True)
class FlatCosSpec(ScheduleSpec):
    """Stays as it is for half of the steps, and falls like half a cosine after them."""

    def factor(self, progress: Progress) -> float:
        """1, then the cosine."""
        x = progress.step / progress.steps
        return (1.0 + math.cos(math.pi * max(2.0 * x - 1.0, 0.0))) / 2.0
