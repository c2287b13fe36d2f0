"""Tables: one description, printed as aligned text or, on a terminal, by rich."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TextIO

from dnn_cli.base.text import safe_text
from dnn_cli.console.figures import cells, cut, pad
from dnn_cli.console.terminal import console, styled

if TYPE_CHECKING:
    from rich.table import Table

_WIDEST = 40  # columns of a cell that others follow


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of cells under named columns; `left` names the columns that hold words.

    A grid without `columns` is a list of facts: a name and a value in each row. `total` is a
    last row set apart; `notes` are lines under the table. Cells are taken literally.
    """

    title: str
    rows: Sequence[Sequence[str]]
    columns: Sequence[str] = ()
    left: frozenset[str] = frozenset()
    total: Sequence[str] = ()
    notes: Sequence[str] = ()


def show(grids: Sequence[Grid], stream: TextIO) -> None:
    """Print the tables, with an empty line between them."""
    if not styled(stream):
        stream.write("\n".join(text(grid) for grid in grids))
        return
    from rich.text import Text

    screen = console(stream)
    for number, grid in enumerate(grids):
        if number:
            screen.print()
        body = text(grid)
        if max(map(cells, body.splitlines())) > screen.width:
            # Squeezed columns would lose digits: better to let the terminal wrap the lines.
            screen.print(Text(body), end="", soft_wrap=True)
            continue
        if grid.title:
            screen.print(Text(_title(grid), style="bold"))
        screen.print(table(grid))
        for note in grid.notes:
            screen.print(Text(_note(note), style="dim"))


def text(grid: Grid) -> str:
    """The table as plain lines, ended by a newline; no line ends in a space."""
    rows = _cells(grid)
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    lines = [_title(grid)] if grid.title else []
    for row in rows:
        aligned = (pad(c, widths[i], right=_right(grid, i)) for i, c in enumerate(row))
        lines.append("  ".join(aligned).rstrip())
    return "\n".join([*lines, *map(_note, grid.notes)]) + "\n"


def table(grid: Grid) -> Table:
    """The table for a rich console, as wide as the plain one."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    rows = [[Text(cell) for cell in row] for row in _cells(grid)]
    made = Table(
        box=box.SIMPLE_HEAD if grid.columns else box.SIMPLE,
        show_header=bool(grid.columns),
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    heads = rows.pop(0) if grid.columns else [Text()] * len(rows[0])
    for place, head in enumerate(heads):
        side: Literal["left", "right"] = "right" if _right(grid, place) else "left"
        style = "dim" if not grid.columns and place == 0 else ""
        made.add_column(head, justify=side, style=style, no_wrap=True)
    total = rows.pop() if grid.total else None
    for row in rows:
        made.add_row(*row)
    if total:
        made.add_section()
        made.add_row(*total, style="bold")
    return made


def _cells(grid: Grid) -> list[list[str]]:
    """Every row, the names of the columns first and the total last, fit to print."""
    rows = [row for row in (grid.columns, *grid.rows, grid.total) if row]
    return [[*(cut(safe_text(c), _WIDEST) for c in row[:-1]), safe_text(row[-1])] for row in rows]


def _right(grid: Grid, place: int) -> bool:
    return bool(grid.columns) and grid.columns[place] not in grid.left


def _title(grid: Grid) -> str:
    return safe_text(grid.title)


def _note(note: str) -> str:
    return safe_text(note, 2000)
