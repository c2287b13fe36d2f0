"""What is wrong with a row or a cell of a CSV file: where, why, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.data.readers.csv_dialect import setting
from dnn_cli.data.readers.numerals import Numerals, why_no_number


class CellErrors:
    """Makes the errors of one file.

    With `of_model` the columns are those of a model: nothing can be excluded. `hint` is a fix for
    a file whose header shows what is wrong with all of it. `place` is where a line is, in a file
    of another format: one without signs to set.
    """

    def __init__(
        self,
        header: Sequence[str],
        origin: str,
        hint: str,
        of_model: bool,
        place: Callable[[int], str] | None = None,
    ) -> None:
        self._header, self._origin, self._hint = header, origin, hint
        self._of_model, self._place = of_model, place

    def error(
        self, what: str, line: int, column: int | None = None, *, why: str = "", fix: str = ""
    ) -> DataError:
        """An error in a line, and perhaps the cell of a column."""
        where = f"{safe_text(self._origin)}:{line}"
        if self._place is not None:
            where = self._place(line)
        elif column is not None:
            where = f"{where}:{column + 1}"
        return DataError(what, where=where, why=why, fix=fix)

    def ragged(
        self, row: Sequence[str], line: int, delimiter: str, *, first: bool, last: bool
    ) -> DataError:
        """A row whose cells the header has more or fewer of; `first`, `last`: of the whole file."""
        wanted, count = len(self._header), len(row)
        found = f"{count} cells" if count != 1 else "1 cell"
        why, fix = "", "quote a cell that contains the separator"
        if first and count == wanted + 1:
            name = safe_text(self._header[0], 20)
            why = "if all rows are so, the first column has no name: an index of pandas or R"
            fix = f"begin the first row with the separator, `{safe_text(delimiter)}{name}`, and the"
            fix += " index is left out; if it is this row alone, quote the cell that contains one"
            if not row[-1]:
                why = "if all rows are so, they end in the separator, and the first row does not"
                fix = (
                    "end the first row with the separator, too; if it is this row alone, remove it"
                )
        if count < wanted:
            fix = "add the cells that are missing, or remove the row"
        if last and count < wanted:
            why = "the file was cut short, or ends in a line that is no row of the table"
            fix = "restore the file, or remove its last line"
        return self.error(
            f"{found} in {'the last' if last else 'a'} row; the header has {wanted}",
            line,
            min(count, wanted),
            why=why,
            fix=self._hint or fix,
        )

    def not_a_number(self, cell: str, column: int, line: int, numerals: Numerals) -> DataError:
        """A cell of a feature that is no number with the signs of `numerals`."""
        why, fix = why_no_number(cell, setting(self._of_model), numerals)
        if self._place is not None:
            fix = ""
        return self.error(
            f"`{safe_text(cell, 40)}` in column `{self._name(column)}` is not a number",
            line,
            column,
            why=why,
            fix=self._hint or fix or self._mend("correct the cell or remove the row", column),
        )

    def other_sign(self, cell: str, column: int, where: str, decimal: str) -> DataError:
        """A column that would be one of numbers if its decimal sign were that of the others."""
        name = self._name(column)
        return DataError(
            f"`{safe_text(cell, 40)}` in column `{name}` is no number with a decimal `{decimal}`",
            where=where,
            why="one file has one decimal sign, and its other numbers, or the source, say which",
            fix="write all numbers alike; a sign between thousands is named: "
            f"{setting(self._of_model)('thousands', '.' if decimal == ',' else ',')}; if they are "
            f"no numbers: `columns: {{{name}: category}}`",
        )

    def too_large(self, cell: str, column: int, line: int) -> DataError:
        """A number beyond float32."""
        return self.error(
            f"{safe_text(cell, 40)} in column `{self._name(column)}` is too large for float32",
            line,
            column,
            fix="correct the cell, or rescale the column",
        )

    def too_long(self, count: int, column: int, line: int, most: int) -> DataError:
        """A cell of text of `count` bytes."""
        return self.error(
            f"a cell of {count:,} bytes in column `{self._name(column)}`",
            line,
            column,
            why=f"a label or identifier has {most:,} bytes at most",
        )

    def _mend(self, fix: str, column: int) -> str:
        """`fix`, or to leave a feature out where that is possible."""
        if self._of_model:
            return fix
        return f"{fix}, or exclude the column: `exclude: [{self._name(column)}]`"

    def _name(self, column: int) -> str:
        return safe_text(self._header[column])
