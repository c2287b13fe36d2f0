"""Numbers made of dates, for a network to see what repeats and what goes on.

Parts      elapsed                  days since 1970-01-01, with the time as a fraction; of a time
                                    of no date, and of a duration, that fraction
           year, month, day         as in the calendar
           weekday                  0 Monday to 6 Sunday
           hour                     0 to 23.99, minutes as a fraction
           month_sin, month_cos     the same on a circle, where December is beside January; of
           weekday_sin, _cos        months, weekdays and hours
           hour_sin, hour_cos
"""

from __future__ import annotations

import numpy as np

from dnn_cli.base.types import Array

PARTS = (
    "elapsed", "year", "month", "day", "weekday", "hour", "month_sin", "month_cos",
    "weekday_sin", "weekday_cos", "hour_sin", "hour_cos",
)  # fmt: skip
_CIRCLES = {"month": 12, "weekday": 7, "hour": 24}
_SEVERAL = 3  # different values that make a circle worth two numbers


def part(name: str, days: Array) -> Array:
    """A part (n,) float64 of `days` (n,) since 1970-01-01; NaN stays NaN."""
    base, _, wave = name.partition("_")
    if wave:
        angle = part(base, days) * (2 * np.pi / _CIRCLES[base])
        return np.sin(angle) if wave == "sin" else np.cos(angle)
    if name == "elapsed":
        return days
    known = ~np.isnan(days)
    found = np.full(days.shape, np.nan)
    found[known] = _of_calendar(name, days[known])
    return found


def default_parts(days: Array, form: str = "iso") -> tuple[str, ...]:
    """The parts by which the training `days` (NaN left out) differ, but few of them.

    What goes on, and the circles: the calendar's numbers beside them say the same again. Of the
    `form` duration, which is on no calendar, what goes on alone.
    """
    days = days[~np.isnan(days)]
    found = ["elapsed"] if len(np.unique(days)) > 1 else []
    for base in _CIRCLES if form != "duration" else ():
        if len(np.unique(part(base, days))) >= _SEVERAL:
            found += [f"{base}_sin", f"{base}_cos"]
    if form != "duration" and len(np.unique(part("day", days))) >= 2 * _SEVERAL:
        found.append("day")
    return tuple(found)


def _of_calendar(name: str, days: Array) -> Array:
    whole = np.floor(days)
    if name == "weekday":
        return np.asarray((whole + 3) % 7)  # 1970-01-01 was a Thursday
    if name == "hour":
        return np.asarray((days - whole) * 24)
    date = whole.astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    if name == "year":
        return date.astype("datetime64[Y]").astype(np.float64) + 1970
    if name == "month":
        return np.asarray(month.astype(np.int64) % 12 + 1.0)
    return np.asarray((date - month).astype(np.float64) + 1)
