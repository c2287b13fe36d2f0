"""Steps: the learning rate falls by a factor every few epochs.

Formula    factor^floor(epoch / every_epochs)
Source     PyTorch's StepLR
"""

from __future__ import annotations

from dataclasses import dataclass

from dnn_cli.base.spec import option
from dnn_cli.nn.schedule import SCHEDULES, Progress, ScheduleSpec


@SCHEDULES.register("step")
@dataclass(frozen=True, slots=True, kw_only=True)
class StepSpec(ScheduleSpec):
    """Multiplies the learning rate by `decay` every few epochs."""

    every_epochs: int = option("epochs from one fall to the next", minimum=1)
    decay: float = option("what each fall multiplies the learning rate with", 0.1, above=0.0)

    def factor(self, progress: Progress) -> float:
        """The falls so far."""
        falls: int = progress.epoch // self.every_epochs
        return float(self.decay**falls)
