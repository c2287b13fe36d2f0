"""Where the cells of CSV records are, found fast where the records are plain.

Fast       records without quotes and control characters: NumPy finds every separator, the row and
           cell of each is checked, and blanks around cells are left out
           (not of the verbatim cells)
Slow       everything else, and every record that the fast way refuses: the `csv` module cuts the
           cells, and says what is wrong where something is
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.readers.csv_errors import CellErrors
from dnn_cli.data.readers.csv_records import Records

_REFUSED = bytes({*range(0x20), 0x7F, ord('"')} - {ord("\t"), ord("\n")})
_BLANKS = " \t"
_SPACE, _TAB = ord(" "), ord("\t")


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of some rows: where each is in `codes`.

    Shapes     codes (bytes,) uint8 of UTF-8; starts, ends (columns, n) int64; lines (n,) int64
    """

    codes: Array
    starts: Array
    ends: Array
    lines: Array  # of the file, counted from 1

    def __len__(self) -> int:
        return len(self.lines)

    def part(self, rows: slice) -> Cells:
        """Some of the rows."""
        return Cells(self.codes, self.starts[:, rows], self.ends[:, rows], self.lines[rows])

    def text(self, column: int, row: int) -> str:
        """One cell."""
        start, end = int(self.starts[column, row]), int(self.ends[column, row])
        return self.codes[start:end].tobytes().decode()

    def texts(self, columns: Sequence[int]) -> list[list[str]]:
        """All cells of some columns."""
        if not columns:
            return []
        block = self.codes.tobytes()
        bounds = [
            zip(self.starts[column].tolist(), self.ends[column].tolist(), strict=True)
            for column in columns
        ]
        if block.isascii():
            text = block.decode()
            return [[text[start:end] for start, end in one] for one in bounds]
        return [[block[start:end].decode() for start, end in one] for one in bounds]


class CellFinder:
    """Finds the cells of the wanted columns, record by record.

    Of the last `verbatim` of them they are as written, of the others without the blanks around them
    and with LF for any line break.
    """

    def __init__(
        self,
        width: int,
        wanted: tuple[int, ...],
        delimiter: str,
        errors: CellErrors,
        origin: str,
        verbatim: int = 0,
    ) -> None:
        self._width, self._wanted = width, np.array(wanted, np.intp)
        cut = len(wanted) - verbatim
        self._read, self._verbatim = wanted[:cut], wanted[cut:]
        self._delimiter, self._errors, self._origin = delimiter, errors, origin
        self._blank_line = 0  # an empty line seen: nothing may follow it
        self._begun = False  # a whole row seen

    def find(self, found: Records, rest: Iterator[Records] | None = None) -> Cells:
        """The cells of `found`; `rest` tells whether anything follows a wrong row.

        Raises:
            DataError: says what is wrong, where, and why.
        """
        cells = self._fast(found) or self._slow(found, rest)
        self._begun = self._begun or len(cells) > 0
        return cells

    def _fast(self, found: Records) -> Cells | None:
        data = found.data
        if self._blank_line or data.startswith(b"\n") or b"\n\n" in data:
            return None
        if len(data.translate(None, _REFUSED)) != len(data):
            return None
        if not data.isascii():
            found.text(self._origin, self._delimiter)  # refuses what is no text
        codes = np.frombuffer(data, np.uint8)
        bounds = _bounds(codes, ord(self._delimiter), self._width)
        if bounds is None:
            return None
        starts, ends = bounds[self._wanted] + 1, bounds[self._wanted + 1].copy()
        _strip(codes, starts[: len(self._read)], ends[: len(self._read)])
        lines = np.arange(found.line, found.line + starts.shape[1])
        return Cells(codes, starts, ends, lines)

    def _slow(self, found: Records, rest: Iterator[Records] | None) -> Cells:
        lines, cells = [], list[bytes]()
        both = zip(self._rows(found, rest), self._written(found), strict=False)
        for (line, row), written in both:
            lines.append(line)
            cells.extend(row[column].strip(_BLANKS).encode() for column in self._read)
            cells.extend(written[column].encode() for column in self._verbatim)
        lengths = np.fromiter(map(len, cells), np.int64, len(cells))
        ends = np.cumsum(lengths).reshape(len(lines), len(self._wanted))
        starts = ends - lengths.reshape(ends.shape)
        codes = np.frombuffer(b"".join(cells), np.uint8)
        return Cells(
            codes,
            np.ascontiguousarray(starts.T),
            np.ascontiguousarray(ends.T),
            np.array(lines, np.int64),
        )

    def _written(self, found: Records) -> Iterator[list[str]]:
        """Every record again with its own line breaks, if that is wanted."""
        if not self._verbatim:
            return itertools.repeat([])
        text = io.StringIO(found.raw.decode(), newline="")
        return filter(None, csv.reader(text, delimiter=self._delimiter))

    def _rows(
        self, found: Records, rest: Iterator[Records] | None
    ) -> Iterator[tuple[int, list[str]]]:
        """(line, cells) of every record, each as wide as the header."""
        reader = csv.reader(
            io.StringIO(found.text(self._origin, self._delimiter), newline="\n"),
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
                first = not self._begun
                raise self._errors.ragged(row, line, self._delimiter, first=first, last=last)
            self._begun = True
            yield line, row


def _bounds(codes: Array, delimiter: int, width: int) -> Array | None:
    """(width + 1, rows) positions of the separators around each cell, None if rows differ."""
    ends = np.flatnonzero(codes == ord("\n"))
    rows = len(ends)
    bounds = np.empty((width + 1, rows), np.int64)
    bounds[0, 0], bounds[0, 1:], bounds[-1] = -1, ends[:-1], ends
    between = np.flatnonzero(codes == delimiter)
    if len(between) != rows * (width - 1):
        return None
    if width > 1:
        bounds[1:-1] = between.reshape(rows, width - 1).T
        # in order, so a row is whole if its first and last separators lie within it
        if (bounds[1] < bounds[0]).any() or (bounds[-2] > bounds[-1]).any():
            return None
    return bounds


def _strip(codes: Array, starts: Array, ends: Array) -> None:
    """Move `starts` and `ends` of cells inwards over blanks; a cell of blanks becomes empty."""
    blank = (codes == _SPACE) | (codes == _TAB)
    if not blank.any():
        return
    while (ahead := (starts < ends) & blank[np.minimum(starts, len(codes) - 1)]).any():
        starts += ahead
    while (behind := (starts < ends) & blank[ends - 1]).any():
        ends -= behind
