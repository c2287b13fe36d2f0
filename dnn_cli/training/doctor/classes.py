"""Classes: how many rows each has, and which are too rare.

Figures    the share of the largest class in the training rows; of a class, its training rows
Thresholds a class needs 10 training rows (1 or none is a warning); one class with 0.9 of the rows
           makes accuracy a poor measure
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.examination import Examination
from dnn_cli.data.task import listing_in_order
from dnn_cli.training.finding import FINDERS, Contents, Finder, Finding, percent

FEW, LARGE = 10, 0.9
_SHOWN = 10


@final
@FINDERS.register("classes")
@dataclass(frozen=True, slots=True, kw_only=True)
class ClassesFinder(Finder):
    """Counts and shares of classes and labels."""

    def table(self, found: Examination, contents: Contents) -> Iterator[Finding]:
        """Of classes or labels, whichever the task has."""
        task = found.task
        if task is None or "train" not in found.targets:
            return
        counts = {p: _counts(t, task.count, task.classifies) for p, t in found.targets.items()}
        if task.classifies:
            yield from _classes(counts, task.labels)
        elif task.kind == "multilabel":
            yield from _labels(counts["train"], found.rows["train"], task.labels)


def _counts(targets: Array, count: int, classes: bool) -> Array:
    if classes:
        found: Array = np.bincount(targets, minlength=count)
    else:
        found = np.asarray(np.count_nonzero(targets, axis=0))
    return found


def _classes(counts: dict[str, Array], labels: tuple[str, ...]) -> Iterator[Finding]:
    train = counts["train"]
    rows, order = int(train.sum()), np.argsort(-train, kind="stable")
    shown = [f"{safe_text(labels[i], 30)} {train[i]:,} ({percent(train[i] / rows)})" for i in order]
    more = f" and {len(shown) - _SHOWN} more classes" if len(shown) > _SHOWN else ""
    large = float(train[order[0]] / rows)
    yield Finding(
        "warning" if large >= LARGE else "note",
        f"training rows of each class: {', '.join(shown[:_SHOWN])}{more}",
        figure=large,
        threshold=LARGE,
        fix=f"always the same answer has accuracy {large:.3f}: watch another metric "
        "(`training.monitor`), or weigh the classes (`class_weights: balanced`)"
        if large >= LARGE
        else "",
    )
    few = np.flatnonzero((train < FEW) & (train > 1))
    lone = np.flatnonzero(train <= 1)
    for which, severity in ((lone, "warning"), (few, "note")):
        if len(which):
            names = listing_in_order(tuple(f"{labels[i]} ({train[i]})" for i in which))
            yield Finding(
                "warning" if severity == "warning" else "note",
                f"{len(which)} of {len(labels)} classes have "
                + ("one training row or none" if severity == "warning" else "few training rows")
                + f": {names}",
                figure=float(train[which].min()),
                threshold=FEW if severity == "note" else 2,
                fix="get more rows of them, join them with others, or remove them",
            )
    for part, there in counts.items():
        gone = np.flatnonzero((there == 0) & (train > 0))
        if part != "train" and len(gone):
            names = listing_in_order(tuple(labels[i] for i in gone))
            yield Finding(
                "warning",
                f"{len(gone)} of {len(labels)} classes have no row: {names}",
                part=part,
                figure=float(len(gone)),
                threshold=1.0,
                fix="nothing is measured of them: give this part more rows",
            )


def _labels(train: Array, rows: int, labels: tuple[str, ...]) -> Iterator[Finding]:
    shown = [f"{safe_text(name, 30)} {n:,}" for name, n in zip(labels, train, strict=True)]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    yield Finding("note", f"training rows of each label: {', '.join(shown[:_SHOWN])}{more}")
    for i in np.flatnonzero((train == 0) | (train == rows)).tolist():
        which = "none" if train[i] == 0 else "all"
        yield Finding(
            "warning",
            f"{which} of the training rows have this label: there is nothing to learn",
            labels[i],
            figure=float(train[i]),
            fix="leave it out of `data.target`",
        )
