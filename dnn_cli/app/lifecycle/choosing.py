"""What a training settles about its decisions when it has ended."""

from __future__ import annotations

from typing import Any

from dnn_cli.app.build import Built
from dnn_cli.base.types import Array
from dnn_cli.training.evaluation import Evaluator
from dnn_cli.training.session import Session
from dnn_cli.training.threshold import best_thresholds


def chosen_threshold(built: Built, session: Session, vector: Array) -> dict[str, Any]:
    """The threshold that suits the weights `vector` on the validation rows, for a model file.

    Empty where none is asked for. The session's parameters are `vector` afterwards.
    """
    metric, data = built.spec.evaluation.threshold, built.prepared.valid
    if metric is None or data is None:
        return {}
    session.network.arena.params[...] = vector
    evaluator = Evaluator(session.network, session.loss, session.task, session.ranks)
    _, predictions, targets = evaluator.run(data)
    values = best_thresholds(metric, predictions, targets, session.task)
    return {"metric": metric, "values": list(values)}
