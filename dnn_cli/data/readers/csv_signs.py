"""Which signs the numbers of a table have, found in its columns: the decimal one, and thousands.

Rule       a column counts if nine of ten of its cells are numbers with some signs, and if there is
           a sign in them. It speaks for the signs that read most of its cells, of equals for those
           that all its cells have where they could: `1234` and `0,123` beside `1,234` speak for a
           decimal comma. The signs of the file are those that all columns speak for
Several    12,345,678 and 1,234.50 have one reading; 1,125 has two. The usual one is taken: a point
           is a decimal sign, and so is a comma where it does not separate the cells, else it stands
           between thousands. The other reading is the doubt
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dnn_cli.data.readers.numerals import SIGNS, Numerals

_MOSTLY = 0.9  # share of the cells of a column that are numbers
_LONG = re.compile("[0-9]{4}")  # more digits than a group has
_LIKELY = re.compile("[-+0-9.,'_ eE\u00a0\u2009\u202f\u2019\u2212]+")  # what numbers are made of
_ONES = str.maketrans("023456789", "1" * 9)
_ZERO = re.compile("[-+\u2212]?0")
_DIGITS = re.compile("[-+]?[0-9]+")


@dataclass(frozen=True, slots=True)
class Signs:
    """The signs found, a cell that has them, and how else it could be read."""

    numerals: Numerals
    example: str
    doubt: Numerals | None = None


def find_signs(
    columns: Sequence[Sequence[str]],
    delimiter: str,
    decimal: str | None = None,
    thousands: str | None = None,
) -> Signs | None:
    """The signs in `columns`, lists of stripped cells without gaps, of which some may be given.

    None where no column tells, or columns contradict each other.

    Cost       a microsecond a cell: cells of one form, which differ in digits alone, are read once
    """
    possible = [
        one
        for one in _in_order(delimiter)
        if decimal in (None, one.decimal) and thousands in (None, one.thousands)
    ]
    votes = [vote for cells in columns if (vote := _vote(cells, possible))]
    common = [one for one in possible if all(one in vote.signs for vote in votes)]
    there = "".join(vote.characters for vote in votes)
    found = [one for one in common if _shows(one, there)] or common
    if not votes or not found:
        return None
    first, *others = found
    doubt = next(iter(others), None)
    if first == Numerals() and delimiter == ",":
        doubt = None  # whole numbers with points between thousands have no commas around them
    return Signs(first, max((vote.example for vote in votes), key=len), doubt)


@dataclass(frozen=True, slots=True)
class _Vote:
    """The signs that a column speaks for, what its numbers are made of, and one of them."""

    signs: frozenset[Numerals]
    characters: str
    example: str


def _vote(cells: Sequence[str], possible: Sequence[Numerals]) -> _Vote | None:
    if sum(map(bool, map(_LIKELY.fullmatch, cells))) < _MOSTLY * len(cells):
        return None
    examples = {_form(cell): cell for cell in reversed(cells)}
    counts = Counter(map(_form, cells))
    marked = [cell for cell in counts if not _DIGITS.fullmatch(cell)]
    readings = {cell: [one for one in possible if one.plain(cell) is not None] for cell in marked}
    numbers = [cell for cell in marked if readings[cell]]
    bare = [cell for cell in counts if cell not in readings]
    if not numbers or sum(counts[c] for c in numbers + bare) < _MOSTLY * counts.total():
        return None
    read, strictly = Counter[Numerals](), Counter[Numerals]()
    for cell in numbers:
        read.update(dict.fromkeys(readings[cell], counts[cell]))
        strictly.update({one: counts[cell] for one in readings[cell] if _strict(one, cell)})
    for cell in bare:
        strictly.update({one: counts[cell] for one in possible if _strict(one, cell)})
    best = max((read[one], strictly[one]) for one in possible)
    signs = frozenset(one for one in possible if (read[one], strictly[one]) == best)
    if signs == frozenset(possible):
        return None
    return _Vote(signs, "".join(set("".join(numbers))), examples[max(numbers, key=len)])


def _form(cell: str) -> str:
    """A cell that the same signs read: its digits are ones, but for a zero that leads."""
    ones = cell.translate(_ONES)
    return ones.replace("1", "0", 1) if _ZERO.match(cell) else ones


def _strict(signs: Numerals, cell: str) -> bool:
    """Whether the `cell` has the sign between thousands wherever it could."""
    return signs.thousands is None or not _LONG.search(cell.partition(signs.decimal)[0])


def _shows(signs: Numerals, there: str) -> bool:
    """Whether the signs are `there`; a point between thousands implies a decimal comma."""
    if signs.thousands is not None and not signs.sign_in(there):
        return False
    return signs.decimal == "." or signs.thousands == "." or "," in there


def _in_order(delimiter: str) -> list[Numerals]:
    """All signs, those that are likelier in a file with this delimiter before the others."""
    if delimiter != ",":
        return list(SIGNS)
    return sorted(SIGNS, key=lambda one: one.decimal != ".")  # stable
