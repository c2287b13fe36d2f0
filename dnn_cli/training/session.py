"""A session: everything a training consists of, and how far it has come.

The first half is made once from the configuration; the second half is exactly what a checkpoint
has to store beside the parameters and the optimizer's state.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from dnn_cli.base.task import Task
from dnn_cli.base.types import Array
from dnn_cli.data.batches import Batches
from dnn_cli.data.dataset import Dataset
from dnn_cli.nn.loss import Loss
from dnn_cli.nn.network import Network
from dnn_cli.nn.optimizer import Optimizer, OptimizerSpec
from dnn_cli.training.monitor import Monitor
from dnn_cli.training.spec import TrainingSpec


@dataclass(slots=True, kw_only=True)
class Session:
    """One training: its parts, and its position."""

    name: str
    seed: int
    task: Task
    network: Network
    loss: Loss
    optimizer: Optimizer
    recipe: OptimizerSpec  # learning rate, schedule and clipping
    spec: TrainingSpec
    train: Batches
    valid: Dataset | None
    monitor: Monitor
    inputs: tuple[str, ...] = ()  # names of the columns, where they have some
    ranks: int = 1  # processes that share the work of a step

    step: int = 0  # steps taken
    epoch: int = 0  # epochs finished
    index: int = 0  # batches done in the present epoch
    loss_sum: float = 0.0  # of the examples seen in the present epoch
    outputs: Array | None = None  # the network's outputs in the present epoch, as it went
    monitored: list[float] = field(default_factory=list)  # one a finished epoch, smaller is better
    norms: list[float] = field(default_factory=list)  # gradient norms of the last steps

    @property
    def steps(self) -> int:
        """The steps of the whole run."""
        return self.spec.epochs * self.train.steps
