"""Running a network over a data set without learning from it.

Predictions have one canonical form for metrics and for the user: rows of probabilities with a
column a class (two for a binary task, also if the network has one output), of independent
probabilities with a column a label, or of values with a column a target.
"""

from __future__ import annotations

import numpy as np

from dnn_cli.base.task import Task
from dnn_cli.base.types import Array, size_of
from dnn_cli.data.dataset import Dataset
from dnn_cli.nn.loss import Loss, cut_scratch, loss_scratch
from dnn_cli.nn.network import Network
from dnn_cli.nn.workers import Workers

_FLOATS = 1 << 20  # of the widest activation in one evaluation batch: 4 MB
_ROWS = 1024  # more gain nothing: the products are large enough


def evaluation_rows(network: Network) -> int:
    """How many examples to evaluate at once, by what their widest activation takes."""
    layers = network.chain.layers
    widest = max([size_of(network.in_shape), *(size_of(a.out_shape) for a in layers)])
    return max(1, min(_ROWS, _FLOATS // widest))


class Evaluator:
    """A network, a loss and the buffers to run them over data sets."""

    def __init__(
        self, network: Network, loss: Loss, task: Task, workers: Workers | None = None
    ) -> None:
        self.network, self.loss, self.task = network, loss, task
        self.rows = evaluation_rows(network)
        self.plan = network.plan(self.rows, train=False, workers=workers)
        self.scratch = loss_scratch(loss, self.rows, network.arena.params.dtype)

    @np.errstate(over="ignore", invalid="ignore")  # whoever reads the predictions looks
    def run(self, data: Dataset) -> tuple[float, Array, Array]:
        """The mean loss, summed in float64, the predictions and the targets of every example.

        Shapes     predictions (n, columns of the canonical form) float32; targets as in `data`,
                   or the scaled inputs (n, i) where they are what is reconstructed
        """
        buffer = target_buffer(data, self.rows)
        predictions: list[Array] = []
        rebuilt: list[Array] = []
        total = 0.0
        for start in range(0, data.rows, self.rows):
            m = min(self.rows, data.rows - start)
            plan, targets = self.plan.cut(m), buffer[:m]
            data.slice(start, start + m, plan.x, targets)
            z = plan.forward(False)
            total += m * self.loss.value(z, targets, cut_scratch(self.loss, self.scratch, m))
            predictions.append(self._shown(z))
            if data.targets is None:
                rebuilt.append(targets.copy())
        targets = np.concatenate(rebuilt) if data.targets is None else data.targets
        return total / data.rows, np.concatenate(predictions), targets

    @np.errstate(over="ignore", invalid="ignore")  # whoever reads the predictions looks
    def predict(self, data: Dataset) -> Array:
        """The predictions of every example; no targets are needed."""
        found: list[Array] = []
        for start in range(0, data.rows, self.rows):
            m = min(self.rows, data.rows - start)
            plan = self.plan.cut(m)
            data.slice(start, start + m, plan.x, None)
            found.append(self._shown(plan.forward(False)))
        return np.concatenate(found)

    def _shown(self, z: Array) -> Array:
        shown = z.reshape(len(z), -1).copy()
        self.loss.activate(shown, shown)
        if not np.isfinite([z.min(), z.max()]).all():
            # A sigmoid would turn an overflow into certainty.
            shown[~np.isfinite(z.reshape(len(z), -1)).all(axis=-1)] = np.nan
        return canonical(shown, self.task)


def target_buffer(data: Dataset, rows: int) -> Array:
    """Room for the targets of up to `rows` examples."""
    return np.empty((rows, *data.target_shape), dtype=data.target_dtype)


def canonical(shown: Array, task: Task) -> Array:
    """Activated outputs in the canonical form: one output of a binary task becomes two columns."""
    if task.kind == "binary" and shown.shape[-1] == 1:
        return np.concatenate([1.0 - shown, shown], axis=-1, dtype=shown.dtype)
    return shown
