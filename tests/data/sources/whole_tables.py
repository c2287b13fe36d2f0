"""What the tests of sources ask of a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from dnn_cli.data.raw_columns import Numbers
from dnn_cli.data.source import SourceSpec
from dnn_cli.data.table import Columns, Table


def read(spec: SourceSpec, **columns: Any) -> Table:
    """The one table that a source gives when it is read whole."""
    [table] = spec.tables(Columns(**columns))
    return table


def cells(table: Table, name: str) -> list[Any]:
    """The cells of a column: numbers, None for a gap, or words, empty for a gap."""
    assert table.columns is not None
    column = table.columns[name]
    if isinstance(column, Numbers):
        return [None if np.isnan(value) else value for value in column.values.tolist()]
    return column.as_text().tolist()
