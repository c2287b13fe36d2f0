"""Rows of a NumPy archive (`.npz`): an array of inputs and, if there is one, an array of targets.

Keys       given, or the first pair of (inputs, targets), (x, y), (X, y) whose inputs are there
Read       as `.npy`; members stored or deflated, never extracted
Memory     the arrays that training uses, and one block; in pieces: one piece (Fortran order: all)
Errors     each member is unpacked no further than its header declares, and its checksum verified
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

from dnn_cli.base.errors import DataError
from dnn_cli.base.spec import option
from dnn_cli.base.text import nearest, safe_text
from dnn_cli.data.readers.array_stream import ArrayStream
from dnn_cli.data.readers.array_tables import array_tables
from dnn_cli.data.readers.bytes_in import open_regular
from dnn_cli.data.readers.npy_format import read_header
from dnn_cli.data.readers.zip_in import Archive, keys_of, open_archive
from dnn_cli.data.source import SOURCES, SourceSpec
from dnn_cli.data.table import Columns, Table

_PAIRS = (("inputs", "targets"), ("x", "y"), ("X", "y"))


@final
@SOURCES.register("npz")
@dataclass(frozen=True, slots=True, kw_only=True)
class NpzSpec(SourceSpec):
    """A `.npz` file with an array of inputs (rows, ...) and one of targets."""

    path: Path = option("the .npz file")
    inputs: str | None = option("key of the inputs (default: inputs, x or X)", None)
    targets: str | None = option("key of the targets (default: targets or y)", None)

    def tables(self, columns: Columns, rows: int | None = None) -> Iterator[Table]:
        """See `SourceSpec.tables`."""
        with open_regular(self.path) as file, open_archive(file, str(self.path)) as archive:
            inputs, targets = self._keys(archive, columns)
            x = _stream(archive, inputs, text=False)
            y = None if targets is None else _stream(archive, targets, text=True)
            yield from array_tables(x, y, columns, rows)

    def _keys(self, archive: Archive, columns: Columns) -> tuple[str, str | None]:
        pairs = [pair for pair in _PAIRS if pair[0] in archive.members]
        if self.inputs is not None:
            inputs = _present(archive, self.inputs, "inputs")
            default = next((y for x, y in _PAIRS if x == inputs), None)
        elif len(pairs) == 1:
            inputs, default = pairs[0]
        else:
            raise archive_error(archive, pairs)
        if self.targets is not None:
            return inputs, _present(archive, self.targets, "targets")
        by_position = any(isinstance(name, int) for name in columns.target)
        if default in archive.members and not by_position:
            return inputs, default
        return inputs, None


def archive_error(archive: Archive, pairs: list[tuple[str, str]]) -> DataError:
    """The error for an archive in which no key, or more than one, says where the inputs are."""
    found = "several keys may be" if pairs else "no key is one of inputs, x, X for"
    return DataError(
        f"`{safe_text(archive.origin)}`: {found} the inputs",
        where=safe_text(archive.origin),
        why=keys_of(archive),
        fix="name the keys: {type: npz, path: …, inputs: KEY, targets: KEY}",
    )


def _present(archive: Archive, key: str, role: str) -> str:
    if key in archive.members:
        return key
    close = nearest(key, archive.members)
    raise DataError(
        f"`{safe_text(archive.origin)}` has no array `{safe_text(key)}` of {role}",
        where=safe_text(archive.origin),
        why=keys_of(archive),
        fix=f"did you mean `{safe_text(close)}`?" if close else "",
    )


def _stream(archive: Archive, key: str, *, text: bool) -> ArrayStream:
    member = archive.open(key)
    header = read_header(member, member.size, member.origin, text=text)
    fortran = header.fortran and len(header.shape) > 1
    return ArrayStream(header.shape, header.dtype, member, member.origin, fortran)
