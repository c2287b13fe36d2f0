"""A column that names its row: nearly every row has a value of its own, new rows have others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dnn_cli.data.column import COLUMNS, Column, ColumnSpec, Fitting
from dnn_cli.data.raw_columns import RawColumn


@COLUMNS.register("identifier")
@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifierSpec(ColumnSpec):
    """Left out: it names rows."""

    plural: ClassVar[str] = "identifiers"

    def fit(self, name: str, raw: RawColumn, fitting: Fitting) -> Column | None:
        """Nothing."""
        return None
