"""Measuring a model on data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dnn_cli.app.intervals import scores_in
from dnn_cli.app.lifecycle.threads import use_ranks
from dnn_cli.app.models import Model, find_model, load_model
from dnn_cli.app.say import Say, ignore
from dnn_cli.base.errors import DataError, GateError, Problem
from dnn_cli.base.task import Task
from dnn_cli.base.text import safe_text
from dnn_cli.config.load import load_config
from dnn_cli.data.dataset import Dataset
from dnn_cli.data.prepare import prepare
from dnn_cli.data.reading import read
from dnn_cli.data.source import SourceSpec, source_of
from dnn_cli.data.table_coding import SurpriseLog
from dnn_cli.data.task import listing_in_order
from dnn_cli.runs.directory import RunDirectory
from dnn_cli.training.bootstrap import Interval, intervals
from dnn_cli.training.class_report import by_target, report
from dnn_cli.training.conformal import Coverage, coverage_of
from dnn_cli.training.evaluation import Evaluator
from dnn_cli.training.gate import Condition, check_gates, metrics_wanted, parse_condition
from dnn_cli.training.metrics import full_metrics, measure, reasons


@dataclass(frozen=True, slots=True)
class ClassResult:
    """What an evaluation says of one class."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """An evaluation: metrics by name, and what there is by class."""

    metrics: Mapping[str, float]
    rows: int
    split: str
    checkpoint: str
    positive: str | None = None  # of two classes the one that precision, recall and f1 speak of
    classes: tuple[ClassResult, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    targets: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # metrics of several
    failed: tuple[Problem, ...] = ()  # the gates
    notes: Mapping[str, str] = field(default_factory=dict)  # why a metric is nan
    intervals: Mapping[str, Interval] = field(default_factory=dict)  # of 95 %, see `bootstrap`
    coverage: Mapping[str, Coverage] = field(default_factory=dict)  # of `--interval`, by target


def evaluate_model(
    model: str,
    *,
    data: str | None = None,
    split: str = "test",
    fail_if: Sequence[str] = (),
    interval: float | None = None,
    dialect: Mapping[str, str] | None = None,
    say: Say = ignore,
) -> EvaluationResult:
    """Measure `model` on the file `data`, or on a part of the data that its run was made with.

    With `interval` also how often the truth lies within the bounds or sets of this level.

    Raises:
        UsageError: a condition of `fail_if` cannot be read, or is on no metric of this task;
            `data` has no such dialect, or the model no such intervals.
        CheckpointError: the model cannot be used.
        DataError: the data are not what the model was made for.
    """
    conditions = [parse_condition(text) for text in fail_if]
    path = find_model(model, "", say)
    loaded = load_model(path)
    wanted = metrics_wanted(conditions, loaded.task)
    scores = None if interval is None else scores_in(loaded)
    if data is None:
        dataset = _from_run(loaded, path, split)
    else:
        labelled = loaded.schema.columns(True).target_required
        dataset = _from_source(loaded, source_of(data, labelled, dialect), say)
    ranks = use_ranks(loaded.network, dataset.rows)
    evaluator = Evaluator(loaded.network, loaded.loss, loaded.task, ranks, loaded.temperature)
    loss, predictions, targets = evaluator.run(dataset)
    names = dict.fromkeys((*full_metrics(loaded.task), *wanted))
    task, weights = loaded.task, dataset.weights
    metrics = {"loss": loss, **measure(tuple(names), predictions, targets, task, weights)}
    apart = report(predictions, targets, task, weights) if task.classifies else {}
    return EvaluationResult(
        metrics=metrics,
        rows=dataset.rows,
        split=split if data is None else "data",
        checkpoint=str(path),
        positive=loaded.task.positive,
        classes=_classes(apart),
        confusion=tuple(map(tuple, apart.get("confusion_matrix", ()))),
        targets=by_target(predictions, targets, task, weights),
        failed=_failed(conditions, metrics),
        notes=reasons(metrics, targets, task, weights),
        intervals=intervals(metrics, predictions, targets, task, weights),
        coverage={}
        if scores is None or interval is None
        else coverage_of(scores, interval, predictions, targets, task),
    )


def _from_source(model: Model, source: SourceSpec, say: Say) -> Dataset:
    table = model.schema.adapted(read(source, model.schema.columns(True)))
    for note in table.notes:
        say(note)
    log = SurpriseLog()
    found = model.schema.dataset(table, with_targets=True, log=log)
    for line in log.lines():
        say(line)
    weight = model.schema.weight
    if weight is not None and found.weights is None:
        say(f"there is no column {safe_text(weight)}, the weight in training: all rows count alike")
    return found


def _from_run(model: Model, path: Path, split: str) -> Dataset:
    """The part called `split` of the data of the run that the model file lies in."""
    directory = path.parent.parent if path.parent.name == "checkpoints" else path.parent
    if not (directory / "resolved.yaml").is_file():
        raise DataError(
            f"{safe_text(path)} does not lie in a run directory, so it has no data of its own",
            fix="name a data file after it",
        )
    run = RunDirectory.open(directory)
    prepared = prepare(model.schema.as_trained(load_config(str(run.resolved)).spec.data))
    if prepared.schema.task != model.schema.task:
        raise DataError(
            "the run's data are not those that the model was trained with",
            where=safe_text(run.resolved),
            why=f"they make it {_described(prepared.schema.task)}; "
            f"the model knows {_described(model.task)}",
            fix="put the data back as they were, or name a data file",
        )
    parts = {"train": prepared.train, "valid": prepared.valid, "test": prepared.test}
    part = parts.get(split)
    if part is None:
        there = ", ".join(name for name, one in parts.items() if one is not None)
        raise DataError(
            f"the run has no {safe_text(split)} data",
            why=f"its data have the parts {there}",
            fix="choose one with --split, or name a data file",
        )
    return part


def _described(task: Task) -> str:
    return f"{task.kind} of {listing_in_order(task.labels)}" if task.labels else task.kind


def _classes(found: Mapping[str, Any]) -> tuple[ClassResult, ...]:
    scores = [found.get(name, {}) for name in ("precision", "recall", "f1", "support")]
    labels = found.get("labels", ())
    return tuple(ClassResult(label, *(one[label] for one in scores)) for label in labels)


def _failed(conditions: Sequence[Condition], metrics: Mapping[str, float]) -> tuple[Problem, ...]:
    try:
        check_gates(conditions, metrics)
    except GateError as error:
        return error.problems
    return ()
