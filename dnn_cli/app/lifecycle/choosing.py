"""What a training settles about its predictions when it has ended, on the validation rows.

Order      the temperature; of the probabilities with it the threshold and the scores of intervals
Resumed    a function of the data and the best weights: a run that was killed here finds it again
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dnn_cli.app.build import Built
from dnn_cli.base.types import Array
from dnn_cli.training.conformal import Scores, scores_of
from dnn_cli.training.evaluation import Evaluator
from dnn_cli.training.session import Session
from dnn_cli.training.temperature import Temperature, fit_temperature
from dnn_cli.training.threshold import ThresholdMetric, best_thresholds


@dataclass(frozen=True, slots=True)
class Settled:
    """What the validation rows settled; None where nothing was asked for, or nothing found."""

    temperature: Temperature | None = None
    threshold: tuple[ThresholdMetric, tuple[float, ...]] | None = None
    scores: Scores | None = None  # of intervals

    @property
    def divisor(self) -> float:
        """What outputs are divided by."""
        return 1.0 if self.temperature is None else self.temperature.value

    def stored(self) -> dict[str, Any]:
        """The fields of the model file that hold it."""
        found: dict[str, Any] = {}
        if self.temperature is not None:
            found["calibration"] = {"temperature": self.temperature.value}
        if self.threshold is not None:
            metric, values = self.threshold
            found["threshold"] = {"metric": metric, "values": list(values)}
        if self.scores is not None:
            found |= {"intervals": {"rows": self.scores.rows}, "scores": self.scores.kept}
        return found

    @property
    def line(self) -> str:
        """What there is to say about it."""
        found = self.temperature
        if found is None:
            return ""
        return (
            f"temperature: {found.value:.4g}, log-loss of the validation rows {found.before:.4f} "
            f"-> {found.after:.4f}"
        )


def settled(built: Built, session: Session, vector: Array) -> Settled:
    """What suits the weights `vector`. The session's parameters are `vector` afterwards."""
    spec, data, task = built.spec.evaluation, built.prepared.valid, session.task
    if data is None or data.targets is None:
        return Settled()
    session.network.arena.params[...] = vector
    evaluator = Evaluator(session.network, session.loss, task, session.ranks)
    z, targets = evaluator.outputs(data), data.targets
    temperature = None
    if spec.calibrate:
        temperature = fit_temperature(z, targets, evaluator.loss, task, data.weights)
    if temperature is not None:
        evaluator.temperature = temperature.value
    with np.errstate(over="ignore", invalid="ignore"):  # whoever reads the predictions looks
        predictions = evaluator.shown(z)
    threshold = None
    if spec.threshold is not None:
        values = best_thresholds(spec.threshold, predictions, targets, task, data.weights)
        threshold = (spec.threshold, values)
    restored, scores = data.target_scaling.restored, None
    if not task.quantiles:  # which are intervals themselves
        scores = scores_of(restored(predictions), restored(targets), task)
    return Settled(temperature, threshold, scores)
