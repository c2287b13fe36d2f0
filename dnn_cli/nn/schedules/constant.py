"""Constant learning rate.

Formula    factor = 1
"""

from __future__ import annotations

from dataclasses import dataclass

from dnn_cli.nn.schedule import SCHEDULES, Progress, ScheduleSpec


@SCHEDULES.register("constant")
@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantSpec(ScheduleSpec):
    """The learning rate as given, all the time (useful with `warmup`)."""

    def factor(self, progress: Progress) -> float:
        """1."""
        return 1.0
