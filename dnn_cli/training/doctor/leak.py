"""Leaks: a column that alone predicts the target nearly perfectly.

Method     training rows alone: a table of bins (levels, or up to 256 quantiles; gaps are a bin)
           is fitted to every second one, and what it predicts is measured on the others
Figure     two classes and labels: AUC of the share of ones in the bin, or of the number itself if
           that is better; classes: the share of a constant's errors that the largest class of the
           bin avoids; numbers: R2 of the bin's mean, or of a line if that is better
Thresholds warning 0.99, 0.97, 0.98; severe 0.999, 0.99, 0.999
Rule       of 50 training rows and more, 10 of each class, and of several columns: with one column
           alone there is nothing else to learn from
Cost       100,000 rows of a column, evenly taken, at the most
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.examination import Examination
from dnn_cli.data.open_column import OpenColumn
from dnn_cli.data.raw_columns import Numbers
from dnn_cli.training.finding import FINDERS, Finder, Finding, without
from dnn_cli.training.metrics.auc import area

_ROWS, _MOST = 50, 100_000
_BINS, _EACH = 256, 8  # bins of numbers, and the rows that each has at least
_CELLS = 1 << 22  # of a table of bins and classes
_OUTPUTS = 20  # labels or targets that are tried
_NEEDED = 10  # rows of each of two classes
LIMITS = {"AUC": (0.99, 0.999), "share": (0.97, 0.99), "R2": (0.98, 0.999)}


@final
@FINDERS.register("leak")
@dataclass(frozen=True, slots=True, kw_only=True)
class LeakFinder(Finder):
    """What knows the answer."""

    def column(self, column: OpenColumn, found: Examination) -> Iterator[Finding]:
        """The best figure over the labels or targets."""
        task, targets = found.task, found.targets.get("train")
        if task is None or targets is None or not column.used or found.width < 2:
            return
        if len(targets) < _ROWS or column.different < 2:
            return
        tried = [targets] if task.classifies else list(targets.T[:_OUTPUTS])
        bins = _bins(column, len(targets))
        step = max(1, len(targets) // _MOST)
        bins, numbers = bins[::step], _numbers(column, step)
        best, measure, of = 0.0, "", ""
        for i, one in enumerate(tried):
            y = one[::step]
            if task.kind == "multiclass":
                name, value = "share", errors_avoided(bins, y, task.count)
            elif task.kind == "regression":
                name, value = "R2", explained(bins, numbers, y)
            else:
                name, value = "AUC", max(ranked(bins, y), ordered(numbers, y))
            if value > best:
                best, measure = value, name
                of = safe_text(task.labels[i]) if len(tried) > 1 else ""
        if measure and best >= LIMITS[measure][0]:
            low, high = LIMITS[measure]
            shown = {"share": "share of a constant's errors avoided"}.get(measure, measure)
            yield Finding(
                "severe" if best >= high else "warning",
                f"alone predicts the target{f' {of}' if of else ''} nearly perfectly: {shown} "
                f"{best:.4f} (bins of one half of the training rows, on the other half)",
                column.name,
                figure=best,
                threshold=high if best >= high else low,
                fix=f"if it is not known before the target is, {without(column.name, found)}",
            )


def _bins(column: OpenColumn, rows: int) -> Array:
    """The bin of each training row (n,); gaps are one of their own."""
    codes = column.codes
    train = column.train
    if not isinstance(train, Numbers) or (codes is not None and column.different <= _BINS):
        assert codes is not None
        return codes + 1
    count = max(2, min(_BINS, rows // 2 // _EACH))
    fit = np.sort(train.values[::2][~column.missing[::2]][:: max(1, rows // (2 * _MOST))])
    if not len(fit):
        return np.zeros(rows, np.intp)
    edges = fit[np.arange(1, count) * len(fit) // count]
    found = np.searchsorted(edges, train.values, side="right") + 1
    found[column.missing] = 0
    return found


def _numbers(column: OpenColumn, step: int) -> Array | None:
    train = column.train
    if not isinstance(train, Numbers) or column.missing.any():
        return None
    return train.values[::step]


def _table(bins: Array, weights: Array | None, size: int) -> Array:
    return np.bincount(bins, weights, minlength=size)


def ranked(bins: Array, y: Array) -> float:
    """AUC, on the odd rows, of the share of ones that the even rows of the same bin have."""
    size, ones = int(bins.max()) + 1, y > 0
    there = np.count_nonzero(ones[1::2])
    if min(there, len(ones[1::2]) - there) < _NEEDED or len(ones[1::2]) < _ROWS // 2:
        return 0.0
    prior = float(ones[::2].mean())
    shares = _table(bins[::2], ones[::2].astype(np.float64), size) + prior
    shares /= _table(bins[::2], None, size) + 1.0
    return area(shares[bins[1::2]], ones[1::2])


def ordered(numbers: Array | None, y: Array) -> float:
    """AUC, on the odd rows, of the numbers themselves, upwards or downwards as on the even ones."""
    ones = y > 0
    there = np.count_nonzero(ones[1::2])
    if numbers is None or min(there, len(ones[1::2]) - there) < _NEEDED:
        return 0.0
    upward = area(numbers[1::2], ones[1::2])
    return upward if area(numbers[::2], ones[::2]) >= 0.5 else 1.0 - upward


def errors_avoided(bins: Array, y: Array, classes: int) -> float:
    """1 - errors of the bin's largest class / errors of the largest class, on the odd rows."""
    size = int(bins.max()) + 1
    if size * classes > _CELLS or len(y) < _ROWS:
        return 0.0
    table = _table(bins[::2].astype(np.int64) * classes + y[::2], None, size * classes)
    table = table.reshape(size, classes)
    usual = int(table.sum(axis=0).argmax())
    answers = np.where(table.sum(axis=1) > 0, table.argmax(axis=1), usual)
    constant = int(np.count_nonzero(y[1::2] != usual))
    if constant < _NEEDED:
        return 0.0
    return 1.0 - float(np.count_nonzero(answers[bins[1::2]] != y[1::2])) / constant


def explained(bins: Array, numbers: Array | None, y: Array) -> float:
    """R2, on the odd rows, of the bin's mean over the even rows; of a line, if that is better."""
    y = y.astype(np.float64)
    size, fit, other = int(bins.max()) + 1, y[::2], y[1::2]
    total = float(np.square(other - other.mean()).sum())
    if not total > 0 or len(other) < _ROWS // 2:
        return 0.0
    counts = _table(bins[::2], None, size)
    means = np.full(size, fit.mean())
    np.divide(_table(bins[::2], fit, size), counts, out=means, where=counts > 0)
    left = float(np.square(other - means[bins[1::2]]).sum())
    if numbers is not None:
        x = numbers - numbers[::2].mean()
        spread = float(x[::2] @ x[::2])
        if spread > 0 and np.isfinite(spread):
            slope = float(x[::2] @ (fit - fit.mean())) / spread
            line = np.square(other - fit.mean() - slope * x[1::2])
            left = min(left, float(line.sum()))
    return 1.0 - left / total
