"""Watching a metric over the epochs: which epoch is best, and when to stop.

Best       the smallest (or largest) finite value; of equal ones the earliest epoch
Patience   counted from the last value that beat the reference by more than min_delta; the
           reference moves only then, so that many small steps in one direction add up
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, final

from dnn_cli.base.errors import CheckpointError
from dnn_cli.base.text import safe_text
from dnn_cli.training.metrics import direction

Mode: TypeAlias = Literal["auto", "min", "max"]


@final
class Monitor:
    """The best value of one metric so far, and how long ago it last got better.

    `metric` is a name in an epoch's metrics (`valid.loss`); mode auto follows the metric. With
    `patience` None it is never exhausted.
    """

    def __init__(
        self,
        metric: str,
        mode: Mode = "auto",
        patience: int | None = None,
        min_delta: float = 0.0,
    ) -> None:
        self.metric = metric
        self.mode: Literal["min", "max"] = direction(metric) if mode == "auto" else mode
        self.patience, self.min_delta = patience, min_delta
        self.best_epoch = 0  # 0: none yet
        self.best_value = math.nan
        self.waited = 0  # epochs since the reference was beaten
        self._reference = math.nan  # the value to beat by min_delta

    def update(self, epoch: int, metrics: Mapping[str, float]) -> bool:
        """Take note of a finished epoch; True if it is the best so far."""
        value = metrics[self.metric]
        self.waited += 1
        if self._beats(value, self._reference, self.min_delta):
            self._reference, self.waited = value, 0
        improved = self._beats(value, self.best_value, 0.0)
        if improved:
            self.best_epoch, self.best_value = epoch, value
        return improved

    @property
    def exhausted(self) -> bool:
        """Whether `patience` epochs went by without getting better."""
        return self.patience is not None and self.waited >= self.patience

    def signed(self, metrics: Mapping[str, float]) -> float:
        """The metric's value, negated where larger is better: smaller is always better."""
        value = metrics[self.metric]
        return value if self.mode == "min" else -value

    def state(self) -> dict[str, Any]:
        """All that has to be kept, as plain JSON (no NaN: null for none yet)."""
        return {
            "metric": self.metric,
            "mode": self.mode,
            "best_epoch": self.best_epoch,
            "best_value": _or_none(self.best_value),
            "reference": _or_none(self._reference),
            "waited": self.waited,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`; patience and min_delta are those of this monitor.

        Raises:
            CheckpointError: the state is of another metric, or holds something else than numbers.
        """
        before = (state["metric"], state["mode"])
        if before != (self.metric, self.mode):
            raise CheckpointError(
                f"the checkpoint watched {safe_text(before[0])} ({safe_text(before[1])}), "
                f"this run watches {safe_text(self.metric)} ({self.mode})",
                why="the best epoch so far was chosen by another measure",
                fix="keep training.monitor and training.early_stopping as they were",
            )
        counts = [state[name] for name in ("best_epoch", "waited")]
        values = [state[name] for name in ("best_value", "reference")]
        if not all(type(n) is int for n in counts) or not all(map(_stored, values)):
            raise CheckpointError("the best epoch in the checkpoint is damaged")
        self.best_epoch, self.waited = counts
        self.best_value, self._reference = map(_or_nan, values)

    def _beats(self, value: float, former: float, by: float) -> bool:
        if not math.isfinite(value):
            return False
        if math.isnan(former):
            return True
        return former - value > by if self.mode == "min" else value - former > by


@final
class StopWhen:
    """Thresholds: training may end when any metric reaches its own, in its better direction."""

    def __init__(self, thresholds: Mapping[str, float]) -> None:
        self._wanted = [(name, direction(name), bound) for name, bound in thresholds.items()]

    def reached(self, metrics: Mapping[str, float]) -> str | None:
        """The first condition that holds, as text (`train.loss 0.0098 <= 0.01`), or None."""
        for name, better, bound in self._wanted:
            value = metrics[name]  # NaN compares false: never reached
            if (value <= bound) if better == "min" else (value >= bound):
                sign = "<=" if better == "min" else ">="
                return f"{safe_text(name)} {value:.6g} {sign} {bound:g}"
        return None


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _stored(value: Any) -> bool:
    """Whether `_or_none` may have made it: only finite values are ever the best."""
    return value is None or (type(value) in (int, float) and math.isfinite(value))
