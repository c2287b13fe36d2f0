"""A source read whole: into memory, or, where it does not fit, into files that are mapped.

Same       numbers, codes and their order do not depend on where they lie
Kept       with a folder of caches the columns stay for the next time, under a digest of what was
           asked for and of the files as they were; else they go with the process
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeAlias, final

import numpy as np

from dnn_cli import __version__
from dnn_cli.base.errors import DataError, LimitError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.cache import folder_of
from dnn_cli.data.column_files import ColumnFiles, discard, kept
from dnn_cli.data.raw_columns import Numbers, Words
from dnn_cli.data.readers.memory import available_memory
from dnn_cli.data.readers.room import Disk
from dnn_cli.data.source import SourceSpec
from dnn_cli.data.spec import MemoryKind
from dnn_cli.data.spooling import COLUMN, column_of, spool
from dnn_cli.data.table import Columns, Table

Reading: TypeAlias = Callable[[SourceSpec, Columns], Table]
_TYPES = {"number": Numbers, "word": Words}
_SCRATCH = "scratch"  # in the user's cache
_GROWTH = 3  # bytes in memory for one of a text file: numbers of 8 bytes, then coded ones of 4
_PACKED = 5  # bytes for one of a file packed by gzip


@final
@dataclass(frozen=True, slots=True)
class Storage:
    """Where columns may lie; `cache` is the folder that keeps them, if one does."""

    memory: MemoryKind = "auto"
    cache: Path | None = None

    @property
    def folder(self) -> Path:
        """Where files are written."""
        return self.cache or folder_of(_SCRATCH)


def read(source: SourceSpec, columns: Columns, storage: Storage = Storage()) -> Table:
    """The whole of `source` as one table with at least one row.

    Raises:
        DataError: there are no rows.
        LimitError: it does not fit into memory, and may not, or cannot, lie on disk.
        FileSystemError: it does not fit into memory, and cannot be written to disk.
    """
    table = _read(source, columns, storage)
    if not table.rows:
        raise DataError("there are no rows", where=safe_text(table.origin))
    return table


def _read(source: SourceSpec, columns: Columns, storage: Storage) -> Table:
    files = source.table_files()
    if storage.memory == "disk":
        if not files:
            raise DataError(
                "`data.memory: disk` is of tables in files",
                why="arrays and images are read whole, and standard input can be read once only",
                fix="leave it out, or write the table to a file",
            )
        return _from_disk(source, columns, storage, files)
    if storage.memory == "ram" or not files:
        return next(source.tables(columns))
    if not _seems_large(files):
        try:
            return next(source.tables(columns))
        except LimitError:
            pass
    return _from_disk(source, columns, storage, files)


def _seems_large(files: tuple[Path, ...]) -> bool:
    available = available_memory()
    sizes = [(path, path.stat().st_size) for path in files if path.is_file()]
    size = sum(n * (_PACKED if path.suffix == ".gz" else 1) for path, n in sizes)
    return available is not None and _GROWTH * size > available


def _from_disk(
    source: SourceSpec, columns: Columns, storage: Storage, files: tuple[Path, ...]
) -> Table:
    key, notes = None, []
    if storage.cache is not None:
        key = _key(source, columns, files)
        table = _kept(source, columns, storage.cache, files)
        if table is not None:
            said = f"{safe_text(table.origin)}: as it was kept in {safe_text(storage.cache)}"
            return replace(table, notes=(*table.notes, said))
        if discard(storage.cache, key):
            notes.append(f"the cache of {safe_text(files[0])} was damaged, and is made again")
    with ColumnFiles(storage.folder) as made:
        table = spool(source, columns, made)
        if key is not None:
            _keep(table, made, key)
    notes.append(
        f"{safe_text(table.origin)}: {table.rows:,} rows are on disk, in "
        f"{safe_text(storage.folder)}, {'for the next time too' if key else 'while this runs'}"
    )
    return replace(table, notes=(*table.notes, *notes))


def _kept(
    source: SourceSpec, columns: Columns, cache: Path, files: tuple[Path, ...]
) -> Table | None:
    """The table as it was kept; that of columns of unknown types too, if they are those wanted."""
    for asked in (columns, replace(columns, types={})):
        found = kept(cache, _key(source, asked, files))
        if found is not None:
            table = _table(*found, Disk(cache))
            there = table.columns or {}
            wanted = {n: _TYPES[kind] for n, kind in columns.types.items() if kind in _TYPES}
            if all(isinstance(there.get(name), kind) for name, kind in wanted.items()):
                return table
    return None


def _key(source: SourceSpec, columns: Columns, files: tuple[Path, ...]) -> str:
    """What the columns of a source depend on: all that was asked, and the files as they are."""
    values = {one.name: getattr(source, one.name) for one in fields(source)}
    options = {name: str(value) for name, value in values.items() if not isinstance(value, Path)}
    states = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    asked = asdict(replace(columns, dialect=dict(columns.dialect), types=dict(columns.types)))
    text = json.dumps([__version__, source.spec_name, options, asked, states], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


_EXTRA, _TARGETS = "extra ", "targets"
_PLAIN = ("origin", "origins", "first_row", "target_names", "notes")


def _keep(table: Table, made: ColumnFiles, key: str) -> None:
    columns = table.columns or {}
    document = {
        "rows": table.rows,
        "levels": {name: c.levels for name, c in columns.items() if isinstance(c, Words)},
        "merged": {
            name: c.merged for name, c in columns.items() if isinstance(c, Numbers) and c.merged
        },
        "dialect": dict(table.dialect),
        **{name: getattr(table, name) for name in _PLAIN},
    }
    arrays = {_EXTRA + name: values for name, values in table.extra.items()}
    if table.targets is not None:
        arrays[_TARGETS] = table.targets
    made.keep(key, document, arrays)


def _table(arrays: Mapping[str, Array], document: Mapping[str, Any], room: Disk) -> Table:
    names = document["target_names"]
    return Table(
        inputs=np.empty((document["rows"], 0)),
        columns={
            name: column_of(
                values,
                tuple(document["levels"].get(name, ())),
                tuple(document["merged"][name]) if name in document["merged"] else None,
            )
            for name, values in _called(COLUMN, arrays)
        },
        targets=arrays.get(_TARGETS),
        target_names=None if names is None else tuple(names),
        extra=dict(_called(_EXTRA, arrays)),
        origin=document["origin"],
        first_row=document["first_row"],
        notes=tuple(document["notes"]),
        dialect=document["dialect"],
        origins=tuple((first, origin) for first, origin in document["origins"]),
        room=room,
    )


def _called(prefix: str, arrays: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    for name, values in arrays.items():
        if name.startswith(prefix):
            yield name.removeprefix(prefix), values
