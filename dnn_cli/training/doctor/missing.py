"""Gaps: the share of the training rows, and gaps where training had none.

Thresholds half of the rows make a warning; a gap that only other parts have is one always
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.data.examination import Examination
from dnn_cli.data.open_column import OpenColumn
from dnn_cli.training.finding import FINDERS, Finder, Finding, other_parts, percent, without

MANY = 0.5


@final
@FINDERS.register("missing")
@dataclass(frozen=True, slots=True, kw_only=True)
class MissingFinder(Finder):
    """Cells that are not there."""

    def column(self, column: OpenColumn, found: Examination) -> Iterator[Finding]:
        """The share of gaps in each part."""
        if not column.used:
            return
        share = float(column.missing.mean())
        if share:
            yield Finding(
                "warning" if share >= MANY else "note",
                f"{int(column.missing.sum()):,} gaps, {percent(share)} of the training rows",
                column.name,
                figure=share,
                threshold=MANY,
                fix=f"if it says too little, {without(column.name, found)}"
                if share >= MANY
                else "",
            )
            return
        for part in other_parts(column):
            gaps = int(np.count_nonzero(column.raw[part].missing))
            if gaps:
                yield Finding(
                    "warning",
                    f"{gaps:,} gaps, and the training rows have none: they are filled",
                    column.name,
                    part,
                    gaps / found.rows[part],
                    0.0,
                    "find out why they are missing: nothing can be learned of such gaps",
                )
