"""Rows of a Parquet file: columns with names and types; see `readers.arrow_columns`.

Memory     8 bytes a number and 4 a word, and a batch of rows; in pieces: one piece, and the pages
           that it comes from
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

_BUFFER = 1 << 20  # bytes of a column read at a time


@final
@SOURCES.register("parquet")
@dataclass(frozen=True, slots=True, kw_only=True)
class ParquetSpec(TableFilesSpec):
    """A Parquet file."""

    path: Path = option("the Parquet file, or several by a pattern")

    def file_tables(self, columns: Columns, rows: int | None) -> Iterator[Table]:
        """See `TableFilesSpec.file_tables`."""
        origin = str(self.path)
        with open_regular(self.path) as file:
            head, shown = file.read(64), safe_text(origin)
            if not head.startswith(b"PAR1"):
                what = f"`{shown}` is no Parquet file: {beginning(head)}"
                raise DataError(what, where=shown)
            require_pyarrow(origin)
            from pyarrow import parquet

            with translated(origin):
                found = parquet.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False)
                schema, length = found.schema_arrow, found.metadata.num_rows

            def batches(names: Sequence[str], count: int) -> Iterator[Any]:
                return iter(found.iter_batches(count, columns=list(names), use_threads=False))

            yield from arrow_tables(ArrowFile(origin, schema, length, batches), columns, rows)
