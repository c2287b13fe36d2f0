"""Columns that are the same in all training rows, or empty."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.data.examination import Examination
from dnn_cli.data.open_column import OpenColumn
from dnn_cli.data.raw_columns import Numbers, RawColumn
from dnn_cli.training.finding import FINDERS, Finder, Finding, other_parts


@final
@FINDERS.register("constant")
@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantFinder(Finder):
    """One value, so nothing to learn."""

    def column(self, column: OpenColumn, found: Examination) -> Iterator[Finding]:
        """One value, and no gaps that could tell rows apart in a column that is used."""
        gaps = bool(column.missing.any())
        if column.different > 1 or (column.different and gaps and column.used):
            return
        changes = [part for part in other_parts(column) if _varies(column.raw[part], column)]
        what = "always the same in training" if column.different else "empty in training"
        gap = ", and gaps" if gaps and column.different else ""
        yield Finding(
            "warning" if changes else "note",
            f"{what}{gap}: "
            + (f"but not in {' and '.join(changes)}" if changes else "of no use, left out"),
            column.name,
            figure=float(column.different),
            threshold=2.0,
            fix="divide the rows otherwise: training cannot learn what never changes"
            if changes
            else "",
        )


def _varies(raw: RawColumn, column: OpenColumn) -> bool:
    """Whether another part holds anything but the one training value, gaps aside."""
    known = column.known[:1]
    if isinstance(raw, Numbers):
        values = raw.values[~raw.missing]
        return bool(len(values)) and not (len(known) and bool((values == known[0]).all()))
    train = column.train
    levels = () if isinstance(train, Numbers) else train.levels
    own = {levels[i] for i in known.tolist()}
    used = np.flatnonzero(raw.counts()).tolist()
    return any(raw.levels[i] not in own for i in used)
