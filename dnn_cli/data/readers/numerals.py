"""How numbers are written in cells: the grammar, other decimal signs, and why a cell is no number.

Number     [+-] digits [. digits] [e [+-] digits], in ASCII. No `1_000`, no digits of other
           scripts, no hexadecimal, no inf or nan. The minus of typesetting, U+2212, is one, too
Decimal    the sign between whole digits and the rest: a point, or a comma
Thousands  a sign between groups of three digits, of which the first begins with no zero, in the
           whole part alone and between all of its groups: 1,234,567. A blank stands for the
           no-break and thin spaces of typesetting, too
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from dnn_cli.base.text import safe_text

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_MISSING = frozenset({"na", "n/a", "nan", "null", "none", "?", "-", ".", "nil", "missing", "--"})
_INFINITE = frozenset({"inf", "-inf", "+inf", "infinity", "-infinity", "+infinity", "∞", "-∞"})
_SPREADSHEET = re.compile(
    r"#(N/A|DIV/0!|REF!|VALUE!|NUM!|NAME\?|NULL!|SPILL!|CALC!)", re.IGNORECASE
)
_SWITCH = frozenset({"true", "false", "yes", "no", "t", "f", "y", "n", "on", "off"})
_UNIT = re.compile(r"(?:[$€£¥]\s*)?([+-]?[0-9][0-9.,]*)\s*(?:[%$€£¥]|[a-zA-Z°µ]{1,3})?")
_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?", re.ASCII)
_ALSO = {" ": "\u00a0\u2009\u202f", "'": "\u2019"}  # what typesetting writes for the sign
_MINUS = "\u2212"
_CODE = re.compile("0[0-9]", re.ASCII)

Setting = Callable[[str, str], str]  # how a person sets an option of the source to a value


@dataclass(frozen=True)
class Numerals:
    """Signs in numbers. `usual` ones are what NumPy reads as they are."""

    decimal: str = "."
    thousands: str | None = None

    @property
    def usual(self) -> bool:
        """A decimal point, and nothing between thousands."""
        return self.decimal == "." and self.thousands is None

    def plain(self, cell: str) -> str | None:
        """The number in a stripped `cell` with a decimal point and no other sign, else None."""
        cell = cell.replace(_MINUS, "-")
        if self.usual:
            return cell if is_number(cell) else None
        if self._others.search(cell):
            return None
        if self.sign_in(cell):
            if not self._groups.fullmatch(cell):
                return None
            cell = self._thousands.sub("", cell)
        if self.decimal == ",":
            cell = cell.replace(",", ".")
        return cell if is_number(cell) else None

    def sign_in(self, text: str) -> bool:
        """Whether a sign between thousands, as it is written, stands in `text`."""
        return self.thousands is not None and self._thousands.search(text) is not None

    @cached_property
    def _thousands(self) -> re.Pattern[str]:
        assert self.thousands is not None
        return re.compile(f"[{re.escape(self.thousands + _ALSO.get(self.thousands, ''))}]")

    @cached_property
    def _groups(self) -> re.Pattern[str]:
        sign, decimal = self._thousands.pattern, re.escape(self.decimal)
        tail = f"(?:{decimal}[0-9]*)?(?:[eE][+-]?[0-9]+)?"
        return re.compile(f"[+-]?[1-9][0-9]{{0,2}}(?:{sign}[0-9]{{3}})+{tail}", re.ASCII)

    @cached_property
    def _others(self) -> re.Pattern[str]:
        """A point that is neither sign."""
        return re.compile(r"\." if "." not in (self.decimal, self.thousands) else r"(?!)")


_GROUPS = tuple(
    Numerals(decimal, thousands)
    for decimal, others in ((".", ",'_ "), (",", ".'_ "))
    for thousands in others
)
_USUAL = Numerals()
SIGNS = (_USUAL, Numerals(","), *_GROUPS)  # all that there are


def is_number(cell: str) -> bool:
    """Whether a stripped cell is a number in the grammar above."""
    return _NUMBER.fullmatch(cell) is not None


def is_code(cell: str) -> bool:
    """Whether a number has a needless zero, as codes do: `007`."""
    return _CODE.match(cell) is not None


def with_signs(cell: str) -> Numerals | None:
    """The signs with which `cell`, no number as it is, would be one; None where none do.

    Where two readings are possible (`1,125`) it is the decimal comma.
    """
    if _COMMA.fullmatch(cell):
        return Numerals(",")
    return next((signs for signs in _GROUPS if signs.plain(cell) is not None), None)


def resembles_number(cell: str) -> bool:
    """Whether `cell` is a number, or one but for its signs: `1,5`, `1.234,50`, `$12`, `3 %`."""
    if is_number(cell) or with_signs(cell) is not None:
        return True
    return any(sign in cell for sign in "%$€£¥") and _UNIT.fullmatch(cell) is not None


def spoils_number(cell: str) -> bool:
    """Whether `cell` stands where a number went wrong: `inf`, `#DIV/0!`."""
    return cell.lower() in _INFINITE or _SPREADSHEET.match(cell) is not None


def why_no_number(cell: str, setting: Setting, numerals: Numerals = _USUAL) -> tuple[str, str]:
    """(why, how to set the source so that it is one, or "") of a stripped cell that is none.

    `numerals` are the signs with which it was read.
    """
    lower = cell.lower()
    if lower in _MISSING:
        return f"it seems to say that the value is not there: add it to `missing: [{cell}]`", ""
    if lower in _INFINITE:
        return "it is not finite: there is nothing to scale it by", ""
    if _SPREADSHEET.match(cell):
        return "it is what a spreadsheet shows for a formula that failed", ""
    if lower in _SWITCH:
        return "a word is not a number: write 1 and 0", ""
    if is_number(cell):
        point = f"{setting('decimal', '.')} if it is {cell}"
        if Numerals(",", ".").plain(cell) is None or numerals.thousands == ".":
            return "it has a decimal point, and a comma is read as one", point
        whole = cell.replace(".", "")
        other = f"{setting('thousands', '.')} if it is {whole}"
        return "it has a decimal point, or points between thousands", f"{point}, {other}"
    if signs := with_signs(cell):
        return _signs(cell, signs, setting, numerals)
    if cell[0] in "\u2013\u2014" and is_number(cell[1:]):
        return "it has a dash where a minus should be", f"write -{safe_text(cell[1:])}"
    if (found := _UNIT.fullmatch(cell)) and found[1] != cell and cell[-1:] not in ".,":
        return "it has a unit, or a sign of one", f"write {safe_text(found[1])} alone"
    if any(c.isdigit() for c in cell):
        return "a number is written with ASCII digits, a point and an exponent only", ""
    return "", ""


def _signs(cell: str, signs: Numerals, setting: Setting, read: Numerals) -> tuple[str, str]:
    comma, group = setting("decimal", ","), Numerals(".", ",").plain(cell) is not None
    if signs == Numerals(",") and not group:
        return "it has a decimal comma", comma
    if signs == Numerals(","):
        either = f"{comma} if it is {cell.replace(',', '.')}, "
        other = f"{setting('thousands', ',')} if it is {cell.replace(',', '')}"
        return "it has a decimal comma, or a comma between thousands", either + other
    assert signs.thousands is not None
    differs = signs.decimal != read.decimal
    more = f" and {setting('decimal', signs.decimal)}" if differs else ""
    return "it has a sign between thousands", setting("thousands", signs.thousands) + more
