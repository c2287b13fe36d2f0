"""Columns that name their row, left out or not, and text that is left out.

Figure     different values, as a share of the training rows
Threshold  0.95 in whole numbers that are used, and no further than 0.1 from an even distribution:
           numbers of rows are even, quantities seldom
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.examination import Examination
from dnn_cli.data.open_column import OpenColumn
from dnn_cli.data.raw_columns import Numbers
from dnn_cli.training.finding import FINDERS, Finder, Finding, percent, without

MOST, EVEN = 0.95, 0.1
_ROWS = 50


@final
@FINDERS.register("identifiers")
@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifiersFinder(Finder):
    """Nearly every row has a value of its own."""

    def column(self, column: OpenColumn, found: Examination) -> Iterator[Finding]:
        """What is left out as an identifier, and what looks like one."""
        kind = "" if column.spec is None else column.spec.spec_name
        rows = found.rows["train"]
        share = column.different / rows
        if kind in ("identifier", "text") and not column.used:
            name = safe_text(column.name)
            other = "{type: text, hash: 64}" if kind == "text" else "category"
            other = "number" if isinstance(column.train, Numbers) else other
            yield Finding(
                "note",
                f"left out as {'an identifier' if kind == 'identifier' else 'text'}: "
                f"{column.different:,} different in {rows:,} rows",
                column.name,
                figure=share,
                fix=f"if it is of use: `columns: {{{name}: {other}}}`",
            )
        elif column.used and kind == "number" and rows >= _ROWS and share >= MOST:
            known = column.known
            if (known == np.floor(known)).all() and _even(known):
                yield Finding(
                    "note",
                    f"{column.different:,} different whole numbers, {percent(share)} of the rows",
                    column.name,
                    figure=share,
                    threshold=MOST,
                    fix=f"if it numbers or names the rows, {without(column.name, found)}",
                )


def _even(known: Array) -> bool:
    """Whether ascending numbers are spread over their range as numbers of rows are."""
    places = (known - known[0]) / (known[-1] - known[0])
    return bool(np.abs(places - np.linspace(0.0, 1.0, len(known))).max() <= EVEN)
