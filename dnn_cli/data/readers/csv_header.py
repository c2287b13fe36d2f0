"""The header of a CSV file: the names of its columns, and what the separator may be."""

from __future__ import annotations

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.data.readers.csv_cells import is_number
from dnn_cli.data.readers.csv_records import Records

_SEPARATORS = {";": ";", "\t": "\\t", "|": "|", ",": ","}


def header_of(head: Records, delimiter: str, origin: str) -> tuple[str, ...]:
    """The column names in the first record, without the blanks around them.

    Raises:
        DataError: not text, a damaged quote, no header, or a name that is empty or used twice.
    """
    import csv

    where = f"{safe_text(origin)}:{head.line}"
    lines = head.text(origin).split("\n")[:-1]
    try:
        row, *more = csv.reader([line + "\n" for line in lines], delimiter=delimiter, strict=True)
    except csv.Error as error:
        raise DataError(safe_text(error), where=where, fix="check the quotes") from None
    if more:  # what `first_record` took for one record because of an odd number of quotes
        raise DataError(
            "a quote inside a name that is not quoted",
            where=where,
            fix='quote the whole name and double the quote: "width 5"""',
        )
    names = tuple(name.strip(" \t") for name in row)
    if not any(names):
        raise DataError(
            "the first line is empty", where=where, fix="the first row names the columns"
        )
    if all(is_number(name) for name in names):
        raise DataError(
            f"there is no header: the first row is {safe_text(', '.join(names), 60)}",
            where=where,
            fix="add a first row that names the columns",
        )
    seen: dict[str, int] = {}
    for column, name in enumerate(names, 1):
        if not name:
            raise DataError(f"column {column} has no name", where=f"{where}:{column}")
        if name in seen:
            raise DataError(
                f"columns {seen[name]} and {column} are both called `{safe_text(name)}`",
                where=f"{where}:{column}",
            )
        seen[name] = column
    return names


def separator_hint(header: tuple[str, ...], delimiter: str) -> str:
    """A fix to suggest if the header looks as if another character separated its cells."""
    if len(header) > 1:
        return ""
    counts = {c: header[0].count(c) for c in _SEPARATORS if c != delimiter}
    likely = max(counts, key=lambda c: counts[c])
    return (
        f'the separator may be another: `delimiter: "{_SEPARATORS[likely]}"`'
        if counts[likely]
        else ""
    )
