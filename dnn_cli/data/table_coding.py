"""A table as one matrix of float32: its columns, each fitted, side by side.

Shapes     (n, width): the numbers of all columns in their order, then the codes of the categories.
           `levels` has one entry for each: 0 for a number, else how many levels are known
Why        batches, ranks and caches know one array; the network's first layer expands the codes
Memory     the matrix, and one column of float64
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import listing, safe_text
from dnn_cli.base.types import Array
from dnn_cli.data import stored as checks
from dnn_cli.data.column import COLUMNS, Column, Surprises
from dnn_cli.data.place import Place
from dnn_cli.data.raw_columns import ColumnType, RawColumns
from dnn_cli.data.readers.room import HEAP, Room


@dataclass(slots=True)
class SurpriseLog:
    """Cells of new rows that training had nothing like, counted by column over all pieces."""

    found: dict[str, Surprises] = field(default_factory=dict)

    def add(self, name: str, one: Surprises) -> None:
        """Count those of a column."""
        if one.filled or one.unseen:
            total = self.found.setdefault(name, Surprises())
            total.filled += one.filled
            total.unseen += one.unseen
            total.examples = list(dict.fromkeys([*total.examples, *one.examples]))[:3]

    def lines(self, of: str = "") -> list[str]:
        """A line for all gaps that were filled, and one for all unknown levels."""
        gaps = [f"`{safe_text(name)}` {s.filled:,}" for name, s in self.found.items() if s.filled]
        new = [
            f"`{safe_text(name)}` {s.unseen:,} ({', '.join(safe_text(e, 20) for e in s.examples)})"
            for name, s in self.found.items()
            if s.unseen
        ]
        ahead, found = f"{of}: " if of else "", []
        if gaps:
            what = "gaps in columns that had none in training, filled"
            found.append(f"{ahead}{what}: {_first(gaps)}")
        if new:
            what = "levels that training did not have often enough, read as one"
            found.append(f"{ahead}{what}: {_first(new)}")
        return found


def _first(items: list[str], limit: int = 8) -> str:
    more = f" and {len(items) - limit} more columns" if len(items) > limit else ""
    return ", ".join(items[:limit]) + more


@final
class TableCoding:
    """Fitted columns, in the order in which a source is asked for them."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self.names = tuple(column.name for column in self.columns)
        self.numbers = sum(len(column.outputs) for column in self.columns)
        codes = tuple(level for column in self.columns for level in column.levels)
        self.width = self.numbers + len(codes)
        self.levels = (0,) * self.numbers + codes

    @property
    def types(self) -> dict[str, ColumnType]:
        """What a source has to read each column as."""
        return {column.name: column.type for column in self.columns}

    @property
    def outputs(self) -> tuple[str, ...]:
        """A name for each column of the matrix."""
        numbers = [name for column in self.columns for name in column.outputs]
        return (*numbers, *(column.name for column in self.columns for _ in column.levels))

    def encode(
        self, columns: RawColumns, place: Place, log: SurpriseLog, room: Room = HEAP
    ) -> Array:
        """The matrix of a table's columns, (n, width) float32 in `room`.

        Raises:
            DataError: a column is missing, or holds what it cannot; says where.
            LimitError: there is not enough memory.
        """
        missing = [name for name in self.names if name not in columns]
        if missing:
            raise DataError(
                f"the columns {listing(missing, 5)} are missing", where=safe_text(place.origin)
            )
        rows = columns[self.names[0]].rows
        matrix = room.empty((rows, self.width), np.float32, place.origin)
        for block in room.blocks(rows):
            part = {name: columns[name].part(block) for name in self.names}
            self._encode(part, matrix[block], place.slice(block), log)
        return matrix

    def _encode(self, columns: RawColumns, matrix: Array, place: Place, log: SurpriseLog) -> None:
        number, code = 0, self.numbers
        for column in self.columns:
            after, behind = number + len(column.outputs), code + len(column.levels)
            numbers, codes = matrix[:, number:after], matrix[:, code:behind]
            log.add(column.name, column.encode(columns[column.name], numbers, codes, place))
            number, code = after, behind

    def to_json(self) -> list[dict[str, Any]]:
        """All that `from_json` needs but the arrays, in types that JSON has."""
        return [{"name": one.name, "kind": one.kind, **one.to_json()} for one in self.columns]

    def arrays(self) -> dict[str, Array]:
        """The arrays of all columns, by name."""
        return {
            f"columns.{place}.{name}": values
            for place, column in enumerate(self.columns)
            for name, values in column.arrays().items()
        }

    @classmethod
    def from_json(cls, stored: Any, arrays: Mapping[str, Array]) -> TableCoding:
        """The coding that `to_json` and `arrays` came from; nothing in them is trusted.

        Raises:
            CheckpointError: a field is missing, unknown, or contradicts another.
        """
        if not isinstance(stored, list) or not stored:
            checks.damaged("columns", "is not a list of columns")
        columns, left = [], {name for name in arrays if name.startswith("columns.")}
        for place, one in enumerate(stored):
            if not isinstance(one, Mapping):
                checks.damaged("columns", "holds what is not an object")
            rest, prefix = dict(one), f"columns.{place}."
            [name] = checks.names([rest.pop("name", None)], "columns.name")
            kind = checks.choice(rest.pop("kind", None), "columns.kind", tuple(COLUMNS.names()))
            column = COLUMNS.get(kind).column
            if column is None:
                checks.damaged("columns.kind", f"is {kind}, which no model uses")
            own = {
                key.removeprefix(prefix): a for key, a in arrays.items() if key.startswith(prefix)
            }
            left -= {prefix + key for key in own}
            columns.append(column.from_json(name, rest, own))
        checks.names([column.name for column in columns], "columns")
        if left:
            checks.damaged("columns", f"does not use the arrays {listing(left, 3)}")
        found = cls(columns)
        if not found.width:
            checks.damaged("columns", "become no number")
        return found
