"""Rows of a NumPy array file (`.npy`), with the targets in a second file or in its own columns.

Read       numbers of any width and byte order, in C or Fortran order; labels may be text
Memory     the array that training uses, and one block; in pieces: one piece (Fortran order: all)
Errors     the file must hold exactly the bytes its header declares; Python objects are refused
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import final

from dnn_cli.base.spec import option
from dnn_cli.data.readers.array_stream import ArrayStream
from dnn_cli.data.readers.array_tables import array_tables
from dnn_cli.data.readers.bytes_in import file_size, open_regular
from dnn_cli.data.readers.npy_format import read_header
from dnn_cli.data.source import SOURCES, SourceSpec
from dnn_cli.data.table import Columns, Table


@final
@SOURCES.register("npy")
@dataclass(frozen=True, slots=True, kw_only=True)
class NpySpec(SourceSpec):
    """A `.npy` file of inputs (rows, ...) and, if wanted, one of targets."""

    path: Path = option("the .npy file of the inputs: (rows, columns) or (rows, height, width, …)")
    targets: Path | None = option("a .npy file of the targets: (rows,) or (rows, targets)", None)

    def tables(self, columns: Columns, rows: int | None = None) -> Iterator[Table]:
        """See `SourceSpec.tables`."""
        with ExitStack() as files:
            inputs = _stream(self.path, files, text=False)
            targets = None if self.targets is None else _stream(self.targets, files, text=True)
            yield from array_tables(inputs, targets, columns, rows)


def _stream(path: Path, files: ExitStack, *, text: bool) -> ArrayStream:
    file = files.enter_context(open_regular(path))
    header = read_header(file, file_size(file), str(path), text=text)
    fortran = header.fortran and len(header.shape) > 1
    return ArrayStream(header.shape, header.dtype, file, str(path), fortran)
