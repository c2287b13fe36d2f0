"""What a training says at its end: the summary of a good one, the account of a bad one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dnn_cli.app.build import truths_of
from dnn_cli.app.lifecycle.saving import Saver
from dnn_cli.app.lifecycle.scores import Scores, scores_of
from dnn_cli.base.errors import FileSystemError
from dnn_cli.base.text import figure, interval, safe_text
from dnn_cli.runs.json_file import write_json
from dnn_cli.runs.recorders import write_summary
from dnn_cli.training.diagnosis import ReportedDivergenceError
from dnn_cli.training.events import StopReason
from dnn_cli.training.metrics import split_of, undefined


def sum_up(saver: Saver, reason: StopReason, seconds: float) -> list[str]:
    """Measure the best weights, and baselines beside them, and write summary.json.

    Returns lines with the temperature and the test metrics, if there are such, and the baselines. A
    metric that is undefined has its reason beside it, and in the summary under `notes`.

    The session's parameters are the best ones afterwards: there is nothing more to train or save.

    Raises:
        DivergedError: a prediction is not finite; the model was written.
        FileSystemError: the summary could not be written; the model was.
    """
    session, best = saver.session, saver.standing.best
    scores = scores_of(saver)
    tests = {f"test.{name}": value for name, value in scores.test.items()}
    notes = _notes(saver, {**best.metrics, **tests})
    summary = {
        "name": session.name,
        "stop_reason": reason,
        "epochs": session.epoch,
        "steps": session.step,
        "seconds": seconds,
        "monitor": session.monitor.metric,
        "best_epoch": best.epoch,
        "best_metrics": best.metrics,
        "test_metrics": scores.test,
        "test_intervals": scores.intervals,
        "test_targets": scores.targets,
        "baselines": scores.baselines,
        "parameters": session.network.parameters,
        "temperature": saver.settled.divisor,
        "positive": session.task.positive,
        "notes": notes,
    }
    write_summary(saver.run.path, summary)
    lines = [saver.settled.line, *_tested(scores, notes), *scores.lines]
    return [line for line in lines if line]


def _tested(scores: Scores, notes: Mapping[str, str]) -> list[str]:
    """The line with the test metrics, if there are test data."""
    shown = []
    for name, value in scores.test.items():
        why = notes.get(f"test.{name}", "")
        beside = interval(*scores.intervals[name]) if name in scores.intervals else ""
        shown.append(
            " ".join(filter(None, (safe_text(name), figure(value), beside, why and f"({why})")))
        )
    return [f"test: {'  '.join(shown)}"] if shown else []


def _notes(saver: Saver, metrics: Mapping[str, float]) -> dict[str, str]:
    """Why those of the `metrics` that are nan are: {test.auc: …}."""
    truths = truths_of(saver.built.prepared)
    names = [(name, *split_of(name)) for name, value in metrics.items() if math.isnan(value)]
    return {name: undefined(bare, truths[split]) for name, split, bare in names}


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
