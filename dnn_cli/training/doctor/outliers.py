"""Outliers: numbers far from all others, in training or in another part.

Figure     the largest distance from the median in quartile ranges (q¾ - q¼); where the quartiles
           coincide, from the mean in deviations. Of another part: how many ranges of the training
           rows its numbers lie outside of that range
Thresholds 30 (100 where they are bent), and 10 ranges; of the training rows alone. Where a
           twentieth of the rows lies beyond 3, the column is distributed so: no outliers
Clip       `robust_smooth_clip` bends what is beyond 3 quartile ranges, `quantile` has no outliers:
           there it is a note
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.types import Array
from dnn_cli.data.columns.number import CLIP
from dnn_cli.data.examination import Examination
from dnn_cli.data.open_column import OpenColumn
from dnn_cli.data.raw_columns import Numbers
from dnn_cli.training.finding import FINDERS, Finder, Finding, other_parts, percent

FAR, FAR_BENT, RANGES = 30.0, 100.0, 10.0
_TAIL = 0.05
_MANY = 20  # different numbers from which on there is a middle


@final
@FINDERS.register("outliers")
@dataclass(frozen=True, slots=True, kw_only=True)
class OutliersFinder(Finder):
    """Numbers far from all others."""

    def column(self, column: OpenColumn, found: Examination) -> Iterator[Finding]:
        """Of a column of numbers that is used."""
        if not column.used or not isinstance(column.train, Numbers) or column.different < 2:
            return
        known = column.known
        if column.different >= _MANY:
            yield from _far(column, known)
        low, high = float(known[0]), float(known[-1])
        for part in other_parts(column):
            raw = column.raw[part]
            assert isinstance(raw, Numbers)
            values = raw.values[~raw.missing]
            away = np.maximum(low - values, values - high) / (high - low)
            count = int(np.count_nonzero(away >= RANGES))
            if count:
                worst = float(away.max())
                yield Finding(
                    "warning",
                    f"{count:,} numbers lie up to {worst:,.0f} ranges outside of the training "
                    f"rows' range",
                    column.name,
                    part,
                    worst,
                    RANGES,
                    "is the unit another one, or are they mistyped?",
                )


def _far(column: OpenColumn, known: Array) -> Iterator[Finding]:
    first, middle, third = (quantile(known, share) for share in (0.25, 0.5, 0.75))
    spread, unit = third - first, "quartile ranges from the median"
    if not spread > 0:
        middle, spread = float(known.mean()), float(known.std())
        unit = "deviations from the mean"
    if not spread > 0:
        return
    low, high = (middle - float(known[0])) / spread, (float(known[-1]) - middle) / spread
    worst = max(low, high)
    clipped = column.scale in ("robust_smooth_clip", "quantile")
    threshold = FAR_BENT if clipped else FAR
    if worst < threshold:
        return
    extreme = float(known[0] if low > high else known[-1])
    inside = np.searchsorted(known, [middle - CLIP * spread, middle + CLIP * spread])
    beyond = (int(inside[0]) + len(known) - int(inside[1])) / len(known)
    if beyond >= _TAIL:
        return
    yield Finding(
        "note" if clipped else "warning",
        f"reaches {worst:,.0f} {unit}{f', to {extreme:.6g}' if column.spec else ''}; "
        f"{percent(beyond)} of the rows lie beyond {CLIP:g}",
        column.name,
        figure=worst,
        threshold=threshold,
        fix="correct them if they are wrong"
        if clipped
        else "correct them if they are wrong, or `scale: robust_smooth_clip`, which bends them",
    )


def quantile(known: Array, share: float) -> float:
    """As `np.quantile` of ascending numbers, at a fiftieth of its time for one column."""
    place = share * (len(known) - 1)
    below = int(place)
    above = min(below + 1, len(known) - 1)
    return float(known[below] + (place - below) * (known[above] - known[below]))
