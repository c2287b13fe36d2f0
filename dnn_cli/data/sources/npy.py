"""Rows of a NumPy array file (`.npy`), with the targets in a second file or in its own columns.

Read       numbers of any width and byte order, in C or Fortran order; labels may be text
Fields     an array of one dimension whose type has fields is a table: see `readers.array_fields`
Memory     the array that training uses, and one block; in pieces: one piece (Fortran order: all)
Errors     the file must hold exactly the bytes its header declares; Python objects are refused
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import final

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.spec import option
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array, Shape
from dnn_cli.data.readers.array_fields import field_tables
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
            inputs = _stream(self.path, files, text=False, fields=self.targets is None)
            if inputs.dtype.names is not None:
                yield from _fields(inputs, columns, rows, partial(_again, self.path, files))
                return
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


def _stream(path: Path, files: ExitStack, *, text: bool, fields: bool = False) -> ArrayStream:
    file = files.enter_context(open_regular(path))
    header = read_header(file, file_size(file), str(path), text=text, fields=fields)
    fortran = header.fortran and len(header.shape) > 1
    return ArrayStream(header.shape, header.dtype, file, str(path), fortran)


def _again(path: Path, files: ExitStack) -> ArrayStream:
    return _stream(path, files, text=False, fields=True)


def _fields(
    inputs: ArrayStream, columns: Columns, rows: int | None, again: Callable[[], ArrayStream]
) -> Iterator[Table]:
    """The table of an array with fields."""
    shown = safe_text(inputs.origin)
    if len(inputs.shape) != 1:
        what = f"`{shown}` has fields, and the shape {inputs.shape}: a table has (rows,)"
        raise DataError(what, where=shown, fix="reshape it: np.save(file, array.ravel())")
    names = inputs.dtype.names or ()

    def opened(wanted: Sequence[str]) -> list[Callable[[int], Array]]:
        stream, block = again(), np.empty(0, inputs.dtype)

        def read(name: str, count: int) -> Array:
            nonlocal block
            if name == wanted[0]:  # all columns are read together, the first of them first
                block = stream.read(count)
            return block[name]

        return [partial(read, name) for name in wanted]

    yield from field_tables(inputs.origin, names, inputs.rows, columns, rows, opened)
