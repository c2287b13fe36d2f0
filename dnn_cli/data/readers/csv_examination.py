"""What a CSV file is, found out from it: encoding, separator, whether it has a header, signs.

Encoding   see `csv_encoding`; signs in numbers: see `csv_signs`
Header     every column is asked. A word above numbers or dates, or nothing above a full column, is
           a name: then there is a header. If not, a number above numbers, or a date above dates, is
           a row of data; so is a row of words that all occur below. Whole numbers that count up
           (2019, 2020, 2021) beside words that occur nowhere below are names after all

What is not certain comes with its doubt: the options that would say otherwise.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dnn_cli.base.text import safe_text
from dnn_cli.data.date_forms import find_form, usual_form
from dnn_cli.data.raw_columns import DEFAULT_MISSING
from dnn_cli.data.readers.bytes_in import is_gzip, open_regular, require_text, unpacked
from dnn_cli.data.readers.csv_dialect import setting
from dnn_cli.data.readers.csv_encoding import WESTERN, find_encoding
from dnn_cli.data.readers.csv_header import said_separator, separator_of
from dnn_cli.data.readers.csv_signs import find_signs
from dnn_cli.data.readers.numerals import Numerals, is_number
from dnn_cli.data.readers.text_encoding import as_utf8

_LOOKED_AT = 1 << 24  # bytes: a word that tells the encoding may come late
_SAMPLE = 1 << 20  # bytes of text whose cells are looked at
_MOSTLY = 0.9  # share of the cells of a column
_GAPS = frozenset({"", *(word.casefold() for word in DEFAULT_MISSING)})


@dataclass(frozen=True, slots=True)
class Doubt:
    """Options that may be right instead, and when they are."""

    options: Mapping[str, Any]
    when: str


@dataclass(frozen=True, slots=True)
class Examination:
    """The options of the source that reads a file, what to say of them, and what is in doubt."""

    options: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()


def examine(path: Path, given: Mapping[str, Any]) -> Examination:
    """The options of the source that reads the file at `path`, where they are not as usual.

    What is `given` is not looked for, and among the options.

    Raises:
        DataError: it cannot be read, or nothing tells its encoding.
    """
    head, whole = _head(path)
    require_text(head, str(path))
    options, notes, doubts = dict(given), list[str](), list[Doubt]()
    shown = safe_text(path)
    if "encoding" not in given:
        first = head.splitlines()[0].decode("latin-1") if head else ""
        found = find_encoding(head, whole, str(path), given.get("delimiter") or separator_of(first))
        if found.name is not None:
            options["encoding"] = found.name
            notes.append(f"{shown}: read as {found.name}, since {found.why}")
            why = f"if words look wrong; read as {WESTERN} since {found.why}"
            doubts.append(Doubt({"encoding": "cp1250"}, why))
    text = _text(head, whole, options.get("encoding"), str(path))
    line = text.partition("\n")[0]
    separator = options.get("delimiter") or said_separator(line) or separator_of(line)
    options |= {"delimiter": separator} if separator != "," else {}
    rows = _rows(text, separator)
    columns = list(zip(*rows[1:], strict=True))
    numbers = [[cell for cell in cells if cell.casefold() not in _GAPS] for cells in columns]
    signs = find_signs(numbers, separator, given.get("decimal"), given.get("thousands"))
    numerals = Numerals(given.get("decimal") or ".", given.get("thousands"))
    if signs is not None:
        numerals = signs.numerals
        options |= _options_of(numerals, separator)
        example = safe_text(signs.example, 30)
        if numerals.thousands is not None and "thousands" not in given:
            notes.append(
                f"{shown}: numbers have `{numerals.thousands}` between thousands: {example}"
            )
        if signs.doubt is not None:
            value, other = (one.plain(signs.example) for one in (numerals, signs.doubt))
            how = _options_of(signs.doubt, ";")
            doubts.append(Doubt(how, f"if {example} is {other}"))
            said = " ".join(setting(True)(name, sign) for name, sign in how.items())
            notes.append(f"{shown}: {example} is read as {value}; if it is {other}: {said}")
    if "header" not in given and rows:
        named, certain = _names_columns(rows[0], columns, numerals)
        options |= {} if named else {"header": False}
        if not named:
            row = safe_text(", ".join(rows[0]), 60)
            other = "" if certain else f"; if it names them: {setting(True)('header', 'true')}"
            notes.append(f"{shown}: no row names columns, the first is one of data: {row}{other}")
        if not certain:
            when = "if the first row is data" if named else "if the first row names the columns"
            doubts.append(Doubt({"header": not named}, when))
    return Examination(options, tuple(notes), tuple(doubts))


def _options_of(numerals: Numerals, separator: str) -> dict[str, Any]:
    """What a source has to say of signs; without a decimal sign it may find a comma."""
    found: dict[str, Any] = {} if separator == "," else {"decimal": numerals.decimal}
    if numerals.decimal != ".":
        found["decimal"] = numerals.decimal
    return found if numerals.thousands is None else {**found, "thousands": numerals.thousands}


def _names_columns(
    first: Sequence[str], columns: Sequence[Sequence[str]], numerals: Numerals
) -> tuple[bool, bool]:
    """(whether the first row names the columns, whether that is certain)."""
    if not columns:
        return not all(is_number(cell) for cell in first), True
    kinds = [_kind(cells, numerals) for cells in columns]
    names = data = below = words = 0
    for cell, cells, kind in zip(first, columns, kinds, strict=True):
        alike = numerals.plain(cell) is not None if kind == "number" else bool(find_form([cell]))
        if cell.casefold() in _GAPS:
            names += cell == "" and "" not in cells
        elif kind != "word":
            names, data = names + (not alike), data + alike
        else:
            words, below = words + 1, below + (cell in cells)
    if names:
        return True, not data
    if data:
        counts_up = not below and _counts_up([c for c in first if is_number(c)])
        return (True, False) if words and counts_up else (False, not words)
    return not (words > 1 and below == words == len(first)), words <= 1 or below < words


def _kind(cells: Collection[str], numerals: Numerals) -> str:
    """What most cells are: number, date or word."""
    known = [cell for cell in cells if cell.casefold() not in _GAPS]
    numbers = sum(numerals.plain(cell) is not None for cell in known)
    if known and numbers >= _MOSTLY * len(known):
        return "number"
    return "date" if find_form(known[:1]) and usual_form(known[:1000]) else "word"


def _counts_up(cells: Sequence[str]) -> bool:
    """Whether two or more cells are whole numbers, each one more than the one before."""
    if len(cells) < 2 or not all(cell.isdecimal() and len(cell) < 18 for cell in cells):
        return False
    return all(int(b) == int(a) + 1 for a, b in itertools.pairwise(cells))


def _head(path: Path) -> tuple[bytes, bool]:
    """The first bytes of a file, unpacked, and whether they are all."""
    with ExitStack() as files:
        file = files.enter_context(open_regular(path))
        read = unpacked(file, str(path)) if is_gzip(file) else file.read
        pieces, left = list[bytes](), _LOOKED_AT
        while left > 0 and (piece := read(min(left, 1 << 20))):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces), left > 0


def _text(head: bytes, whole: bool, encoding: str | None, origin: str) -> str:
    """Some whole lines of the file as text; what is not text there is read over."""
    parts = [head]
    read = as_utf8(lambda _: parts.pop() if parts else b"", encoding, origin)
    found = b""
    while len(found) < _SAMPLE and (more := read(_SAMPLE)):
        found += more
    text = found[:_SAMPLE].decode("utf-8", "replace").removeprefix("\ufeff")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    cut = text.rfind("\n") + 1
    return text if (whole and len(found) <= _SAMPLE) or not cut else text[:cut]


def _rows(text: str, delimiter: str) -> list[list[str]]:
    """The rows as long as they are as wide as the first one, without one that names a separator."""
    line, _, rest = text.partition("\n")
    text = rest if said_separator(line) else text
    rows = list[list[str]]()
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if rows and len(row) != len(rows[0]):
                break
            rows.append([cell.strip(" \t") for cell in row])
    except csv.Error:  # said where the file is read, with its place
        pass
    return rows
