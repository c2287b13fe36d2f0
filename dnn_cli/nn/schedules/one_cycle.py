"""One cycle: up from a small learning rate to the one given, then down to almost nothing.

Formula    half a cosine from `start` to 1 until step peak · steps - 1, another one from there to
           `final` at the last step
Source     Smith, Topin, 2018, arXiv 1708.07120; form and defaults are PyTorch's OneCycleLR (which
           takes divisors: 25 and 10,000), without its cycle of the momentum
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dnn_cli.base.spec import option
from dnn_cli.nn.schedule import SCHEDULES, Progress, ScheduleSpec


@SCHEDULES.register("one_cycle")
@dataclass(frozen=True, slots=True, kw_only=True)
class OneCycleSpec(ScheduleSpec):
    """Rises to the learning rate and falls again; `learning_rate` is the largest one."""

    peak: float = option("share of the training until the largest rate", 0.3, above=0.0, below=1.0)
    start: float = option("share of the learning rate at first", 0.04, above=0.0, maximum=1.0)
    final: float = option("share of the learning rate at last", 4e-6, minimum=0.0, maximum=1.0)

    def factor(self, progress: Progress) -> float:
        """The way up or the way down."""
        top = self.peak * progress.steps - 1.0
        if top > 0.0 and progress.step <= top:
            return _swing(self.start, 1.0, progress.step / top)
        # From the first step on where the top lies before it.
        return _swing(1.0, self.final, (progress.step - top) / (progress.steps - 1.0 - top))


def _swing(a: float, b: float, x: float) -> float:
    """From a at x = 0 to b at x = 1 along half a cosine."""
    return b + (a - b) * (1.0 + math.cos(math.pi * x)) / 2.0
