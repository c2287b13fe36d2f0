"""How dates are written in cells, and what they are as numbers.

Forms      iso           2025-01-31, 2025/1/31
           day_first     31.01.2025, 31/1/2025, 31-01-2025
           month_first   01/31/2025
           day_name      31 Jan 2025, 31-January-2025
           month_name    Jan 31, 2025
           year_month    2025-01
           time          10:20, 10:20:30.5, 10:20 PM: of an unknown day
           duration      100:20, -1:30:05: as many hours or minutes as there are
           the first five perhaps with a time: 2025-01-31 10:20, T10:20:30.5, 10:20 PM, and after it
           a zone: Z, +02:00 (the time is then that of UTC)
Unclear    where all days are 12 or less, 01/02/2025 may be in January or in February: it is read
           day first, and the form is `ambiguous`. Between points it is always day first
Refused    years of two digits: nobody knows their century
Numbers    days since 1970-01-01 in float64, exact to a microsecond from the year 1700 to 2240; of a
           time or duration the share of a day that it is
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dnn_cli.base.types import Array

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_NAMED = "(?P<name>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}[.]?"
_YEAR, _MONTH, _DAY = "(?P<year>[0-9]{4})", "(?P<month>[0-9]{1,2})", "(?P<day>[0-9]{1,2})"
_CLOCK = (
    "(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}(?:[.][0-9]{1,9})?))?"
    "(?: ?(?P<half>[ap]m))?"
)
_TIME = f"(?:[T ]+{_CLOCK}(?: ?(?P<zone>z|[+-][0-9]{{2}}:?[0-9]{{2}}))?)?"
_PATTERNS = {
    "iso": f"{_YEAR}(?P<by>[-/]){_MONTH}(?P=by){_DAY}{_TIME}",
    "day_first": f"{_DAY}(?P<by>[-/.]){_MONTH}(?P=by){_YEAR}{_TIME}",
    "month_first": f"{_MONTH}(?P<by>[-/]){_DAY}(?P=by){_YEAR}{_TIME}",
    "day_name": f"{_DAY}[ -]{_NAMED}[ -]{_YEAR}{_TIME}",
    "month_name": f"{_NAMED} {_DAY},? {_YEAR}{_TIME}",
    "year_month": f"{_YEAR}-{_MONTH}",
    "time": _CLOCK,
    "duration": "(?P<sign>[+-]?)(?P<hour>[0-9]{1,6}):(?P<minute>[0-9]{2})"
    "(?::(?P<second>[0-9]{2}(?:[.][0-9]{1,9})?))?",
}
_LONGEST = 60  # characters of a date
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_FORM_ORDER = tuple(_PATTERNS)


@dataclass(frozen=True, slots=True)
class DateForm:
    """One way to write dates."""

    name: str
    ambiguous: bool = False  # `month_first` would read all of them, too

    def days(self, cells: Sequence[str]) -> Array:
        """Days since 1970-01-01 (n,) float64, the time as a fraction; NaN of what is no date."""
        if self.name == "duration":
            return np.array([_duration(cell) for cell in cells], np.float64)
        fields = np.array([_fields(cell, _COMPILED[self.name]) for cell in cells], np.float64)
        return _days(*fields.reshape(len(cells), 7).T)


_MOSTLY = 0.9  # share of the rows of a column that is meant to be of dates
_SOME = 200  # cells that tell whether the others are worth a look
_COMPILED = {name: re.compile(text, re.ASCII | re.IGNORECASE) for name, text in _PATTERNS.items()}
FORMS = {name: DateForm(name) for name in _PATTERNS}


def find_form(cells: Sequence[str]) -> DateForm | None:
    """The form that reads all `cells`, none of which is empty; None if there is no such form.

    Cells with a zone and cells without one are not of one form.
    """
    if not cells or any(len(cell) > _LONGEST for cell in cells):
        return None
    for name in _FORM_ORDER:
        pattern = _COMPILED[name]
        if not pattern.fullmatch(cells[0]):
            continue
        found = [pattern.fullmatch(cell) for cell in cells]
        zones = {bool(one and one.groupdict().get("zone")) for one in found}
        if len(zones) > 1 or None in found or np.isnan(DateForm(name).days(cells)).any():
            continue
        other = name == "day_first" and all("." not in cell[:6] for cell in cells)
        ambiguous = other and not np.isnan(FORMS["month_first"].days(cells)).any()
        return DateForm(name, ambiguous)
    return None


def usual_form(cells: Sequence[str], counts: Array | None = None) -> DateForm | None:
    """The form of nearly all `cells`, which stand in so many rows each; None if there is none."""
    counts = np.ones(len(cells)) if counts is None else counts
    some = cells[: 4 * _SOME : 4] if len(cells) > 4 * _SOME else cells
    for name in _FORM_ORDER:
        pattern = _COMPILED[name]
        fitting = sum(pattern.fullmatch(cell[: _LONGEST + 1]) is not None for cell in some)
        if fitting >= _MOSTLY * len(some) and fitting > 1:
            read = ~np.isnan(DateForm(name).days(cells))
            if counts[read].sum() >= _MOSTLY * counts.sum():
                return DateForm(name)
    return None


def _fields(cell: str, pattern: re.Pattern[str]) -> tuple[float, ...]:
    """Year, month, day, hour, minute, second and minutes ahead of UTC; NaN of what is no date."""
    match = pattern.fullmatch(cell) if len(cell) <= _LONGEST else None
    if match is None:
        return (np.nan,) * 7
    found = match.groupdict()
    month = _MONTHS.index(found["name"].lower()) + 1 if "name" in found else _of(found, "month", 1)
    hour = _of(found, "hour", 0)
    if half := found.get("half"):
        if not 1 <= hour <= 12:
            return (np.nan,) * 7
        hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    zone = found.get("zone") or "z"
    ahead = 0
    if zone.lower() != "z":
        digits = zone[1:].replace(":", "")
        ahead = (int(digits[:2]) * 60 + int(digits[2:])) * (-1 if zone[0] == "-" else 1)
    minute, second = _of(found, "minute", 0), float(found.get("second") or 0)
    return _of(found, "year", 1970), month, _of(found, "day", 1), hour, minute, second, ahead


def _of(found: Mapping[str, str | None], name: str, otherwise: int) -> int:
    return int(found.get(name) or otherwise)


def _duration(cell: str) -> float:
    """The days that a cell lasts; NaN of what is no duration."""
    match = _COMPILED["duration"].fullmatch(cell)
    if match is None or int(match["minute"]) > 59 or float(match["second"] or 0) >= 60:
        return np.nan
    seconds = int(match["hour"]) * 3600 + int(match["minute"]) * 60 + float(match["second"] or 0)
    return (-seconds if match["sign"] == "-" else seconds) / 86400


def _days(
    year: Array, month: Array, day: Array, hour: Array, minute: Array, second: Array, ahead: Array
) -> Array:
    """Days since 1970-01-01 of the Gregorian calendar.

    Source     H. Hinnant, "chrono-compatible low-level date algorithms": years that begin in March
    """
    known = ~np.isnan(year)
    y, m, d = (np.where(known, one, 1).astype(np.int64) for one in (year, month, day))
    leap = (y % 4 == 0) & ((y % 100 != 0) | (y % 400 == 0))
    last = _MONTH_DAYS[np.clip(m, 0, 12)] + ((m == 2) & leap)
    with np.errstate(invalid="ignore"):
        real = known & (y >= 1) & (m >= 1) & (m <= 12) & (d >= 1) & (d <= last)
        real &= (hour < 24) & (minute < 60) & (second < 60)
    y = y - (m <= 2)
    era, of_era = y // 400, y % 400
    of_year = (153 * ((m + 9) % 12) + 2) // 5 + d - 1
    whole = era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
    seconds = hour * 3600 + (minute - ahead) * 60 + second
    return np.where(real, whole + seconds / 86400, np.nan)
