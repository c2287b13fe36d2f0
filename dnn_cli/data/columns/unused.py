"""A column that says nothing: the same in all rows, or empty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dnn_cli.data.column import COLUMNS, Column, ColumnSpec, Fitting
from dnn_cli.data.raw_columns import RawColumn


@COLUMNS.register("unused")
@dataclass(frozen=True, slots=True, kw_only=True)
class UnusedSpec(ColumnSpec):
    """Left out: empty, or the same in all training rows."""

    plural: ClassVar[str] = "unused"

    def fit(self, name: str, raw: RawColumn, fitting: Fitting) -> Column | None:
        """Nothing."""
        return None
