"""Targets that a table has to bring."""

from __future__ import annotations

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import listing, safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.table import Table


def targets_to_measure(table: Table) -> Array:
    """The targets of rows to measure a model on, which must be there, and not of several parts."""
    if table.parts is not None:
        raise DataError(
            f"`{safe_text(table.origin)}` is divided into {listing(set(table.parts.tolist()))}",
            where=safe_text(table.origin),
            fix="name the folder of one part",
        )
    if table.targets is None:
        raise DataError(
            "there are no targets",
            where=safe_text(table.origin),
            why="the model was trained on labels that are no column of a table",
            fix="save inputs and targets in one file: np.savez('data.npz', x=x, y=y)",
        )
    check_lengths(table)
    return table.targets


def check_lengths(table: Table) -> None:
    """Refuse a table whose inputs and targets are not of the same length.

    Raises:
        DataError: gives both lengths.
    """
    if table.targets is not None and len(table.targets) != len(table.inputs):
        raise DataError(
            f"{len(table.inputs)} rows of inputs, but {len(table.targets)} of targets",
            where=safe_text(table.origin),
            why=f"shapes {table.inputs.shape} and {table.targets.shape}",
        )
