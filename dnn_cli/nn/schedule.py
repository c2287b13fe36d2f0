"""Schedules: what to multiply the learning rate with, as a pure function of progress."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from dnn_cli.base.registry import Registry
from dnn_cli.base.spec import Spec, option


@dataclass(slots=True)
class Progress:
    """How far training has come, before a step.

    `step` counts from 0 to `steps` - 1 over the whole run, `epoch` from 0; `monitored` is the
    best-deciding metric of every epoch finished so far, signed so that smaller is better.
    """

    step: int
    steps: int
    epoch: int
    epochs: int
    monitored: Sequence[float] = ()


Schedule: TypeAlias = Callable[[Progress], float]
SCHEDULES: Registry[ScheduleSpec]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSpec(Spec):
    """What YAML says of a schedule. Every schedule can begin with a linear warmup."""

    registry: ClassVar[Registry[ScheduleSpec]]
    reads_metrics: ClassVar[bool] = False  # which only the process that measures them knows

    warmup: float = option(
        "fraction of all steps over which the factor rises linearly from 0 (exclusive) to 1",
        0.0,
        minimum=0.0,
        below=1.0,
    )

    @abstractmethod
    def factor(self, progress: Progress) -> float:
        """The factor at `progress`, warmup left out: 1 is the learning rate as given."""

    def build(self) -> Schedule:
        """The factor as a function, warmup included.

        During warmup the factor is (step + 1) / (w + 1) over the first w = warmup · steps steps;
        after it the schedule runs over what is left, as if training began there.
        """
        if self.warmup == 0.0:
            return self.factor

        def warmed(progress: Progress) -> float:
            rising = round(self.warmup * progress.steps)
            if progress.step < rising:
                return (progress.step + 1) / (rising + 1)
            return self.factor(
                Progress(
                    progress.step - rising,
                    progress.steps - rising,
                    progress.epoch,
                    progress.epochs,
                    progress.monitored,
                )
            )

        return warmed


SCHEDULES = Registry("schedule", "dnn_cli.nn.schedules")
ScheduleSpec.registry = SCHEDULES
