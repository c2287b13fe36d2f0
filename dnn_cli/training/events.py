"""What happens during training, as values: past tense, plain numbers, frozen.

Observers are functions of one event. No observer can change the training; a consumer of the
loop ends it by pulling no further.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

StopReason: TypeAlias = Literal[
    "epochs", "early_stopping", "threshold", "max_time", "interrupted", "terminated", "hangup"
]


@dataclass(frozen=True, slots=True)
class RunStarted:
    """Training is about to take its first step."""

    name: str
    epochs: int
    steps_per_epoch: int
    rows: int  # training examples
    parameters: int  # learned numbers
    monitor: str  # the metric that decides which epoch is best, e.g. "valid.loss"


@dataclass(frozen=True, slots=True)
class StepsFinished:
    """Some steps were taken since the last report."""

    epoch: int  # 1-based
    epochs: int
    step: int  # since the start of training, 1-based
    step_in_epoch: int  # 1-based
    steps_per_epoch: int
    examples: int  # seen in this epoch so far
    loss: float  # mean over this epoch so far
    gradient_norm: float  # of the last step, before clipping
    learning_rate: float  # of the last step
    seconds: float  # since the epoch began


@dataclass(frozen=True, slots=True)
class EpochFinished:
    """Every training example was seen once more."""

    epoch: int  # 1-based
    epochs: int
    step: int
    metrics: Mapping[str, float]  # "train.loss", "valid.accuracy", …
    learning_rate: float
    examples: int
    seconds: float  # of this epoch, evaluation included
    monitor: str
    improved: bool  # this epoch is the best so far
    best_epoch: int
    best_value: float


@dataclass(frozen=True, slots=True)
class CheckpointSaved:
    """A checkpoint is safe on the disk."""

    path: str
    step: int
    epoch: int


@dataclass(frozen=True, slots=True)
class RunFinished:
    """Training ended for `reason`; the best weights are in the model file."""

    reason: StopReason
    epoch: int
    step: int
    monitor: str
    best_epoch: int
    best_value: float
    seconds: float
    model: str  # where the model file is


Event: TypeAlias = RunStarted | StepsFinished | EpochFinished | CheckpointSaved | RunFinished
Observer: TypeAlias = Callable[[Event], None]
