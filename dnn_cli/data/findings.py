"""What the user should know of prepared data: lines for the screen and the record, no errors."""

from __future__ import annotations

import numpy as np

from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.columns.number import NumberColumn
from dnn_cli.data.dataset import Dataset
from dnn_cli.data.duplicates import shared_rows
from dnn_cli.data.raw_columns import Numbers, RawColumns
from dnn_cli.data.scaling import Scaling
from dnn_cli.data.statistics import Statistics
from dnn_cli.data.table_coding import TableCoding
from dnn_cli.data.task import listing_in_order

_SAMPLE = 1 << 20  # numbers looked at for what float32 merges ...
_ROWS = 4096  # ... and of each column at least so many
_LOST = 0.1  # share of a column's values: with a tail as long as exp(3 z) 0.07 are lost


def silent_columns(
    statistics: Statistics, scaling: Scaling, names: tuple[str, ...] | None = None
) -> list[str]:
    """The columns from which nothing can be learned: constant, or varying by rounding alone."""
    low, high = statistics.ends
    constant = np.atleast_1d(low == high)
    found = []
    if constant.any():
        found.append(f"constant in training, so of no use: {_columns(constant, names)}")
    if scaling.scale is not None:
        rounding = np.atleast_1d(scaling.scale == 0) & ~constant
        if rounding.any():
            found.append(
                "varying no more in training than its type rounds, so of no use: "
                f"{_columns(rounding, names)}"
            )
    return found


def merged_columns(
    sample: Array, scaling: Scaling, names: tuple[str, ...] | None = None
) -> list[str]:
    """The columns of `sample` (m, i) of which float32 cannot tell all values apart after scaling.

    Cost       two sorts of the sample: a million numbers in 0.15 s
    """
    if sample.ndim != 2:
        return []
    after = np.empty(sample.shape, np.float32)
    scaling.apply(sample, after)
    before, found = _distinct(sample), []
    kept = _distinct(after)
    silent = np.zeros(len(kept), bool) if scaling.scale is None else scaling.scale == 0
    for column in np.flatnonzero((kept < (1 - _LOST) * before) & ~silent)[:10].tolist():
        name = names[column] if names else str(column)
        found.append(_merged(name, before[column], kept[column], scaling.kind))
    return found


def merged_numbers(
    columns: RawColumns, coding: TableCoding, matrix: Array, rows: Array
) -> list[str]:
    """The same of a table's columns, by some of the training `rows` of their coded `matrix`."""
    rows = rows[:: max(1, len(rows) // _ROWS)]
    found, place = [], 0
    for column in coding.columns:
        raw = columns[column.name]
        if isinstance(column, NumberColumn) and isinstance(raw, Numbers) and column.varies:
            values = raw.values[rows]
            known = ~np.isnan(values)
            before = int(_distinct(values[known][:, None])[0])
            kept = int(_distinct(matrix[rows, place][known][:, None])[0])
            if kept < (1 - _LOST) * before:
                found.append(_merged(column.name, before, kept, column.scale))
        place += len(column.outputs)
    return found[:10]


def _merged(name: str, before: int, kept: int, scale: str) -> str:
    return (
        f"column `{safe_text(name)}`: {before:,} different values are {kept:,} in float32 after "
        f"scaling ({scale}): what lies closer together is lost"
    )


def sample_of(inputs: Array) -> Array:
    """Some rows of `inputs`, evenly taken, for `merged_columns`."""
    columns = max(1, inputs.size // max(1, len(inputs)))
    step = max(1, len(inputs) // max(_ROWS, _SAMPLE // columns))
    return inputs[::step].copy()


def lone_classes(train: Dataset) -> list[str]:
    """The classes with fewer than two training rows."""
    if train.targets is None or not train.task.classifies:
        return []
    counts = np.bincount(train.targets, minlength=train.task.count)
    return [
        f"class {safe_text(label)} has {'one training row' if count else 'no training row'}"
        for label, count in zip(train.task.labels, counts.tolist(), strict=True)
        if count < 2
    ][:10]


def leaks(name: str, part: Dataset, train: Dataset) -> list[str]:
    """How many rows of `part` also occur in training."""
    shared = shared_rows(part.inputs, train.inputs)
    if not shared:
        return []
    return [f"{shared} of {part.rows} {name} rows have the same inputs as a training row"]


def _columns(which: Array, names: tuple[str, ...] | None) -> str:
    shown = tuple(names[i] if names else str(i) for i in np.flatnonzero(which).tolist())
    return f"{len(shown)} column(s): {listing_in_order(shown)}"


def _distinct(columns: Array) -> Array:
    """How many different values each column has."""
    ordered = np.sort(columns, axis=0)
    found: Array = 1 + np.count_nonzero(ordered[1:] != ordered[:-1], axis=0)
    return found
