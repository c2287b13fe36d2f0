"""Cells of CSV records as numbers and text, fast where the records are plain.

Number     [+-] digits [. digits] [e [+-] digits], in ASCII; spaces and tabs around a cell are no
           part of it. No `1_000`, no digits of other scripts, no hexadecimal, no inf or nan.
Fast       records of printable ASCII without quotes: NumPy finds every separator, and the row
           and cell of each is checked; `numpy.loadtxt` then reads the numbers. What it accepts
           beyond the grammar (inf, nan, other white space) is excluded by the characters and by
           `isfinite`.
Slow       everything else, and every record that the fast way refuses: the `csv` module cuts the
           cells, and where a number is none, they are looked at one by one to say which.
Cost       about 45 MB/s fast, 15 MB/s slow (one core, 12 columns of 9 characters)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.readers.csv_records import Records
from dnn_cli.data.readers.selection import Selection

MAX_TEXT = 1000  # bytes of a cell that is carried along as text
_PLAIN = bytes(set(range(0x20, 0x7F)) - {ord('"')}) + b"\t\n"
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+", re.ASCII)
_MISSING = frozenset({"na", "n/a", "nan", "null", "none", "?", "-", ".", "inf", "-inf", "+inf"})
_LARGEST = float(np.finfo(np.float32).max)
_BLANKS = " \t"


@dataclass(frozen=True, slots=True)
class Cells:
    """The wanted cells of some rows: numbers (n, features), and one text array (n,) a column."""

    numbers: Array
    texts: tuple[Array, ...]  # the targets, then the extras; UTF-8 in fixed-width bytes


def is_number(cell: str) -> bool:
    """Whether a stripped cell is a number in the grammar above."""
    return _NUMBER.fullmatch(cell) is not None


class CellReader:
    """Reads the cells that a selection wants, record by record."""

    def __init__(
        self,
        header: Sequence[str],
        selection: Selection,
        delimiter: str,
        origin: str,
        *,
        targets_may_be_empty: bool,
        hint: str = "",
    ) -> None:
        self._header, self._delimiter, self._origin = header, delimiter, origin
        self._features = selection.features
        self._texts = (*selection.targets, *selection.extra)
        may_be_empty = {*selection.extra, *(selection.targets if targets_may_be_empty else ())}
        self._full = tuple(c for c in (*self._features, *self._texts) if c not in may_be_empty)
        self._hint = hint
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
        bounds = _bounds(codes, ord(self._delimiter), len(self._header))
        if bounds is None:
            return None
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
        rows = list(self._rows(found))
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
        whole = text.count("\n") == len(lines) - 1  # no line break in a cell, which loadtxt skips
        if whole and text.isascii() and not text.encode().translate(None, _PLAIN):
            numbers = _plain_numbers(lines, ",", None)
            if numbers is not None and numbers.shape == (len(rows), len(self._features)):
                return numbers
        one_by_one = [[self._number(row[c], c, line) for c in self._features] for line, row in rows]
        return np.array(one_by_one)

    def _rows(self, found: Records) -> Iterator[tuple[int, list[str]]]:
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
                raise self._error(safe_text(error), line, fix="check the quotes") from None
            if not row:
                self._blank_line = self._blank_line or line
                continue
            if self._blank_line:
                raise self._error("an empty line between rows", self._blank_line)
            if len(row) != len(self._header):
                raise self._ragged(row, line)
            yield line, [cell.strip(_BLANKS) for cell in row]

    def _number(self, cell: str, column: int, line: int) -> float:
        if not is_number(cell):
            raise self._not_a_number(cell, column, line)
        value = float(cell)
        if abs(value) > _LARGEST:
            raise self._error(
                f"{cell[:40]} in column `{self._name(column)}` is too large for float32",
                line,
                column,
                fix="rescale the column",
            )
        return value

    def _encoded(self, cell: str, column: int, line: int) -> bytes:
        encoded = cell.encode()
        if len(encoded) > MAX_TEXT:
            raise self._error(
                f"a cell of {len(encoded):,} bytes in column `{self._name(column)}`",
                line,
                column,
                why=f"a label or identifier has {MAX_TEXT:,} bytes at most",
            )
        return encoded

    # ---- messages -----------------------------------------------------------------------------

    def _name(self, column: int) -> str:
        return safe_text(self._header[column])

    def _error(
        self, what: str, line: int, column: int | None = None, *, why: str = "", fix: str = ""
    ) -> DataError:
        where = f"{safe_text(self._origin)}:{line}"
        return DataError(
            what, where=where if column is None else f"{where}:{column + 1}", why=why, fix=fix
        )

    def _ragged(self, row: list[str], line: int) -> DataError:
        count, wanted = len(row), len(self._header)
        return self._error(
            f"{count} cells in a row; the header has {wanted}",
            line,
            min(count, wanted),
            fix=self._hint or "quote a cell that contains the separator",
        )

    def _not_a_number(self, cell: str, column: int, line: int) -> DataError:
        name = self._name(column)
        why, fix = "", f"exclude the column: `exclude: [{name}]`, or correct the cell"
        if cell.lower() in _MISSING:
            why = "missing values are not read"
            fix = f"fill the cell or remove the row, or exclude the column: `exclude: [{name}]`"
        elif _DECIMAL_COMMA.fullmatch(cell):
            why, fix = "it has a decimal comma", "write numbers with a decimal point"
        elif any(c.isdigit() for c in cell):
            why = "a number is written with ASCII digits, a point and an exponent only"
        return self._error(
            f"`{safe_text(cell, 40)}` in column `{name}` is not a number",
            line,
            column,
            why=why,
            fix=self._hint or fix,
        )

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
        several = ", ".join(f"`{self._name(c)}` {n}" for c, n in list(counts.items())[:8] if n)
        return self._error(
            f"{sum(counts.values())} empty cells"
            + ("" if complete else " so far")
            + f": {several}",
            line,
            column,
            why="missing values are not read",
            fix=f"fill them or remove the rows, or exclude the column: "
            f"`exclude: [{self._name(column)}]`",
        )


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
