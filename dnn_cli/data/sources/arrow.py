"""Rows of an Arrow IPC file or stream, Feather included; see `readers.arrow_columns`.

Memory     8 bytes a number and 4 a word, and a record batch of the file; in pieces: one batch
Needs      PyArrow, the extra `parquet`
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from dnn_cli.base.errors import DataError
from dnn_cli.base.spec import option
from dnn_cli.base.text import safe_text
from dnn_cli.data.readers.arrow_columns import ArrowFile, arrow_tables, require_pyarrow, translated
from dnn_cli.data.readers.bytes_in import beginning, open_regular
from dnn_cli.data.source import SOURCES
from dnn_cli.data.table import Columns, Table
from dnn_cli.data.table_source import TableFilesSpec

_FILE, _STREAM, _FIRST_FEATHER = b"ARROW1", b"\xff\xff\xff\xff", b"FEA1"


@final
@SOURCES.register("arrow")
@dataclass(frozen=True, slots=True, kw_only=True)
class ArrowSpec(TableFilesSpec):
    """An Arrow IPC file or stream, or a Feather file."""

    path: Path = option("the Arrow or Feather file, or several by a pattern")

    def file_tables(self, columns: Columns, rows: int | None) -> Iterator[Table]:
        """See `TableFilesSpec.file_tables`."""
        origin = str(self.path)
        with open_regular(self.path) as file:
            head, shown = file.read(64), safe_text(origin)
            if head.startswith(_FIRST_FEATHER):
                what = f"`{shown}` is a Feather file of version 1"
                raise DataError(what, where=shown, fix="save it anew, as version 2 or as Parquet")
            if not head.startswith((_FILE, _STREAM)):
                what = f"`{shown}` is no Arrow file: {beginning(head)}"
                raise DataError(what, where=shown)
            require_pyarrow(origin)
            from pyarrow import ipc

            reader = ipc.open_file if head.startswith(_FILE) else ipc.open_stream

            def opened(indices: Sequence[int] | None) -> Any:
                file.seek(0)
                options = None if indices is None else ipc.IpcReadOptions(included_fields=indices)
                return reader(file, options=options)

            def batches(names: Sequence[str], count: int) -> Iterator[Any]:
                found = opened(sorted(schema.get_field_index(name) for name in names))
                if head.startswith(_FILE):
                    return map(found.get_batch, range(found.num_record_batches))
                return iter(found)

            with translated(origin):
                schema = opened(None).schema
            yield from arrow_tables(ArrowFile(origin, schema, None, batches), columns, rows)
