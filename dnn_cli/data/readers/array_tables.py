"""Tables from arrays: inputs with an array of targets, or with targets among their columns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array, size_of
from dnn_cli.data.readers.array_stream import ArrayStream, convert, input_dtype, native
from dnn_cli.data.readers.memory import require_memory
from dnn_cli.data.table import Columns, Table


def array_tables(
    inputs: ArrayStream, targets: ArrayStream | None, columns: Columns, rows: int | None
) -> Iterator[Table]:
    """The rows of `inputs` with their targets, as one table or in pieces of at most `rows`.

    Without an array of targets, the columns of a 2-D array that `columns.target` gives by
    position are the targets. An array in Fortran order is read whole before it is cut.

    Raises:
        DataError: a rank, length or position that does not fit, or damaged data.
        LimitError: more than the memory available.
    """
    _check_shapes(inputs, targets)
    positions = target_positions(inputs, columns) if targets is None else ()
    if inputs.fortran or (targets is not None and targets.fortran):
        x, y = _whole_fortran(inputs, targets, positions)
        for first, count in pieces(inputs.rows, rows):
            part = slice(first, first + count)
            yield Table(
                x[part], None if y is None else y[part], origin=inputs.origin, first_row=first
            )
        return
    for first, count in pieces(inputs.rows, rows):
        x, y = _next_rows(inputs, targets, positions, count)
        yield Table(x, y, origin=inputs.origin, first_row=first)


def pieces(total: int, rows: int | None) -> Iterator[tuple[int, int]]:
    """(first row, count) of pieces of at most `rows` rows; one of none if there are no rows."""
    step = max(1, total if rows is None else rows)
    for first in range(0, max(1, total), step):
        yield first, min(step, total - first)


def target_positions(inputs: ArrayStream, columns: Columns) -> tuple[int, ...]:
    """The columns of `inputs` that are targets, counted from 0."""
    if not columns.target:
        return ()
    shown = safe_text(inputs.origin)
    for name in columns.target:
        if isinstance(name, str):
            if not columns.target_required:
                return ()
            raise DataError(
                f"`{shown}` has no column `{safe_text(name)}`: an array has no column names",
                where=shown,
                fix="give a table with the column names of the training, such as a .csv file"
                if columns.of_model
                else "give the position of the column (`target: -1` is the last), or its array",
            )
    if len(inputs.shape) != 2:
        raise DataError(
            f"target columns are asked of `{shown}`, which is no table: shape {inputs.shape}",
            where=shown,
            fix="give a table of the shape (rows, columns), as in training"
            if columns.of_model
            else "remove `data.target`, and give the targets as an array of their own",
        )
    width = inputs.width
    found = []
    for position in columns.target:
        index = int(position) + width if int(position) < 0 else int(position)
        if 0 <= index < width:
            found.append(index)
        elif columns.target_required:
            raise DataError(
                f"there is no target column {position}: `{shown}` has {width} columns",
                where=shown,
                fix="give rows with all columns that the training rows had"
                if columns.of_model
                else f"positions go from 0 to {width - 1}, or from -1 backwards",
            )
    if len(set(found)) < len(found):
        raise DataError("two targets are the same column", where=shown)
    if len(found) == width:
        raise DataError(f"all {width} columns of `{shown}` are targets", where=shown)
    return tuple(found)


def _check_shapes(inputs: ArrayStream, targets: ArrayStream | None) -> None:
    shown = safe_text(inputs.origin)
    if len(inputs.shape) < 2:
        raise DataError(
            f"the inputs in `{shown}` have the shape {inputs.shape}: rows are needed",
            where=shown,
            fix="reshape them to (rows, columns), a single row to (1, columns)",
        )
    if inputs.width == 0:
        raise DataError(f"`{shown}` has no columns: shape {inputs.shape}", where=shown)
    if targets is None:
        return
    theirs = safe_text(targets.origin)
    if len(targets.shape) not in (1, 2) or targets.width == 0:
        raise DataError(
            f"the targets in `{theirs}` have the shape {targets.shape}",
            where=theirs,
            fix="give targets of the shape (rows,) or (rows, targets)",
        )
    if targets.rows != inputs.rows:
        raise DataError(
            f"{inputs.rows:,} rows of inputs, but {targets.rows:,} of targets",
            where=theirs,
            why=f"`{shown}` has the shape {inputs.shape}, `{theirs}` {targets.shape}",
            fix="take both from the same data set",
        )


def _next_rows(
    inputs: ArrayStream, targets: ArrayStream | None, positions: tuple[int, ...], count: int
) -> tuple[Array, Array | None]:
    x, y = _room(inputs, targets, positions, count)
    if y is None:
        inputs.read_inputs(x)
        return x, None if targets is None else targets.read_targets(count)
    kept = [c for c in range(inputs.width) if c not in positions]
    step = inputs.rows_in_block()
    for start in range(0, count, step):
        end = min(start + step, count)
        place = f"{safe_text(inputs.origin)}: rows from {inputs.done}"
        block = inputs.read(end - start)
        convert(block[:, kept], x[start:end], place)
        y[start:end] = native(block[:, list(positions)])
    if count == 0:
        inputs.finish()
    return x, y[:, 0] if len(positions) == 1 else y


def _whole_fortran(
    inputs: ArrayStream, targets: ArrayStream | None, positions: tuple[int, ...]
) -> tuple[Array, Array | None]:
    x, y = _room(inputs, targets, positions, inputs.rows)
    if not inputs.fortran:
        inputs.read_inputs(x)
    else:
        flat = x.reshape(inputs.rows, -1)
        kept = [c for c in range(inputs.width) if c not in positions]
        column_of = {position: column for column, position in enumerate(kept)}
        for position, values in inputs.read_columns():
            if y is not None and position in positions:
                y[:, positions.index(position)] = native(values)
            else:
                place = f"{safe_text(inputs.origin)}: column {position}"
                convert(values, flat[:, column_of[position]], place)
    if targets is not None:
        y = targets.read_targets(targets.rows)
    elif y is not None and len(positions) == 1:
        y = y[:, 0]
    return x, y


def _room(
    inputs: ArrayStream, targets: ArrayStream | None, positions: tuple[int, ...], count: int
) -> tuple[Array, Array | None]:
    dtype = input_dtype(inputs.dtype)
    shape = (inputs.width - len(positions),) if positions else inputs.shape[1:]
    needed = size_of((count, *shape)) * dtype.itemsize
    needed += count * len(positions) * inputs.dtype.itemsize
    if targets is not None:
        needed += count * targets.width * targets.dtype.itemsize
    require_memory(needed, inputs.origin)
    x = np.empty((count, *shape), dtype)
    y = np.empty((count, len(positions)), inputs.dtype.newbyteorder("=")) if positions else None
    return x, y
