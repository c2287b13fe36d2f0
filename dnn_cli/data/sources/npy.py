"""Rows of a NumPy array file (`.npy`), with the targets in a second file or in its own columns.

Read       numbers of any width and byte order, in C or Fortran order; labels may be text
Memory     the array that training uses, and one block; in pieces: one piece (Fortran order: all)
Errors     the file must hold exactly the bytes its header declares; Python objects are refused
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import final

from dnn_cli.base.spec import option
from dnn_cli.base.types import Shape
from dnn_cli.data.readers.array_stream import ArrayStream
from dnn_cli.data.readers.array_tables import array_tables
from dnn_cli.data.readers.bytes_in import file_size, open_regular
from dnn_cli.data.readers.npy_format import read_header
from dnn_cli.data.source import SOURCES, SourceSpec
from dnn_cli.data.source_line import source_line
from dnn_cli.data.table import Columns, Table

# Words in names of files of inputs, and those in their place in names of targets.
_NAMES = (
    ("x", "y"),
    ("x", "Y"),
    ("inputs?", "targets"),
    ("features?", "targets"),
    ("images?", "labels"),
    ("data", "labels"),
    ("data", "targets"),
)


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

    def target_advice(self, inputs: Shape) -> str:
        """See `SourceSpec.target_advice`; the file of the targets is looked for beside."""
        path = Path(self.path)
        beside = [path.with_name(name) for name in _names_of_targets(path.stem)]
        found = next((one for one in beside if one != path and one.is_file()), None)
        line = source_line("npy", {"path": path, "targets": found or beside[-1]})
        table = found is None and len(inputs) == 2 and inputs[1] > 1
        return f"{line}, or `data.target: -1` if they are the last column" if table else line


def _names_of_targets(inputs: str) -> list[str]:
    """How the file of targets may be called beside one called `inputs`, the likely names first."""
    named = [re.sub(f"(?i:{x})", y, inputs) for x, y in _NAMES if re.search(f"(?i:{x})", inputs)]
    return [f"{name}.npy" for name in (*named, "targets", "labels", "Y", "y")]


def _stream(path: Path, files: ExitStack, *, text: bool) -> ArrayStream:
    file = files.enter_context(open_regular(path))
    header = read_header(file, file_size(file), str(path), text=text)
    fortran = header.fortran and len(header.shape) > 1
    return ArrayStream(header.shape, header.dtype, file, str(path), fortran)
