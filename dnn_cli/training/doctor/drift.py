"""Drift: a column, or the target, that is distributed otherwise in another part.

Figure     numbers: Kolmogorov-Smirnov distance, the largest difference of the two distribution
           functions; levels, classes and gaps: total variation, half the sum of |p - q|
Threshold  0.1, and what parts of n and m rows reach by chance once in 1,000 tables
           numbers  sqrt(log(2 / a) / 2) sqrt(1/n + 1/m)
           levels   sum sqrt(p (1-p) (1/n + 1/m)) / 2 + sqrt(log(1 / a) (1/n + 1/m) / 2), p of both
                    parts together: the mean by Jensen, beyond it McDiarmid's inequality
Source     Massart, Annals of Probability 1990; McDiarmid, Surveys in Combinatorics 1989
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.types import Array
from dnn_cli.data.examination import Examination
from dnn_cli.data.open_column import OpenColumn
from dnn_cli.data.raw_columns import Numbers, Words
from dnn_cli.training.finding import FINDERS, Contents, Finder, Finding, other_parts

LEAST, CHANCE = 0.1, 1e-3


@final
@FINDERS.register("drift")
@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFinder(Finder):
    """Parts that are not of one kind."""

    def column(self, column: OpenColumn, found: Examination) -> Iterator[Finding]:
        """Of a column that is used: its values, and its gaps."""
        if not column.used or (column.spec is not None and column.spec.spec_name == "text"):
            return
        chance = CHANCE / (found.width * max(1, len(found.rows) - 1))
        for part in other_parts(column):
            raw, train = column.raw[part], column.train
            if isinstance(train, Numbers) and isinstance(raw, Numbers):
                other = np.sort(raw.values[~raw.missing])
                value, limit = distance(column.known, other, chance)
                yield from _said(column.name, part, value, limit, "Kolmogorov-Smirnov distance")
            elif isinstance(train, Words) and isinstance(raw, Words):
                value, limit = variation(*_aligned(train, raw), chance)
                yield from _said(column.name, part, value, limit, "total variation")
            gaps = [
                np.bincount(one.astype(np.intp), minlength=2)
                for one in (column.missing, raw.missing)
            ]
            value, limit = variation(gaps[0], gaps[1], chance)
            yield from _said(column.name, part, value, limit, "gaps: difference of the shares")

    def table(self, found: Examination, contents: Contents) -> Iterator[Finding]:
        """Of the targets."""
        train, task = found.targets.get("train"), found.task
        if train is None or task is None:
            return
        chance = CHANCE / (task.count * max(1, len(found.rows) - 1))
        for part, one in found.targets.items():
            if part == "train":
                continue
            if task.classifies:
                counts = [np.bincount(y, minlength=task.count) for y in (train, one)]
                value, limit = variation(counts[0], counts[1], chance)
                yield from _said("", part, value, limit, "classes: total variation")
                continue
            for i, name in enumerate(task.labels or ("target",)):
                value, limit = distance(np.sort(train[:, i]), np.sort(one[:, i]), chance)
                what = "target: Kolmogorov-Smirnov distance"
                yield from _said(name, part, value, limit, what)


def distance(train: Array, other: Array, chance: float) -> tuple[float, float]:
    """(Kolmogorov-Smirnov distance, threshold) of ascending (n,) and (m,)."""
    n, m = len(train), len(other)
    if not n or not m:
        return 0.0, 1.0
    both = np.concatenate([train, other])
    shares = np.searchsorted(train, both, side="right") / n
    shares -= np.searchsorted(other, both, side="right") / m
    noise = math.sqrt(math.log(2 / chance) / 2 * (1 / n + 1 / m))
    return float(np.abs(shares).max()), max(LEAST, noise)


def variation(train: Array, other: Array, chance: float) -> tuple[float, float]:
    """(total variation, threshold) of two counts (k,)."""
    n, m = int(train.sum()), int(other.sum())
    if not n or not m:
        return 0.0, 1.0
    size = 1 / n + 1 / m
    p = (train + other) / (n + m)
    mean = 0.5 * float(np.sqrt(p * (1 - p) * size).sum())
    noise = mean + math.sqrt(math.log(1 / chance) * size / 2)
    return 0.5 * float(np.abs(train / n - other / m).sum()), max(LEAST, noise)


def _aligned(train: Words, other: Words) -> tuple[Array, Array]:
    """How often each level of either occurs."""
    if train.levels == other.levels:
        return train.counts(), other.counts()
    place = {level: i for i, level in enumerate(train.levels)}
    for level in other.levels:
        place.setdefault(level, len(place))
    counts = np.zeros((2, len(place)), np.int64)
    for row, words in zip(counts, (train, other), strict=True):
        row[[place[level] for level in words.levels]] = words.counts()
    return counts[0], counts[1]


def _said(column: str, part: str, value: float, limit: float, what: str) -> Iterator[Finding]:
    if value < limit:
        return
    yield Finding(
        "warning",
        f"distributed otherwise than in training: {what} {value:.3f}",
        column,
        part,
        value,
        limit,
        "is this part of another time or place? its score is then of other rows than training's",
    )
