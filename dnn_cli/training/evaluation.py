"""Running a network over a data set without learning from it.

Predictions have one canonical form for metrics and for the user: rows of probabilities with a
column a class (two for a binary task, also if the network has one output), of independent
probabilities with a column a label, or of values with a column a target, in its own units.
A temperature divides the outputs that become probabilities; the loss is that of training, without.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dnn_cli.base.task import Task
from dnn_cli.base.types import Array, size_of
from dnn_cli.data.dataset import Dataset
from dnn_cli.nn.execution.arena import shared_zeros
from dnn_cli.nn.execution.ranks import Phases, Ranks
from dnn_cli.nn.loss import Loss, cut_scratch, loss_scratch
from dnn_cli.nn.network import Network

_FLOATS = 1 << 20  # of the widest activation in one evaluation batch: 4 MB
_ROWS = 1024  # more gain nothing: the products are large enough
_WORTH = 2_000_000_000  # multiply-adds, 40 ms or more, from which other ranks are worth a fork


def evaluation_rows(network: Network) -> int:
    """How many examples to evaluate at once, by what their widest activation takes."""
    layers = network.chain.layers
    widest = max([size_of(network.in_shape), *(size_of(a.out_shape) for a in layers)])
    return max(1, min(_ROWS, _FLOATS // widest))


def worth_ranks(network: Network, rows: int) -> bool:
    """Whether evaluating so many examples takes long enough for other ranks to help."""
    return network.chain.operations() * rows >= _WORTH


class Evaluator:
    """A network, a loss and the buffers to run them over data sets, on up to `ranks` ranks."""

    def __init__(
        self, network: Network, loss: Loss, task: Task, ranks: int = 1, temperature: float = 1.0
    ) -> None:
        self.network, self.loss, self.task, self.ranks = network, loss.one, task, ranks
        self.temperature = temperature
        self._pool = loss.pool
        self.rows = evaluation_rows(network)
        self.plan = network.plan(self.rows, train=False)
        self.scratch = loss_scratch(self.loss, self.rows, network.arena.params.dtype)

    def run(self, data: Dataset) -> tuple[float, Array, Array]:
        """The mean loss, summed in float64, the predictions and the targets of every example.

        Where examples have weights the mean is a weighted one.

        Predictions and targets of a regression are in the user's units, the loss is of what was
        learned.

        Shapes     predictions (n, columns of the canonical form) float32, or float64 where targets
                   are scaled; targets as in `data`, or the scaled inputs (n, i) where they are
                   what is reconstructed
        """
        predictions, targets = self._room(data), data.targets
        if targets is None:
            shape = (data.rows, *data.target_shape)
            targets = shared_zeros(size_of(shape), data.target_dtype).reshape(shape)
        mass = data.rows if data.weights is None else float(data.weights.sum())
        loss = self._over(data, predictions, targets, self.shown) / mass
        restored = data.target_scaling.restored
        return loss, restored(predictions), restored(targets)

    def predict(self, data: Dataset) -> Array:
        """The predictions of every example; no targets are needed."""
        predictions = self._room(data)
        self._over(data, predictions, None, self.shown)
        return data.target_scaling.restored(predictions)

    def outputs(self, data: Dataset) -> Array:
        """The outputs (n, j) that the predictions are made of; no targets are needed."""
        z = self._room(data, self.network.out_shape[-1])
        self._over(data, z, None, np.asarray)
        return z

    def _room(self, data: Dataset, columns: int = 0) -> Array:
        """Room for the predictions of `data`, or so many columns, where every rank can write."""
        if not columns:
            outputs = self.network.out_shape[-1]
            columns = 2 if self.task.kind == "binary" and outputs == 1 else outputs
        dtype = self.network.arena.params.dtype
        return shared_zeros(data.rows * columns, dtype).reshape(data.rows, columns)

    def _over(
        self, data: Dataset, made: Array, targets: Array | None, form: Callable[[Array], Array]
    ) -> float:
        """Write what `form` makes of outputs, and targets that are inputs.

        Returns the sum of the losses, if there are `targets`.
        """
        ranks = self.ranks if worth_ranks(self.network, data.rows) else 1

        def part(own: Ranks) -> Phases:
            mine = own.part(data.rows)
            return (lambda: self._rows(data, mine, made, targets, form),)

        with Ranks(ranks, part) as all_ranks:
            return all_ranks.run(0)

    @np.errstate(over="ignore", invalid="ignore")  # whoever reads the predictions looks
    def _rows(
        self,
        data: Dataset,
        mine: slice,
        made: Array,
        targets: Array | None,
        form: Callable[[Array], Array],
    ) -> float:
        """The examples of `mine`, in batches."""
        buffer = None if targets is None else target_buffer(data, self.rows)
        total = 0.0
        for start in range(mine.start, mine.stop, self.rows):
            end = min(start + self.rows, mine.stop)
            m = end - start
            plan, wanted = self.plan.cut(m), None if buffer is None else buffer[:m]
            x = data.read(start, end, plan.x, wanted)
            z = self._pool((plan if x is plan.x else plan.over(x)).forward(False))
            made[start:end] = form(z)
            if targets is not None and wanted is not None:
                scratch = cut_scratch(self.loss, self.scratch, m)
                if data.weights is None:
                    total += m * self.loss.value(z, wanted, scratch)
                else:
                    total += float(self.loss.each(z, wanted, scratch) @ data.weights[start:end])
                if data.targets is None:
                    targets[start:end] = wanted
        return total

    def shown(self, z: Array) -> Array:
        """Outputs (n, j) as predictions in the canonical form, of what was learned."""
        shown = z.copy() if self.temperature == 1.0 else z / z.dtype.type(self.temperature)
        self.loss.activate(shown, shown)
        if not np.isfinite([z.min(), z.max()]).all():
            # A sigmoid would turn an overflow into certainty.
            shown[~np.isfinite(z).all(axis=-1)] = np.nan
        return canonical(shown, self.task)


def target_buffer(data: Dataset, rows: int) -> Array:
    """Room for the targets of up to `rows` examples."""
    return np.empty((rows, *data.target_shape), dtype=data.target_dtype)


def canonical(shown: Array, task: Task) -> Array:
    """Activated outputs in the canonical form: one output of a binary task becomes two columns."""
    if task.kind == "binary" and shown.shape[-1] == 1:
        return np.concatenate([1.0 - shown, shown], axis=-1, dtype=shown.dtype)
    return shown
