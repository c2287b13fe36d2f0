"""Inputs as the examples that a network takes: which kind they are, and in which shape.

Flat rows and images of as many numbers are the same in row-major order, and whole numbers from 0
to 255 are bytes: a model takes the one for the other, and says so. Axes are never turned.

Memory     a reshaped array is a view; numbers made bytes take a quarter of their room beside them
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array, Shape, size_of
from dnn_cli.data.place import Place, positions
from dnn_cli.data.statistics import chunks
from dnn_cli.data.table import Table

InputKind: TypeAlias = Literal["bytes", "numbers"]
CHANNELS_LAST = "save np.transpose(x, (0, 2, 3, 1)), which puts the channels last"
_SMALLEST, _LONGEST = 8, 4  # pixels of a side, and sides of a side, of what is taken for an image


def input_kind(inputs: Array) -> InputKind:
    """What a table's inputs are."""
    return "bytes" if inputs.dtype == np.uint8 else "numbers"


def as_examples(inputs: Array) -> Array:
    """Inputs as examples that networks take: vectors, and images that say their channels.

    (n,) becomes (n, 1), and bytes (n, h, w) become (n, h, w, 1): bytes are pixels. Numbers
    (n, h, w) stay as they are, for they may be anything; save images of numbers as (n, h, w, 1).
    """
    if inputs.ndim == 1:
        return inputs.reshape(-1, 1)
    if inputs.ndim == 3 and inputs.dtype == np.uint8:
        return inputs.reshape(*inputs.shape, 1)
    return inputs


def check_channels_last(inputs: Array, origin: str) -> None:
    """Refuse images (n, 1, h, w) and (n, 3, h, w), whose channels come first.

    Nothing in an array says what its axes are: it is taken for such images where both of the
    last axes are 8 or longer and neither is more than 4 times the other, and for (h, w, c)
    otherwise.

    Raises:
        DataError: says how to turn the axes.
    """
    if inputs.ndim != 4 or inputs.shape[1] not in (1, 3):
        return
    short, long = sorted(inputs.shape[2:])
    if short < _SMALLEST or long > _LONGEST * short:
        return
    raise DataError(
        f"an example has the shape {inputs.shape[1:]}: its channels seem to come first",
        where=safe_text(origin),
        why="images are (rows, height, width, channels)",
        fix=f"{CHANNELS_LAST}; if these are height, width and channels after all, exchange the "
        "first two: np.swapaxes(x, 1, 2)",
    )


def adapted(table: Table, shape: Shape, kind: InputKind) -> Table:
    """`table` with inputs (n, *shape) of `kind`, if they are the same numbers; with its notes.

    What they cannot be read as stays as it is, for `DataSchema.dataset` to refuse.

    Raises:
        DataError: bytes are needed, and a number is not whole or not from 0 to 255.
    """
    inputs, notes = table.inputs, list(table.notes)
    same_size = size_of(inputs.shape[1:]) == size_of(shape)
    if same_size and kind == "bytes" and input_kind(inputs) == "numbers":
        inputs = _as_bytes(table)
        notes.append("the inputs are read as bytes: all are whole numbers from 0 to 255")
    if input_kind(inputs) != kind:
        return table
    inputs = as_examples(inputs)
    found = tuple(inputs.shape[1:])
    if same_size and found != shape and _same_order(found, shape):
        inputs = inputs.reshape(-1, *shape)
        notes.append(f"examples of the shape {found} are read as {shape}, in row-major order")
    return replace(table, inputs=inputs, notes=tuple(notes))


def _same_order(found: Shape, wanted: Shape) -> bool:
    """Whether one of both is flat, or they differ by axes of length 1 alone."""
    return 1 in (len(found), len(wanted)) or longer(found) == longer(wanted)


def longer(shape: Shape) -> Shape:
    """The axes of `shape` that are not of length 1."""
    return tuple(length for length in shape if length != 1)


def _as_bytes(table: Table) -> Array:
    out = np.empty(table.inputs.shape, np.uint8)
    done = 0
    for chunk in chunks(table.inputs):
        wrong = ~((chunk >= 0) & (chunk <= 255) & (chunk == np.floor(chunk)))
        if wrong.any():
            at = positions(wrong)
            value = chunk[tuple(at[0])]
            at[:, 0] += done
            raise DataError(
                f"the training rows were bytes (0 to 255), here is {float(value):g}",
                where=Place.of(table).where(at[:1], table.feature_names),
                fix="give whole numbers from 0 to 255, as in training"
                + ("; pixels from 0 to 1 become them by np.rint(255 * x)" if 0 < value < 1 else ""),
            )
        np.copyto(out[done : done + len(chunk)], chunk, casting="unsafe")
        done += len(chunk)
    return out
