"""What the user should know of prepared data: lines for the screen and the record."""

from __future__ import annotations

import re

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.columns.number import NumberColumn
from dnn_cli.data.dataset import Dataset
from dnn_cli.data.duplicates import shared_rows
from dnn_cli.data.place import Place
from dnn_cli.data.raw_columns import Numbers, RawColumns
from dnn_cli.data.scaling import Scaling
from dnn_cli.data.statistics import Statistics
from dnn_cli.data.table_coding import TableCoding
from dnn_cli.data.task import listing_in_order
from dnn_cli.data.truth_targets import as_truths

_SAMPLE = 1 << 20  # numbers looked at for what float32 merges ...
_ROWS = 4096  # ... and of each column at least so many
_TARGETS = 1 << 14  # rows of targets that are looked at
_WHOLE = re.compile(r"[+-]?[0-9]+", re.ASCII)
_APART = "`target_scale: standard` subtracts their mean first"
_SUBTRACT = "subtract a constant from them in the file"
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
    found = [
        f"column `{safe_text(name)}`: {raw.merged[0]:,} different whole numbers are "
        f"{raw.merged[1]:,} in float64, which holds no more than 15 to 17 digits; {_SUBTRACT}, "
        f"or read them as names: `columns: {{{safe_text(name)}: category}}`"
        for name, raw in columns.items()
        if isinstance(raw, Numbers) and raw.merged is not None and name in coding.names
    ]
    place = 0
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


def merged_targets(
    raw: Array, wide: Array, learned: Array, labels: tuple[str, ...], place: Place, scale: str
) -> list[str]:
    """The targets of which float64 or float32 cannot tell all values apart.

    Shapes     raw (n,) or (n, k) as the file has them; wide the same in float64 and learned as the
               network takes them, (n, k)

    Raises:
        DataError: of a target that varies nothing is left, and there is no other.
    """
    step = max(1, len(raw) // _TARGETS)
    columns = as_truths(raw).reshape(len(raw), -1)[::step].T
    before = [len(set(map(_number, column.tolist()))) for column in columns]
    both = _distinct(wide[::step]), _distinct(learned[::step])
    lost = (1 - _LOST) * np.array(before)
    if (both[1] == 1).all() and (lost > 1).all():
        rounded = (both[0] < lost).any()
        raise DataError(
            f"{before[0]:,} different values of the target `{safe_text(labels[0])}` are all the "
            "same in float32",
            where=safe_text(place.origin),
            why=f"in float64 they are {both[0][0]:,} different ones" if rounded else "",
            fix=_SUBTRACT if rounded or scale != "none" else _APART,
        )
    found = []
    for label, n, least, exact, kept in zip(labels, before, lost, *both, strict=True):
        if kept >= least:
            continue
        if exact < least:
            said = f"{exact:,} in float64, which holds no more than 15 to 17 digits; {_SUBTRACT}"
        elif scale == "none":
            said = f"{kept:,} in float32; {_APART}"
        else:
            said = (
                f"{kept:,} in float32 after scaling (standard): what lies closer together is lost"
            )
        found.append(f"target `{safe_text(label)}`: {n:,} different values are {said}")
    return found[:10]


def _number(value: int | float | str) -> int | float:
    """A target as exact as it is written: text is of whole numbers with many digits."""
    if not isinstance(value, str):
        return value
    return int(value) if _WHOLE.fullmatch(value) else float(value)


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
