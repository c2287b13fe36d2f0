"""Inputs fitted to the training rows: of arrays by one scaling, of tables column by column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array, Shape, size_of
from dnn_cli.data.column import NumberScale
from dnn_cli.data.columns.number import NumberColumn
from dnn_cli.data.examples import InputKind, as_examples, check_channels_last, input_kind
from dnn_cli.data.findings import merged_columns, merged_numbers, sample_of, silent_columns
from dnn_cli.data.finite import check_finite
from dnn_cli.data.place import Place
from dnn_cli.data.scaling import Scaling, fit_scaling
from dnn_cli.data.spec import DataSpec, ScaleKind
from dnn_cli.data.split import Parts, partition
from dnn_cli.data.statistics import Statistics, statistics_of
from dnn_cli.data.table import Table
from dnn_cli.data.table_coding import SurpriseLog, TableCoding
from dnn_cli.data.table_fitting import ColumnStory, fit_table, lines_of

BRIGHT = 128  # bytes that stay below do not use their range: x / 255 would leave them small
_ARRAY_SCALES = ("none", "unit", "standard", "minmax", "robust")


@dataclass(frozen=True, slots=True, eq=False)
class FittedInputs:
    """What an example is, and those of each part: unscaled arrays, or coded rows.

    `scale` is what the configuration would say; `low` and `high` are the ranges of
    the training inputs before scaling, one a column (or a channel, or altogether: see
    `statistics`), of a table one a column of numbers.
    """

    shape: Shape
    kind: InputKind
    coding: TableCoding | None
    scaling: Scaling
    scale: NumberScale
    stories: tuple[ColumnStory, ...]  # what became of each column of a table
    low: Array
    high: Array
    parts: tuple[Array, Array, Array]


def fit_arrays(
    table: Table, parts: Parts, spec: DataSpec, place: Place, notes: list[str]
) -> FittedInputs:
    """Inputs that are arrays: the scaling of their training part.

    Raises:
        DataError: there are no inputs, or some are not finite.
    """
    inputs = as_examples(table.inputs)
    if not size_of(inputs.shape[1:]):
        raise DataError(
            "there are no input columns",
            where=safe_text(table.origin),
            why=f"the inputs have the shape {inputs.shape}",
        )
    if spec.columns is not None:
        raise DataError(
            "`columns` is of tables, and these are arrays: their columns have no names",
            where=safe_text(table.origin),
            fix="remove `data.columns`",
        )
    check_channels_last(inputs, table.origin)
    arrays = partition(inputs, parts)
    statistics = statistics_of(arrays[0])
    low, high = statistics.extremes
    check_finite(arrays[0], low, high, place.part(parts.train))
    scaling = fit_scaling(_scale_kind(spec, statistics, table, notes), statistics)
    notes.extend(silent_columns(statistics, scaling))
    notes.extend(merged_columns(sample_of(arrays[0]), scaling))
    return FittedInputs(
        shape=tuple(inputs.shape[1:]),
        kind=input_kind(inputs),
        coding=None,
        scaling=scaling,
        scale=scaling.kind,
        stories=(),
        low=low,
        high=high,
        parts=arrays,
    )


def fit_columns(
    table: Table, parts: Parts, spec: DataSpec, place: Place, notes: list[str]
) -> FittedInputs:
    """Inputs that are columns with names: what each is, by its training rows, and all coded.

    Raises:
        DataError: a column is not what it is said to be; says where.
    """
    assert table.columns is not None
    coding, stories = fit_table(table.columns, parts.train, spec, place)
    notes.extend(lines_of(stories))
    log = SurpriseLog()
    matrix = coding.encode(table.columns, place, log, table.room)
    notes.extend(log.lines("all rows"))
    notes.extend(merged_numbers(table.columns, coding, matrix, parts.train))
    ranges = [c.extremes for c in coding.columns if isinstance(c, NumberColumn) and c.extremes]
    low, high = np.array(ranges, np.float64).reshape(-1, 2).T
    return FittedInputs(
        shape=(coding.width,),
        kind="numbers",
        coding=coding,
        scaling=Scaling("none"),
        scale="standard" if spec.scale == "auto" else spec.scale,
        stories=stories,
        low=low,
        high=high,
        parts=partition(matrix, parts, table.room),
    )


def require_numbers(coding: TableCoding | None, place: Place) -> None:
    """Refuse to reconstruct codes, which are no quantities.

    Raises:
        DataError: names the first category.
    """
    coded = [] if coding is None else [one.name for one in coding.columns if one.levels]
    if coded:
        raise DataError(
            f"reconstruction needs numbers, and the column `{safe_text(coded[0])}` is a category",
            where=safe_text(place.origin),
            fix=f"exclude it: `exclude: [{safe_text(coded[0])}]`",
        )


def _scale_kind(
    spec: DataSpec, statistics: Statistics, table: Table, notes: list[str]
) -> ScaleKind:
    if spec.scale != "auto":
        if spec.scale not in _ARRAY_SCALES:
            raise DataError(
                f"`scale: {spec.scale}` is of tables, and these are arrays",
                where=safe_text(table.origin),
                fix=f"one of {', '.join(_ARRAY_SCALES)}",
            )
        return cast(ScaleKind, spec.scale)
    brightest = int(statistics.extremes[1].max())
    kind: ScaleKind
    if input_kind(statistics.inputs) == "numbers":
        kind, why = "standard", "the inputs are numbers"
    elif brightest >= BRIGHT:
        kind, why = "unit", "the inputs are bytes"
    else:
        kind, why = "minmax", f"the inputs are bytes up to {brightest}"
    notes.append(f"scale: {kind} (auto: {why})")
    return kind
