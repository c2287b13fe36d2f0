"""The tables of each command, out of its result."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dnn_cli.base.text import figure, interval
from dnn_cli.console.figures import count, duration, share, size
from dnn_cli.console.findings import findings
from dnn_cli.console.grid import Grid
from dnn_cli.console.views import (
    CheckView,
    ClassView,
    CostView,
    CoverageView,
    CvView,
    DatasetView,
    EvaluationView,
    InfoView,
    LayerView,
    ThresholdView,
)

if TYPE_CHECKING:  # it brings NumPy along
    from dnn_cli.training.profile import StepProfile

MOST_CLASSES = 20  # shown one by one; of more, the worst ones
_NAMES = 10  # feature names and labels listed


def evaluation(result: EvaluationView) -> list[Grid]:
    """Metrics; then, for classes, each one's scores and the confusion matrix; or each target's."""
    title = f"{result.checkpoint}: {result.split}, {count(result.rows)} rows"
    if result.positive is not None:
        title += f", positive class {result.positive}"
    grids = [_metrics(title, result.metrics, result.intervals, result.notes)]
    if result.targets:
        grids.append(_targets(result.targets))
    if result.classes:
        grids.append(_classes(result.classes))
    if result.confusion and len(result.confusion) <= MOST_CLASSES:
        grids.append(_confusion([c.label for c in result.classes], result.confusion))
    if result.coverage:
        grids.append(_coverage(result.coverage, bool(result.classes)))
    return grids


def _coverage(found: Mapping[str, CoverageView], of_sets: bool) -> Grid:
    """A row a target, or one for the sets of classes."""
    rows = [(name, f"{c.level:g}", share(c.coverage), figure(c.size)) for name, c in found.items()]
    columns = ("interval", "level", "coverage", "classes in it" if of_sets else "width")
    return Grid("", rows, columns, frozenset({"interval"}))


def _metrics(
    title: str,
    metrics: Mapping[str, float],
    intervals: Mapping[str, tuple[float, float]],
    notes: Mapping[str, str],
) -> Grid:
    """Names and values; beside them the interval of 95 %, and why what is undefined is."""
    columns = {
        "metric": list(metrics),
        "value": [figure(value) for value in metrics.values()],
        "95 %": [interval(*intervals[name]) if name in intervals else "" for name in metrics],
        "why": [notes.get(name, "") for name in metrics],
    }
    shown = {head: column for head, column in columns.items() if any(column)}
    rows = list(zip(*shown.values(), strict=True))
    return Grid(title, rows, tuple(shown), frozenset({"metric", "95 %", "why"}))


def _targets(targets: Mapping[str, Mapping[str, float]]) -> Grid:
    """A row a target, a column a metric."""
    shown, notes = list(targets), []
    if len(shown) > MOST_CLASSES:
        shown.sort(key=lambda name: _low_first(targets[name]["r2"]))
        shown = shown[:MOST_CLASSES]
        notes = [f"the {MOST_CLASSES} targets of {len(targets)} with the lowest r2"]
    heads = tuple(targets[shown[0]])
    rows = [(name, *(figure(targets[name][head]) for head in heads)) for name in shown]
    return Grid("", rows, ("target", *heads), frozenset({"target"}), notes=notes)


def _low_first(score: float) -> float:
    """A key to sort by: nan sorts anywhere, and what nothing can be said of is not the worst."""
    return score if score == score else math.inf


def _classes(classes: Sequence[ClassView]) -> Grid:
    shown, notes = list(classes), []
    if len(shown) > MOST_CLASSES:
        shown.sort(key=lambda c: _low_first(c.f1))
        shown = shown[:MOST_CLASSES]
        notes = [f"the {MOST_CLASSES} classes of {len(classes)} with the lowest f1"]
    rows = [
        (c.label, share(c.precision), share(c.recall), share(c.f1), count(c.support)) for c in shown
    ]
    columns = ("class", "precision", "recall", "f1", "rows")
    return Grid("", rows, columns, frozenset({"class"}), notes=notes)


def _confusion(labels: Sequence[str], matrix: Sequence[Sequence[int]]) -> Grid:
    """Long labels head their rows only: a column is headed by its number."""
    short = all(len(label) <= 6 for label in labels)
    heads = list(labels) if short else [str(i + 1) for i in range(len(labels))]
    names = labels if short else [f"{i + 1} {label}" for i, label in enumerate(labels)]
    corner = "true \\ predicted"
    rows = [(name, *map(count, row)) for name, row in zip(names, matrix, strict=True)]
    return Grid("", rows, (corner, *heads), frozenset({corner}))


def cross_validation(result: CvView) -> list[Grid]:
    """Mean and deviation of every metric over the folds."""
    rows = [
        (name, figure(one.mean), figure(one.deviation), count(one.folds))
        for name, one in result.metrics.items()
    ]
    title = f"{result.directory}: {count(len(result.folds))} folds"
    return [Grid(title, rows, ("metric", "mean", "deviation", "folds"), frozenset({"metric"}))]


def check(result: CheckView) -> list[Grid]:
    """The model, the data, the memory and time it takes, and what was found in the data."""
    if result.stopped:
        return [_data(result), findings(result.findings)]
    facts = [
        ("name", result.name),
        ("task", result.task),
        ("loss", result.loss),
        ("optimizer", result.optimizer),
        ("training", f"{count(result.epochs)} epochs of {count(result.steps_per_epoch)} steps"),
    ]
    if result.cost is not None:
        facts.append(("time", _cost(result.cost, result.epochs)))
    total = sum(result.memory.values())
    grids = [
        Grid(result.config, facts),
        _layers(result.input, result.layers, result.parameters, result.multiply_adds),
        _data(result),
        Grid(
            "",
            [(name, size(octets)) for name, octets in result.memory.items()],
            ("memory", "size"),
            frozenset({"memory"}),
            ("total", size(total)),
            notes=result.notes,
        ),
    ]
    if result.findings:
        grids.append(findings(result.findings))
    if result.gradients:
        rows = [(g.name, f"{g.error:.1e}", "ok" if g.passed else "WRONG") for g in result.gradients]
        columns = ("gradient of", "relative error", "")
        grids.append(Grid("", rows, columns, frozenset({"gradient of", ""})))
    if result.profile is not None:
        grids.append(_profile(result.profile))
    return grids


def _data(result: CheckView) -> Grid:
    rows = [(part.name, count(part.rows), part.source) for part in result.data]
    return Grid("", rows, ("data", "rows", "source"), frozenset({"data", "source"}))


def _cost(cost: CostView, epochs: int) -> str:
    """An epoch, and how that was measured."""
    alone = "" if cost.ranks == 1 else f", shared by {cost.ranks} processes"
    steps = f"{cost.steps} step{'s' * (cost.steps > 1)} of {_step(cost.step_seconds)}"
    return (
        f"{duration(cost.seconds_per_epoch)} an epoch, {duration(epochs * cost.seconds_per_epoch)} "
        f"in all, by {steps}{alone}; validation comes on top"
    )


def _step(seconds: float) -> str:
    return duration(seconds) if seconds >= 0.01 else f"{1e3 * seconds:.2g}ms"


def _profile(profile: StepProfile) -> Grid:
    """One training step, part by part, and what its products alone would take."""
    rows = [
        (
            f"{part.phase} {part.name}".strip(),
            f"{part.seconds * 1e6:,.0f}",
            f"{part.operations / part.seconds / 1e9:,.0f}" if part.operations else "",
            f"{part.bytes / part.seconds / 1e9:,.1f}" if part.bytes else "",
        )
        for part in profile.parts
    ]
    products = profile.product_seconds
    shared = f", shared by {profile.ranks} processes; below: one of them"
    notes = (
        f"a step of {count(profile.rows)} examples takes {profile.step_seconds * 1e6:,.0f} µs"
        + (shared if profile.ranks > 1 else ""),
        f"products at this processor's {profile.product_rate / 1e9:,.0f} GFLOP/s would take "
        f"{products * 1e6:,.0f} µs: the step is {profile.step_seconds / products:.2f} times that",
        f"memory is copied at {profile.copy_rate / 1e9:,.1f} GB/s",
    )
    columns = ("part of a step", "µs", "GFLOP/s", "GB/s")
    total = ("sum", f"{sum(part.seconds for part in profile.parts) * 1e6:,.0f}", "", "")
    return Grid("", rows, columns, frozenset({"part of a step"}), total, notes=notes)


def _layers(
    input: tuple[int, ...], layers: Sequence[LayerView], parameters: int, operations: int | None
) -> Grid:
    columns = ("layer", "type", "output", "parameters", "multiply-adds")
    rows = [("input", "", shape(input), "", "")]
    rows += [
        (one.name, one.kind, shape(one.output), count(one.parameters), count(one.multiply_adds))
        for one in layers
    ]
    summed = sum(one.multiply_adds for one in layers) if operations is None else operations
    total = ("total", "", "", count(parameters), count(summed))
    return Grid("", rows, columns, frozenset({"layer", "type"}), total)


def shape(lengths: tuple[int, ...]) -> str:
    """`28×28×1`."""
    return "×".join(map(str, lengths)) or "1"


def info(result: InfoView) -> list[Grid]:
    """What a model file is, what it expects and how well it did."""
    facts = [
        ("kind", f"{result.kind}, {size(result.bytes)}, written by dnn {result.version}"),
        ("sha256", result.sha256),
        ("run", result.name),
        ("task", result.task),
        ("loss", result.loss),
        ("labels", _few(result.labels)),
        ("positive", result.positive or ""),
        ("features", _few(result.features)),
        ("scaling", result.scaling),
        ("temperature", "" if result.temperature == 1.0 else f"{result.temperature:.4g}"),
        ("threshold", _threshold(result.threshold)),
    ]
    grids = [
        Grid(result.file, [fact for fact in facts if fact[1]]),
        _layers(result.input, result.layers, result.parameters, None),
    ]
    if result.metrics:
        grids.append(_metrics("", result.metrics, {}, {}))
    return grids


def _threshold(chosen: ThresholdView | None) -> str:
    return (
        "" if chosen is None else f"{_few([*map(str, chosen.values)])}, chosen for {chosen.metric}"
    )


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(names[:_NAMES]) + more


def datasets(rows: Sequence[DatasetView]) -> list[Grid]:
    """The data sets that can be fetched, and where they are."""
    columns = ("name", "size", "directory", "")
    cells = [
        (row.name, size(row.bytes) if row.bytes else "-", _where(row), row.summary) for row in rows
    ]
    return [Grid("", cells, columns, frozenset({"name", "directory", ""}))]


def _where(row: DatasetView) -> str:
    if not row.present:
        return "not fetched"
    return row.directory or "built in"
