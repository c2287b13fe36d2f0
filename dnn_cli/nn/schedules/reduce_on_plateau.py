"""Reduction on a plateau: the learning rate falls when the monitored metric stops improving.

Formula    an epoch improves if its metric is below best - threshold |best|; after more than
           `patience` epochs in a row that do not, the factor is multiplied by `decay`
Cost       one turn an epoch of history, when the history has grown
Why        it replays the metrics of all epochs, so that there is no state to save, and a resumed
           run falls where the whole run would
Source     PyTorch's ReduceLROnPlateau and its defaults, threshold relative; |best| makes it the
           same for a metric that is negated because larger is better
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from dnn_cli.base.spec import option
from dnn_cli.nn.schedule import SCHEDULES, Progress, ScheduleSpec


@SCHEDULES.register("reduce_on_plateau")
@dataclass(frozen=True, slots=True, kw_only=True)
class ReduceOnPlateauSpec(ScheduleSpec):
    """Multiplies the learning rate by `decay` when the monitored metric stops improving."""

    reads_metrics: ClassVar[bool] = True

    decay: float = option(
        "what each fall multiplies the learning rate with", 0.1, above=0.0, below=1.0
    )
    patience: int = option("epochs without improvement that are let pass", 10, minimum=0)
    threshold: float = option(
        "smallest relative change that counts as improvement", 1e-4, minimum=0.0
    )
    final: float = option(
        "share of the learning rate below which it does not fall", 0.0, minimum=0.0, maximum=1.0
    )

    def factor(self, progress: Progress) -> float:
        """The falls in the history so far."""
        return _replay(self, tuple(progress.monitored))


@lru_cache(maxsize=1)  # asked at every step, answered anew once an epoch
def _replay(spec: ReduceOnPlateauSpec, history: tuple[float, ...]) -> float:
    factor, best, waited = 1.0, math.inf, 0
    for metric in history:
        bar = best - spec.threshold * abs(best) if math.isfinite(best) else best
        if metric < bar:
            best, waited = metric, 0
        else:
            waited += 1
        if waited > spec.patience:
            factor, waited = max(factor * spec.decay, spec.final), 0
    return factor
