"""What the best weights of a run reach, and what that is worth beside baselines.

Measured   on the test rows; without any, on the validation rows; without these, on training rows
Resumed    everything follows from the data, the weights and the seed, so that a run that was
           killed here finds the same again
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dnn_cli.app.build import truths_of
from dnn_cli.app.lifecycle.saving import Saver
from dnn_cli.base.errors import DivergedError
from dnn_cli.base.text import safe_text
from dnn_cli.data.dataset import Dataset
from dnn_cli.data.prepare import Prepared
from dnn_cli.training.baselines import constant, linear, sample
from dnn_cli.training.bootstrap import Interval, intervals
from dnn_cli.training.class_report import by_target
from dnn_cli.training.comparison import Comparison, advice, main_metric, measured
from dnn_cli.training.evaluation import Evaluator
from dnn_cli.training.metrics import measure


@dataclass(frozen=True, slots=True)
class Scores:
    """Metrics of the test rows, if there are any, and the baselines beside the network."""

    test: Mapping[str, float]
    intervals: Mapping[str, Interval]  # of the metrics of the test rows
    targets: Mapping[str, Mapping[str, float]]  # of each of several, of the test rows
    baselines: Mapping[str, Mapping[str, float]]
    lines: tuple[str, ...]  # on the baselines


def scores_of(saver: Saver) -> Scores:
    """Measure the best weights of a training that is complete, and baselines.

    The session's parameters are the best ones afterwards: there is nothing more to train or save.

    Raises:
        DivergedError: a prediction is not finite; the model was written.
    """
    built, session = saver.built, saver.session
    prepared, task, spec = built.prepared, session.task, session.spec
    name, data = measured_part(prepared, built.spec.seed)
    session.network.arena.params[...] = saver.best_vector
    divisor = saver.settled.divisor
    evaluator = Evaluator(session.network, session.loss, task, session.ranks, divisor)
    loss, predictions, targets = evaluator.run(data)
    answer = constant(prepared.train, task, built.spec.seed)
    names = measured(spec, task, answer)
    try:
        network = measure(names, predictions, targets, task, data.weights)
    except DivergedError as error:
        state = f"the model was written: {safe_text(saver.run.model)}"
        raise DivergedError(error.problems, state=state) from error
    same = np.broadcast_to(answer, predictions.shape)
    fitted = linear(
        prepared.train, data, built.loss_spec, built.layers, built.spec.seed, seen(saver)
    )
    comparison = Comparison(
        task=task,
        part=name,
        answer=answer,
        network=network,
        constant=measure(names, same, targets, task, data.weights),
        linear=None if fitted is None else measure(names, fitted, targets, task, data.weights),
    )
    main = main_metric(session.monitor.metric, names)
    hint = advice(spec, main, answer, truths_of(prepared))
    warning = comparison.warning(predictions, targets, main, hint, data.weights)
    of_test = name == "test"
    return Scores(
        test={"loss": loss, **network} if of_test else {},
        intervals=intervals(network, predictions, targets, task, data.weights) if of_test else {},
        targets=by_target(predictions, targets, task, data.weights) if of_test else {},
        baselines=_named(comparison),
        lines=tuple(filter(None, (comparison.line(), warning))),
    )


def measured_part(prepared: Prepared, seed: int) -> tuple[str, Dataset]:
    """The part that scores are of, and its name; of the training rows some are enough."""
    if prepared.test is not None:
        return "test", prepared.test
    if prepared.valid is not None:
        return "valid", prepared.valid
    return "train", sample(prepared.train, seed)


def seen(saver: Saver) -> int:
    """How many examples the network has learned from, each as often as it did."""
    return saver.session.step * saver.session.train.batch_size


def _named(comparison: Comparison) -> dict[str, dict[str, float]]:
    """The baselines with their metrics, `test.accuracy`, as those of the best epoch are named."""
    found = {"constant": comparison.constant, "linear": comparison.linear}
    return {
        kind: {f"{comparison.part}.{name}": value for name, value in metrics.items()}
        for kind, metrics in found.items()
        if metrics is not None
    }
