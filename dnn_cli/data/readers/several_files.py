"""Several files of one table, named by a pattern: `parts/*.csv`.

Pattern    `*`, `?`, `[ab]` and `**`; a file that is called exactly so is that file. Hidden files
           are left out
Order      natural, in which digits count as numbers: part2 comes before part10
Columns    the same in all files, in any order; a column is of words if it is so in one of them
Memory     the table, and one column of it
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import listing, safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.raw_columns import ColumnType, Numbers, RawColumn, Words
from dnn_cli.data.readers.image_paths import natural
from dnn_cli.data.table import Columns, Table

S = TypeVar("S", bound=Any)
Read = Callable[[S, Columns, int | None], Iterator[Table]]


def files_of(path: Path | str) -> list[Path] | None:
    """The files that a pattern names, in natural order; None where it is no pattern.

    Raises:
        DataError: there is no such file.
    """
    text = str(path)
    if not glob.has_magic(text) or os.path.lexists(text):
        return None
    found = [one for one in glob.glob(text, recursive=True) if os.path.isfile(one)]
    if not found:
        shown = safe_text(text)
        raise DataError(f"no file is called like `{shown}`", where=shown)
    return [Path(one) for one in sorted(found, key=_order)]


def _order(path: str) -> list[tuple[list[str | int], str]]:
    return [natural(part) for part in path.split(os.sep)]


def tables_of(
    spec: S, path: Path, read: Read[S], columns: Columns, rows: int | None
) -> Iterator[Table]:
    """What `read` reads of the file at `path`, or, one after another, of the files it names.

    Raises:
        DataError: there is no such file, or one has other columns than the first.
    """
    files = files_of(path)
    if files is None:
        yield from read(spec, columns, rows)
        return
    specs = [replace(spec, path=one) for one in files]
    if rows is None:
        yield _whole(specs, read, columns)
        return
    first = None
    for one in specs:
        for table in read(one, columns, rows):
            first = first or table
            _check_columns(table, first)
            if table.rows or one is specs[0]:
                yield table


def _whole(specs: Sequence[S], read: Read[S], columns: Columns) -> Table:
    tables = [next(read(one, columns, None)) for one in specs]
    for table in tables:
        _check_columns(table, tables[0])
    words = _words(tables)
    if words:
        types: dict[str, ColumnType] = {**columns.types, **dict.fromkeys(words, "word")}
        columns = replace(columns, types=types)
        for place, table in enumerate(tables):
            if words & (_kinds(table)["number"]):
                tables[place] = next(read(specs[place], columns, None))
    return _joined(tables)


def _kinds(table: Table) -> dict[str, set[str]]:
    """The names of the columns of numbers and of words, targets included."""
    found: dict[str, set[str]] = {"number": set(), "word": set()}
    for name, column in (table.columns or {}).items():
        found["number" if isinstance(column, Numbers) else "word"].add(name)
    if table.targets is not None:
        kind = "word" if table.targets.dtype.kind in "SU" else "number"
        found[kind].update(table.target_names or ())
    return found


def _words(tables: Sequence[Table]) -> set[str]:
    """Columns that are of words in some tables and of numbers in others."""
    kinds = [_kinds(table) for table in tables if table.rows]
    either = [set().union(*(one[kind] for one in kinds)) for kind in ("number", "word")]
    return either[0] & either[1]


def _check_columns(table: Table, first: Table) -> None:
    """Refuse a file whose columns are not those of the first."""
    if table is first:
        return
    ours, theirs = _names(table), _names(first)
    if set(ours) != set(theirs) or table.target_names != first.target_names:
        lacks, more = set(theirs) - set(ours), set(ours) - set(theirs)
        what = [f"lacks {listing(lacks, 8)}"] if lacks else []
        what += [f"has {listing(more, 8)} beside them"] if more else []
        shown = safe_text(table.origin)
        raise DataError(
            f"`{shown}` has other columns than `{safe_text(first.origin)}`",
            where=shown,
            why=f"it {' and '.join(what)}" if what else "the targets are other columns",
            fix="files that are one table have the same columns",
        )


def _names(table: Table) -> tuple[str, ...]:
    return (*(table.feature_names or ()), *(table.target_names or ()), *table.extra)


def _joined(tables: list[Table]) -> Table:
    """The rows of several tables as one; the tables are used up."""
    first = tables[0]
    columns: dict[str, RawColumn] = {}
    held = [dict(table.columns or {}) for table in tables]
    for name in first.columns or ():
        columns[name] = _column([one.pop(name) for one in held])
    targets = [table.targets for table in tables if table.targets is not None]
    starts = np.cumsum([0, *(table.rows for table in tables[:-1])]).tolist()
    notes = dict.fromkeys(note for table in tables for note in table.notes)
    dialect = {name: value for table in reversed(tables) for name, value in table.dialect.items()}
    return Table(
        inputs=np.concatenate([table.inputs for table in tables]),
        targets=_targets(targets) if targets else None,
        columns=columns,
        target_names=first.target_names,
        extra={name: np.concatenate([t.extra[name] for t in tables]) for name in first.extra},
        origin=first.origin,
        origins=tuple(zip(starts, (table.origin for table in tables), strict=True)),
        notes=(*notes, f"{len(tables)} files, {safe_text(first.origin)} the first"),
        dialect=dialect,
    )


def _targets(found: list[Array]) -> Array:
    if len({one.dtype.kind in "SU" for one in found}) > 1:  # a file without rows, or all gaps
        found = [one if one.dtype.kind in "SU" else _as_text(one) for one in found]
    return np.concatenate(found)


def _as_text(targets: Array) -> Array:
    return np.full(targets.shape, "")


def _column(parts: list[RawColumn]) -> RawColumn:
    if all(isinstance(one, Numbers) for one in parts):
        numbers = [one for one in parts if isinstance(one, Numbers)]
        merged = max((one.merged for one in numbers if one.merged), default=None)
        return Numbers(np.concatenate([one.values for one in numbers]), merged)
    known: dict[str, int] = {}
    codes = []
    for one in parts:
        words = one if isinstance(one, Words) else one.as_words()
        new = [known.setdefault(level, len(known)) for level in words.levels]
        codes.append(np.array([*new, -1], np.int32)[words.codes])
    return Words(np.concatenate(codes), tuple(known))
