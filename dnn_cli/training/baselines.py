"""Baselines: what predictors reach that learn nothing, or no more than a linear model can.

Constant   classes and labels with their frequencies among the training rows, the mean of the
           targets, or the quantiles that are asked for, whatever the inputs are
Linear     one dense layer behind the `table` of the network, if it has one, under the usual loss of
           the task: logistic regression, or least squares; or under the network's own loss of
           quantiles, counts and amounts. Adam on batches of 256 of up to 20,000
           training rows, with a rate that falls from 0.05 to 0; weights begin at 0
Bound      as many steps as make a tenth of the examples that the network has seen, 200 if that is
           less, and never more than 2^28 numbers read and changed in all; of images, of more than
           5,000 inputs and of a reconstruction there is none
Cost       100 rows of 10 numbers: 12 ms; 26,000 rows of Adult: 0.26 s of 15; MNIST, flat: 0.1 of 2
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dnn_cli.base.errors import DivergedError
from dnn_cli.base.random import Purpose, stream
from dnn_cli.base.task import Task
from dnn_cli.base.types import Array, size_of
from dnn_cli.data.batches import Batches
from dnn_cli.data.dataset import Dataset
from dnn_cli.nn.initializer import INITIALIZERS
from dnn_cli.nn.layer import LayerSpec
from dnn_cli.nn.layers.dense import DenseSpec
from dnn_cli.nn.layers.table import TableSpec
from dnn_cli.nn.loss import LossSpec
from dnn_cli.nn.model import build_network
from dnn_cli.nn.optimizers.adam import AdamSpec
from dnn_cli.nn.schedules.cosine import CosineSpec
from dnn_cli.training.evaluation import Evaluator
from dnn_cli.training.loop import fit
from dnn_cli.training.session import Session
from dnn_cli.training.spec import TrainingSpec

_ROWS = 20_000
_NUMBERS = 1 << 24  # of the inputs of these rows: 64 MB
_INPUTS = 5000
_BATCH = 256
_STEPS = 200
_WORK = 1 << 28  # inputs read and parameters changed
_RATE = 0.05


def sample(data: Dataset, seed: int) -> Dataset:
    """Some rows of `data`, by chance and in their order, or all of them if they are few."""
    most = max(1, min(_ROWS, _NUMBERS // size_of(data.input_shape)))
    if data.rows <= most:
        return data
    rng = stream(seed, Purpose.BASELINE)
    return data.take(np.sort(rng.choice(data.rows, most, replace=False)))


def constant(train: Dataset, task: Task, seed: int) -> Array:
    """The prediction for every row that the training targets make: (columns of a prediction,)."""
    targets = train.targets
    if targets is None:
        return _mean_inputs(sample(train, seed))
    if task.classifies:
        counts = np.bincount(targets, train.weights, task.count)
        found: Array = counts / counts.sum()
    elif task.quantiles:
        levels = np.quantile(
            targets, task.quantiles, axis=0, method="inverted_cdf", weights=train.weights
        )
        found = levels.T.reshape(-1)
    elif train.weights is not None:
        found = np.average(targets, axis=0, weights=train.weights)
    else:
        found = targets.mean(axis=0, dtype=np.float64)
    prediction: Array = train.target_scaling.restored(found[None])[0]
    return prediction


def linear(
    train: Dataset,
    data: Dataset,
    loss: LossSpec,
    layers: Sequence[LayerSpec],
    seed: int,
    seen: int,
) -> Array | None:
    """The predictions for `data` of a linear model of the rows `train`.

    `loss` and `layers` are those of the network, which has seen `seen` examples. None where there
    is no such model: of inputs of other kinds, or if it diverges.
    """
    inputs = size_of(train.input_shape)
    if len(train.input_shape) > 1 or inputs > _INPUTS or train.targets is None:
        return None
    session = _session(sample(train, seed), loss.of_linear(train.task), layers, seed, seen)
    try:
        for _ in fit(session, lambda: 0.0):
            pass
        found = Evaluator(session.network, session.loss, session.task).predict(data)
    except DivergedError:
        return None
    return found if np.isfinite(found).all() else None


def _session(
    train: Dataset, loss: LossSpec, layers: Sequence[LayerSpec], seed: int, seen: int
) -> Session:
    """The training of a linear model, not begun yet."""
    task, batches = loss.answered(train.task), Batches(train, _BATCH, seed)
    dense = DenseSpec(units=loss.width(task), weights=INITIALIZERS.get("zeros")())
    front = [layer for layer in layers[:1] if isinstance(layer, TableSpec)]
    network = build_network([*front, dense], train.input_shape)
    network.arena.initialize(seed)
    size = batches.batch_size
    step = size * size_of(train.input_shape) + network.parameters
    steps = min(max(_STEPS, seen // 10 // size), _WORK // step)
    recipe = AdamSpec(learning_rate=_RATE, schedule=CosineSpec())
    spec = TrainingSpec(epochs=max(1, steps // batches.steps), batch_size=size, metrics=())
    return Session(
        name="linear",
        seed=seed,
        task=task,
        network=network,
        loss=loss.build(task),
        optimizer=recipe.build(network.arena),
        recipe=recipe,
        spec=spec,
        train=batches,
        valid=None,
        monitor=spec.build_monitor(False),
    )


def _mean_inputs(data: Dataset) -> Array:
    """The mean of the scaled inputs, flat."""
    total = np.zeros(size_of(data.input_shape))
    x, _ = data.buffers(min(data.rows, 1024))
    for start in range(0, data.rows, len(x)):
        end = min(start + len(x), data.rows)
        rows = data.read(start, end, x[: end - start], None)
        flat = rows.reshape(end - start, -1)
        if data.weights is None:
            total += flat.sum(axis=0, dtype=np.float64)
        else:
            total += data.weights[start:end] @ flat
    mean: Array = total / (data.rows if data.weights is None else data.weights.sum())
    return mean
