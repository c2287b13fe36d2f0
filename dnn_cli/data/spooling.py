"""A table read piece by piece into columns on disk, and mapped: the same as in memory.

Files      a column each: float64 numbers, or int32 codes of words. Targets and other text, which
           are short, stay in memory
Twice      a source is read once more where a column of numbers turns out to be of words
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.column_files import ColumnFiles
from dnn_cli.data.raw_columns import MISSING, ColumnType, Numbers, RawColumn, Words
from dnn_cli.data.readers.room import Disk
from dnn_cli.data.source import SourceSpec
from dnn_cli.data.table import Columns, Table

_PIECE = 1 << 16  # rows
COLUMN = "column "  # before the names of columns in files


def spool(source: SourceSpec, columns: Columns, files: ColumnFiles) -> Table:
    """The whole of `source`, its columns in `files`.

    Raises:
        DataError: it is no table of columns, or is damaged.
        FileSystemError: the files cannot be written.
    """
    known: dict[str, ColumnType] = dict(columns.types)
    while True:
        files.begin()
        pass_ = _Pass(files)
        for piece in source.tables(replace(columns, types=known), _PIECE):
            pass_.append(piece)
        if not pass_.turned:
            return pass_.table()
        known |= dict.fromkeys(pass_.turned, "word")


@dataclass(slots=True)
class _Pass:
    """One reading of all pieces."""

    files: ColumnFiles
    turned: set[str] = field(default_factory=set)  # columns that are of words in some pieces
    _first: Table | None = None
    _kinds: dict[str, type[RawColumn]] = field(default_factory=dict)
    _levels: dict[str, dict[str, int]] = field(default_factory=dict)
    _targets: list[Array] = field(default_factory=list)
    _extra: list[Mapping[str, Array]] = field(default_factory=list)
    _merged: dict[str, tuple[int, int]] = field(default_factory=dict)
    _notes: dict[str, None] = field(default_factory=dict)
    _origins: list[tuple[int, str]] = field(default_factory=list)  # files, each with its first row
    _rows: int = 0

    def append(self, piece: Table) -> None:
        """Write the columns of a piece."""
        if piece.columns is None:
            raise DataError(
                f"`{safe_text(piece.origin)}` is no table of columns with names",
                where=safe_text(piece.origin),
                fix="leave out `data.memory`",
            )
        self._first = self._first or piece
        if not self._origins or self._origins[-1][1] != piece.origin:
            self._origins.append((self._rows, piece.origin))
        self._rows += piece.rows
        self._notes |= dict.fromkeys(piece.notes)
        for name, column in piece.columns.items():
            if self._kinds.setdefault(name, type(column)) is not type(column):
                self.turned.add(name)
            if not self.turned:
                self.files.append(COLUMN + name, self._values(name, column))
        self._extra.append(piece.extra)
        if piece.targets is not None:
            self._append_targets(piece.targets, piece.target_names or ())

    def _append_targets(self, targets: Array, names: tuple[str, ...]) -> None:
        if self._targets and (self._targets[0].dtype.kind == "U") != (targets.dtype.kind == "U"):
            self.turned.update(names)
        self._targets.append(targets)

    def _values(self, name: str, column: RawColumn) -> Array:
        """Numbers, or codes by the order in which levels appear in all pieces."""
        if isinstance(column, Numbers):
            if column.merged is not None:  # of the piece that has most
                self._merged[name] = max(column.merged, self._merged.get(name, (0, 0)))
            return column.values
        levels = self._levels.setdefault(name, {})
        new = [levels.setdefault(level, len(levels)) for level in column.levels]
        return np.array([*new, MISSING], np.int32)[column.codes]

    def table(self) -> Table:
        """All rows, mapped."""
        assert self._first is not None and self._first.columns is not None
        arrays = self.files.finish(self._rows)
        return replace(
            self._first,
            inputs=np.empty((self._rows, 0)),
            columns={
                name: column_of(
                    arrays[COLUMN + name], tuple(self._levels.get(name, ())), self._merged.get(name)
                )
                for name in self._first.columns
            },
            targets=np.concatenate(self._targets) if self._targets else None,
            extra={
                name: np.concatenate([piece[name] for piece in self._extra])
                for name in self._first.extra
            },
            notes=tuple(self._notes),
            origins=tuple(self._origins) if len(self._origins) > 1 else (),
            room=Disk(self.files.folder),
        )


def column_of(values: Array, levels: tuple[str, ...], merged: tuple[int, int] | None) -> RawColumn:
    """A column as it lies in a file: numbers, or the codes of words."""
    return Numbers(values, merged) if values.dtype == np.float64 else Words(values, levels)
