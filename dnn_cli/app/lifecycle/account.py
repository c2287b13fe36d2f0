"""What a training says at its end: the summary of a good one, the account of a bad one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dnn_cli.app.build import truths_of
from dnn_cli.app.lifecycle.saving import Saver
from dnn_cli.base.errors import DivergedError, FileSystemError
from dnn_cli.base.text import figure, safe_text
from dnn_cli.runs.json_file import write_json
from dnn_cli.runs.recorders import write_summary
from dnn_cli.training.diagnosis import ReportedDivergenceError
from dnn_cli.training.evaluation import Evaluator
from dnn_cli.training.events import StopReason
from dnn_cli.training.metrics import measure, split_of, undefined


def sum_up(saver: Saver, reason: StopReason, seconds: float) -> str:
    """Measure the best weights on the test data and write summary.json.

    Returns a line with the test metrics, empty without test data. A metric that is undefined has
    its reason beside it, and in the summary under `notes`.

    The session's parameters are the best ones afterwards: there is nothing more to train or save.

    Raises:
        DivergedError: a prediction for the test data is not finite; the model was written.
        FileSystemError: the summary could not be written; the model was.
    """
    session, best = saver.session, saver.standing.best
    tests = _test_metrics(saver)
    notes = _notes(saver, {**best.metrics, **{f"test.{name}": v for name, v in tests.items()}})
    summary = {
        "name": session.name,
        "stop_reason": reason,
        "epochs": session.epoch,
        "steps": session.step,
        "seconds": seconds,
        "monitor": session.monitor.metric,
        "best_epoch": best.epoch,
        "best_metrics": best.metrics,
        "test_metrics": tests,
        "parameters": session.network.parameters,
        "positive": session.task.positive,
        "notes": notes,
    }
    write_summary(saver.run.path, summary)
    shown = (_shown(name, v, notes.get(f"test.{name}", "")) for name, v in tests.items())
    return f"test: {'  '.join(shown)}" if tests else ""


def _notes(saver: Saver, metrics: Mapping[str, float]) -> dict[str, str]:
    """Why those of the `metrics` that are nan are: {test.auc: …}."""
    truths = truths_of(saver.built.prepared)
    names = [(name, *split_of(name)) for name, value in metrics.items() if math.isnan(value)]
    return {name: undefined(bare, truths[split]) for name, split, bare in names}


def _shown(name: str, value: float, why: str) -> str:
    return f"{safe_text(name)} {figure(value)}" + (f" ({why})" if why else "")


def _test_metrics(saver: Saver) -> dict[str, float]:
    """Loss and metrics of the best weights on the test data, if there are any."""
    data, session = saver.built.prepared.test, saver.session
    if data is None:
        return {}
    session.network.arena.params[...] = saver.best_vector
    evaluator = Evaluator(session.network, session.loss, session.task, session.ranks)
    loss, predictions, targets = evaluator.run(data)
    names = session.spec.epoch_metrics(session.task)
    try:
        return {"loss": loss, **measure(names, predictions, targets, session.task)}
    except DivergedError as error:
        state = f"the model was written: {safe_text(saver.run.model)}"
        raise DivergedError(error.problems, state=state) from error


def keep_account(saver: Saver, error: ReportedDivergenceError) -> None:
    """Write what is known of a divergence, and let the error say what is safe."""
    run, arena, prepared = saver.run, saver.session.network.arena, saver.built.prepared
    account: dict[str, Any] = {
        **error.account,
        "training_ranges": {
            "minimum": prepared.minimum.tolist(),
            "maximum": prepared.maximum.tolist(),
        },
        "parameters": {name: float(abs(a).max()) for name, a in arena.tensors().items() if a.size},
    }
    try:
        write_json(run.diverged, account)
        written = f"the account is in {safe_text(run.diverged)}"
    except FileSystemError as failure:
        written = f"the account could not be written: {failure}"
    error.state = "; ".join(filter(None, [error.state, saver.safe, written]))
