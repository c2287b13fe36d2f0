"""Numbers that stand for a gap: 999999 or -999, often, and far from all others.

Figure     the share of the training rows that have it
Thresholds at least 5 rows and a thousandth of them; it is whole, and as
           far from the nearest other number as all others reach
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.data.examination import Examination
from dnn_cli.data.open_column import OpenColumn
from dnn_cli.data.raw_columns import Numbers, as_written
from dnn_cli.training.finding import FINDERS, Finder, Finding, percent

LEAST, SHARE = 5, 0.001
_MANY = 20  # different numbers that a quantity has


@final
@FINDERS.register("gap_values")
@dataclass(frozen=True, slots=True, kw_only=True)
class GapValuesFinder(Finder):
    """A number that may be no number."""

    def column(self, column: OpenColumn, found: Examination) -> Iterator[Finding]:
        """The largest and the smallest number."""
        if not column.used or not isinstance(column.train, Numbers) or column.spec is None:
            return
        if column.spec.spec_name != "number" or column.different < _MANY:
            return
        known = column.known
        for end, rest in (
            (float(known[0]), known[int(np.searchsorted(known, known[0], "right")) :]),
            (float(known[-1]), known[: int(np.searchsorted(known, known[-1], "left"))]),
        ):
            count = len(known) - len(rest)
            apart = min(abs(end - float(rest[0])), abs(end - float(rest[-1])))
            if (
                end == np.floor(end)
                and count >= max(LEAST, SHARE * len(known))
                and apart >= rest[-1] - rest[0]
            ):
                share, shown = count / len(known), as_written(end)
                yield Finding(
                    "warning",
                    f"{shown} in {count:,} rows ({percent(share)}) lies far from all others, "
                    f"{float(rest[0]):.6g} to {float(rest[-1]):.6g}",
                    column.name,
                    figure=share,
                    threshold=SHARE,
                    fix=f"if it stands for a gap, add `{shown}` to `data.missing`",
                )
