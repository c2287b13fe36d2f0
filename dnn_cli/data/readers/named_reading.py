"""Tables from pieces of named columns, all at once or a piece at a time: the same whatever file.

Columns of text are read as those of a CSV file are (`csv_columns`): numbers until a cell is none.
Columns that the file says are of numbers are taken as they are, unless words are asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import final

import numpy as np

from dnn_cli.base.types import Array
from dnn_cli.data.raw_columns import ColumnType, Numbers, RawColumn, targets_of, words_of
from dnn_cli.data.readers.csv_cells import Cells
from dnn_cli.data.readers.csv_columns import ColumnReader, types_of
from dnn_cli.data.readers.csv_errors import CellErrors
from dnn_cli.data.readers.growing import GrowingArray
from dnn_cli.data.readers.levels import Levels
from dnn_cli.data.readers.memory import require_memory
from dnn_cli.data.readers.named_cells import NumberCells, Piece, TextCells
from dnn_cli.data.readers.numerals import Numerals
from dnn_cli.data.readers.selection import Selection
from dnn_cli.data.table import Columns, Table

_LARGEST = float(np.finfo(np.float32).max)


@final
class NamedReading:
    """One reading of a file whose columns have `names`; those called `words` are of words."""

    def __init__(
        self,
        origin: str,
        names: Sequence[str],
        selection: Selection,
        columns: Columns,
        errors: CellErrors,
        words: Collection[str] = (),
    ) -> None:
        read = (*selection.features, *selection.targets, *selection.extra)
        self.wanted = tuple(names[place] for place in read)
        self.verbatim = tuple(names[place] for place in selection.verbatim)
        self._features, self._extra = len(selection.features), len(read) - len(selection.extra)
        known = {i for i, name in enumerate(self.wanted) if name in words}
        types = types_of(
            self.wanted,
            range(self._features, self._extra),
            columns.types,
            {*known, *range(self._extra, len(read))},
        )
        self._new = partial(_Columns, read, types, columns.missing, errors, origin)
        self._origin = origin

    def whole(self, pieces: Iterable[Piece], rows: int | None) -> tuple[Table | None, list[str]]:
        """All rows as one table; None if they are to be read again, knowing which are words.

        `rows` is how many there are, if that is known.
        """
        found = self._new()
        for piece in pieces:
            found.append(piece, rows or 8 * len(piece))
        if found.words:
            return None, [self.wanted[i] for i in sorted(found.words)]
        return self._table(found.finish(), 0), []

    def pieces(self, pieces: Iterable[Piece], rows: int) -> Iterator[Table]:
        """Tables of at most `rows` rows."""
        levels: Mapping[int, Levels] = {}
        first = 0
        for piece in pieces:
            for start in range(0, len(piece), rows):
                part, found = piece.part(slice(start, start + rows)), self._new(levels)
                found.append(part, len(part))
                table = self._table(found.finish(), first)
                texts = dict(zip(self.verbatim, part.verbatim, strict=True))
                yield replace(table, verbatim=texts)
                first, levels = first + len(part), found.levels
        if not first:
            none = dict.fromkeys(self.verbatim, ())
            yield replace(self._table(self._new().finish(), 0), verbatim=none)

    def _table(self, columns: list[RawColumn], first_row: int) -> Table:
        names, features, last = self.wanted, self._features, self._extra
        extra = zip(names[last:], columns[last:], strict=True)
        return Table(
            inputs=np.empty((columns[0].rows, 0)),
            columns=dict(zip(names[:features], columns[:features], strict=True)),
            targets=targets_of(columns[features:last]) if last > features else None,
            target_names=names[features:last] or None,
            extra={name: words_of(column).as_text() for name, column in extra},
            origin=self._origin,
            first_row=first_row,
        )


class _Columns:
    """Collects columns: numbers as they are, text by a reader of CSV columns."""

    def __init__(
        self,
        places: tuple[int, ...],
        types: tuple[ColumnType, ...],
        missing: Collection[str],
        errors: CellErrors,
        origin: str,
        levels: Mapping[int, Levels] | None = None,
    ) -> None:
        self._places, self._types, self._missing = places, types, missing
        self._errors, self._origin, self._levels = errors, origin, levels or {}
        self._numbers: dict[int, GrowingArray] = {}
        self._text: tuple[int, ...] | None = None  # positions of the columns of text
        self._reader: ColumnReader | None = None
        self._turned: set[int] = set()

    @property
    def words(self) -> set[int]:
        """Columns that turned out to be of words too late."""
        late = self._reader.words if self._reader and self._text else ()
        return self._turned | {(self._text or ())[i] for i in late}

    @property
    def levels(self) -> Mapping[int, Levels]:
        """Those of the columns of words that have few, for the reader of the next piece."""
        return {} if self._reader is None else self._reader.levels

    def append(self, piece: Piece, expected: int) -> None:
        """Take some rows; the first room is for `expected` of them.

        Raises:
            DataError: a cell of a column of numbers is none, or is too large; a cell is too long.
            LimitError: there is not enough memory.
        """
        if self._text is None:
            self._begin(piece, expected)
        assert self._text is not None
        for i, cells in enumerate(piece.cells):
            if i in self._text or i in self._turned:
                continue
            assert isinstance(cells, NumberCells)
            if self._types[i] == "label" and cells.long:
                self._turned.add(i)
                continue
            self._room(i, expected).append(self._floats(cells, i, piece.lines))
        if self._reader is not None:
            columns = [piece.cells[i].as_text() for i in self._text]
            self._reader.append(_joined(columns, piece.lines), expected)

    def finish(self) -> list[RawColumn]:
        """All columns, in the order of the types."""
        if self._text is None:  # there are no rows
            self._text = tuple(range(len(self._types)))
            self._reader = self._new_reader()
        read = [] if self._reader is None else self._reader.finish()
        text = dict(zip(self._text, read, strict=True))
        return [
            text[i] if i in text else Numbers(self._room(i, 1).finish())
            for i in range(len(self._types))
        ]

    def _begin(self, piece: Piece, expected: int) -> None:
        """Settle which columns are read as text: those that are, and those of words."""
        self._text = tuple(
            i
            for i, cells in enumerate(piece.cells)
            if isinstance(cells, TextCells) or self._types[i] == "word"
        )
        require_memory(8 * expected * (len(self._types) - len(self._text)), self._origin)
        if self._text:
            self._reader = self._new_reader()

    def _new_reader(self) -> ColumnReader:
        assert self._text is not None
        return ColumnReader(
            tuple(self._places[i] for i in self._text),
            tuple(self._types[i] for i in self._text),
            Numerals(),
            self._missing,
            self._errors,
            self._origin,
            self._levels,
        )

    def _room(self, i: int, expected: int) -> GrowingArray:
        if i not in self._numbers:
            kind = np.dtype(np.float64)
            self._numbers[i] = GrowingArray((), kind, expected, self._origin)
        return self._numbers[i]

    def _floats(self, cells: NumberCells, i: int, lines: Array) -> Array:
        found = cells.floats()
        size = np.abs(found)
        bad = np.isinf(found) if self._types[i] == "label" else size > _LARGEST
        if bad.any():
            row = int(np.argmax(bad))
            place, line, shown = self._places[i], int(lines[row]), str(cells.values[row])
            if np.isinf(cells.values[row]):
                raise self._errors.not_a_number(shown, place, line, Numerals())
            raise self._errors.too_large(shown, place, line)
        return found


def _joined(columns: Sequence[TextCells], lines: Array) -> Cells:
    """Cells of several columns in one block of bytes."""
    sizes = [len(one.codes) for one in columns]
    offsets = np.cumsum([0, *sizes[:-1]])[:, None]
    return Cells(
        columns[0].codes if len(columns) == 1 else np.concatenate([c.codes for c in columns]),
        np.stack([one.starts for one in columns]) + offsets,
        np.stack([one.ends for one in columns]) + offsets,
        lines,
    )
