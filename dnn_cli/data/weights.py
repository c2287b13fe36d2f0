"""Weights of examples: how much each counts in losses, metrics and statistics of targets.

Normalised to a mean of 1 over the rows of a part, so that the learning rate means what it does
without weights. A part whose weights are all 0 measures nothing.

Shapes     (n,) float64
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.place import Place, positions
from dnn_cli.data.readers.numerals import Numerals
from dnn_cli.data.table import Table


def weights_of(table: Table, column: str, place: Place) -> Array:
    """The weights in the `column` that `table` carries along: finite, none below 0.

    Raises:
        DataError: there is no such column, or a weight is missing or impossible; says where.
    """
    if column not in table.extra:
        raise DataError(
            f"there is no column `{safe_text(column)}` of weights",
            where=safe_text(table.origin),
            why="weights are a column of a table with names, or an array of an npz file",
            fix="correct or remove `data.weight`",
        )
    cells = table.extra[column]
    if cells.dtype.kind not in "biufUT" or cells.shape != (table.rows,):
        raise DataError(
            f"the weights `{safe_text(column)}` have the shape {cells.shape} and the type "
            f"{cells.dtype}",
            where=safe_text(table.origin),
            fix=f"give a number for each of the {table.rows:,} rows",
        )
    text = cells.dtype.kind in "UT"
    found = _numbers(cells, table.dialect) if text else cells.astype(np.float64)
    wrong = ~(np.isfinite(found) & (found >= 0.0))
    if wrong.any():
        first = cells[wrong][0]
        told = f"`{safe_text(first, 40)}`" if str(first) else "missing"
        raise DataError(
            f"{int(wrong.sum())} of {len(found)} weights in `{safe_text(column)}` are no weights; "
            f"the first is {told}",
            where=place.where(positions(wrong)),
            why="a weight is a finite number, 0 or more",
            fix="correct these cells, or remove these rows",
        )
    return found


def normalised(weights: Array, column: str, place: Place) -> Array:
    """The weights of the rows of a part, with a mean of 1.

    Raises:
        DataError: all of them are 0.
    """
    largest = weights.max(initial=0.0)
    if len(weights) and not largest:
        raise DataError(
            f"all {len(weights)} weights in `{safe_text(column)}` are 0",
            where=safe_text(place.origin),
            why="then no row counts",
            fix="choose other rows for this part, or other weights",
        )
    scaled = weights / largest  # weights near the largest float64 have a sum that is infinite
    found: Array = scaled / scaled.mean() if len(weights) else weights
    return found


def _numbers(cells: Array, dialect: Mapping[str, str]) -> Array:
    """Cells of text as numbers, NaN for what is none."""
    numerals = Numerals(dialect.get("decimal", "."), dialect.get("thousands"))
    values, inverse = np.unique(cells, return_inverse=True)
    plain = [numerals.plain(str(cell)) for cell in values.tolist()]
    found: Array = np.array([np.nan if one is None else float(one) for one in plain])[inverse]
    return found
