"""Where in a file a finding is: the text that leads a user to the row and the column."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace

import numpy as np

from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.table import Table

SHOWN = 5  # positions that one message lists


@dataclass(frozen=True, slots=True)
class Place:
    """The rows of a source that an array holds.

    Row i of the array is row `first_row + rows[i]` of the source (`first_row + i` if `rows` is
    None). Messages count rows from 1, a header not counted, and columns from 0 where they have
    no names.
    """

    origin: str
    first_row: int = 0
    rows: Array | None = None
    origins: tuple[tuple[int, str], ...] = ()  # of several files: the first row of each, its name

    @classmethod
    def of(cls, table: Table) -> Place:
        """The place of a whole table."""
        return cls(table.origin, table.first_row, table.kept, table.origins)

    def numbers(self, rows: Array) -> Array:
        """The rows of the source, counted from 1, that some rows of this one are."""
        found: Array = self.first_row + 1 + (rows if self.rows is None else self.rows[rows])
        return found

    def part(self, rows: Array) -> Place:
        """The place of some rows of this one."""
        return replace(self, rows=rows if self.rows is None else self.rows[rows])

    def slice(self, rows: slice) -> Place:
        """The place of some rows in a row of this one."""
        if self.rows is None:
            return Place(self.origin, self.first_row + rows.start)
        return Place(self.origin, self.first_row, self.rows[rows])

    def where(
        self, found: Array, names: tuple[str, ...] | None = None, count: int | None = None
    ) -> str:
        """`file: row 3 column `age`, row 9 column `age` and 12 more` for indices (k, 1 or more).

        `found` is what `np.argwhere` gives: a row index, then indices inside the example. There
        may be more than it holds: `count` in all.
        """
        shown = [self._position(index, names) for index in found[:SHOWN].tolist()]
        rest = (len(found) if count is None else count) - len(shown)
        more = f" and {rest} more" if rest > 0 else ""
        named = "" if self.origins else f"{safe_text(self.origin)}: "
        return f"{named}{', '.join(shown)}{more}"

    def _position(self, index: list[int], names: tuple[str, ...] | None) -> str:
        inner = index[1:]
        within = index[0] if self.rows is None else int(self.rows[index[0]])
        row = self._row(self.first_row + within)
        if not inner:
            return row
        if len(inner) > 1:
            return f"{row} at {inner}"
        name = f"`{safe_text(names[inner[0]])}`" if names else str(inner[0])
        return f"{row} column {name}"

    def _row(self, place: int) -> str:
        """Where a row is, counted from 0: of several files in its own."""
        found = bisect_right(self.origins, place, key=lambda one: one[0])
        if not found:
            return f"row {place + 1}"
        first, origin = self.origins[found - 1]
        return f"{safe_text(origin)}: row {place - first + 1}"


def positions(bad: Array) -> Array:
    """The indices of the true elements, as `Place.where` reads them: (k, rank)."""
    return np.argwhere(bad)
