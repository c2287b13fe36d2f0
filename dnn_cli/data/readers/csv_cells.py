"""Cells of CSV records as numbers and text, fast where the records are plain.

Number     in the grammar of `numerals`; spaces and tabs around a cell are no part of it.
Fast       records of printable ASCII without quotes: NumPy finds every separator, and the row
           and cell of each is checked; `numpy.loadtxt` then reads the numbers. What it accepts
           beyond the grammar (inf, nan, other white space) is excluded by the characters and by
           `isfinite`. Decimal commas become points first; with a sign between thousands it is
           the slow way.
Slow       everything else, and every record that the fast way refuses: the `csv` module cuts the
           cells, and where a number is none, they are looked at one by one to say which.
Cost       about 45 MB/s fast, 15 MB/s slow (one core, 12 columns of 9 characters)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.readers.csv_errors import CellErrors
from dnn_cli.data.readers.csv_records import Records
from dnn_cli.data.readers.numerals import Numerals
from dnn_cli.data.readers.selection import Selection

MAX_TEXT = 1000  # bytes of a cell that is carried along as text
_PLAIN = bytes(set(range(0x20, 0x7F)) - {ord('"')}) + b"\t\n"
_LARGEST = float(np.finfo(np.float32).max)
_BLANKS = " \t"


@dataclass(frozen=True, slots=True)
class Cells:
    """The wanted cells of some rows: numbers (n, features), and one text array (n,) a column."""

    numbers: Array
    texts: tuple[Array, ...]  # the targets, then the extras; UTF-8 in fixed-width bytes


class CellReader:
    """Reads the cells that a selection wants, record by record."""

    def __init__(
        self,
        width: int,
        selection: Selection,
        delimiter: str,
        numerals: Numerals,
        errors: CellErrors,
        origin: str,
        *,
        targets_may_be_empty: bool,
    ) -> None:
        self._width, self._delimiter, self._numerals = width, delimiter, numerals
        self._errors, self._origin = errors, origin
        self._features = selection.features
        self._texts = (*selection.targets, *selection.extra)
        may_be_empty = {*selection.extra, *(selection.targets if targets_may_be_empty else ())}
        self._full = tuple(c for c in (*self._features, *self._texts) if c not in may_be_empty)
        self._blank_line = 0  # an empty line seen: nothing may follow it

    def read(self, found: Records, rest: Iterator[Records] | None = None) -> Cells:
        """The cells of `found`. `rest` may be read to its end to count empty cells.

        Raises:
            DataError: says what is wrong, where, and why.
        """
        return self._fast(found.data) or self._slow(found, rest)

    # ---- fast ---------------------------------------------------------------------------------

    def _fast(self, data: bytes) -> Cells | None:
        if self._blank_line or data.startswith(b"\n") or data.endswith(b"\n\n"):
            return None
        if data.translate(None, _PLAIN):
            return None
        codes = np.frombuffer(data, np.uint8)
        bounds = _bounds(codes, ord(self._delimiter), self._width)
        if bounds is None:
            return None
        if self._numerals.decimal == "," and self._delimiter != ",":
            if b"." in data:
                return None
            data = data.replace(b",", b".")
        numbers = _plain_numbers(
            data.decode("ascii").split("\n")[:-1], self._delimiter, self._features
        )
        if numbers is None or len(numbers) != len(bounds):
            return None
        texts = []
        for column in self._texts:
            text = _text(codes, bounds[:, column] + 1, bounds[:, column + 1])
            if text is None or (column in self._full and (text == b"").any()):
                return None
            texts.append(text)
        return Cells(numbers, tuple(texts))

    # ---- slow ---------------------------------------------------------------------------------

    def _slow(self, found: Records, rest: Iterator[Records] | None) -> Cells:
        rows = list(self._rows(found, rest))
        if any(not row[column] for _, row in rows for column in self._full):
            raise self._empty(found, rest)
        texts = [
            np.array([self._encoded(row[column], column, line) for line, row in rows], np.bytes_)
            for column in self._texts
        ]
        return Cells(self._numbers(rows), tuple(texts))

    def _numbers(self, rows: list[tuple[int, list[str]]]) -> Array:
        """The features of stripped rows (n, features)."""
        if not rows:
            return np.empty((0, len(self._features)))
        lines = [",".join([row[column] for column in self._features]) for _, row in rows]
        text = "\n".join(lines)
        # no line break in a cell, which loadtxt skips
        whole = self._numerals.usual and text.count("\n") == len(lines) - 1
        if whole and text.isascii() and not text.encode().translate(None, _PLAIN):
            numbers = _plain_numbers(lines, ",", None)
            if numbers is not None and numbers.shape == (len(rows), len(self._features)):
                return numbers
        one_by_one = [[self._number(row[c], c, line) for c in self._features] for line, row in rows]
        return np.array(one_by_one)

    def _rows(
        self, found: Records, rest: Iterator[Records] | None = None
    ) -> Iterator[tuple[int, list[str]]]:
        """(line, stripped cells) of every record, each as wide as the header."""
        import csv
        import io

        reader = csv.reader(
            io.StringIO(found.text(self._origin), newline="\n"),
            delimiter=self._delimiter,
            strict=True,
        )
        while True:
            line = found.line + reader.line_num
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                fix = "check the quotes"
                raise self._errors.error(safe_text(error), line, fix=fix) from None
            if not row:
                self._blank_line = self._blank_line or line
                continue
            if self._blank_line:
                raise self._errors.error(
                    "an empty line between rows", self._blank_line, fix="remove the line"
                )
            if len(row) != self._width:
                ends = found.line + reader.line_num == found.next_line
                last = ends and (not found.ended or (rest is not None and not next(rest, None)))
                raise self._errors.ragged(len(row), line, last)
            yield line, [cell.strip(_BLANKS) for cell in row]

    def _number(self, cell: str, column: int, line: int) -> float:
        plain = self._numerals.plain(cell)
        if plain is None:
            raise self._errors.not_a_number(cell, column, line)
        value = float(plain)
        if abs(value) > _LARGEST:
            raise self._errors.too_large(cell, column, line)
        return value

    def _encoded(self, cell: str, column: int, line: int) -> bytes:
        encoded = cell.encode()
        if len(encoded) > MAX_TEXT:
            raise self._errors.too_long(len(encoded), column, line, MAX_TEXT)
        return encoded

    def _empty(self, found: Records, rest: Iterator[Records] | None) -> DataError:
        """The error for an empty cell, with the number of all that there are."""
        counts = dict.fromkeys(self._full, 0)
        first: tuple[int, int] | None = None
        complete = rest is not None
        try:
            for piece in (found, *(rest or ())):
                for line, row in self._rows(piece):
                    for column in self._full:
                        if not row[column]:
                            counts[column] += 1
                            first = first or (line, column)
        except DataError:
            complete = False
        line, column = first or (found.line, self._full[0])
        return self._errors.empty(counts, line, column, complete, column in self._features)


def _plain_numbers(
    lines: list[str], delimiter: str, columns: tuple[int, ...] | None
) -> Array | None:
    """The numbers in lines of printable ASCII (n, columns), None if a cell is not one."""
    try:
        numbers = np.loadtxt(
            lines, np.float64, comments=None, delimiter=delimiter, usecols=columns, ndmin=2
        )
    except ValueError:
        return None
    return numbers if (np.abs(numbers) <= _LARGEST).all() else None  # nan is not


def _bounds(codes: Array, delimiter: int, width: int) -> Array | None:
    """(rows, width + 1) positions of the separators around each cell, None if rows differ."""
    ends = np.flatnonzero(codes == ord("\n"))
    rows = len(ends)
    bounds = np.empty((rows, width + 1), np.int64)
    bounds[0, 0], bounds[1:, 0], bounds[:, -1] = -1, ends[:-1], ends
    if width > 1:
        between = np.flatnonzero(codes == delimiter)
        if len(between) != rows * (width - 1):
            return None
        bounds[:, 1:-1] = between.reshape(rows, width - 1)
        # in order, so a row is whole if its first and last separators lie within it
        if (bounds[:, 1] < bounds[:, 0]).any() or (bounds[:, -2] > bounds[:, -1]).any():
            return None
    return bounds


def _text(codes: Array, starts: Array, ends: Array) -> Array | None:
    """The cells between `starts` and `ends` (n,) as fixed-width bytes, stripped of blanks."""
    lengths = ends - starts
    width = max(1, int(lengths.max()))
    if width > MAX_TEXT:
        return None
    grid = starts[:, None] + np.arange(width)
    cells = codes[np.minimum(grid, len(codes) - 1)]
    cells[np.arange(width) >= lengths[:, None]] = 0
    text = cells.view(f"S{width}")[:, 0]
    blank = (cells == ord(" ")) | (cells == ord("\t"))
    return np.strings.strip(text, _BLANKS.encode()) if blank.any() else text
