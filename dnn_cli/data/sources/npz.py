"""Rows of a NumPy archive (`.npz`): an array of inputs and, if there is one, an array of targets.

Keys       given, or the first pair of (inputs, targets), (x, y), (X, y) whose inputs are there
Columns    where all arrays have one dimension and as many rows, they are the columns of a table,
           called as their keys are: see `readers.array_fields`
Read       as `.npy`; members stored or deflated, never extracted
Memory     the arrays that training uses, and one block; in pieces: one piece (Fortran order: all)
Errors     each member is unpacked no further than its header declares, and its checksum verified
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import final

from dnn_cli.base.errors import DataError
from dnn_cli.base.spec import option
from dnn_cli.base.text import nearest, safe_text
from dnn_cli.base.types import Array, Shape, size_of
from dnn_cli.data.readers.array_fields import field_tables
from dnn_cli.data.readers.array_stream import ArrayStream
from dnn_cli.data.readers.array_tables import array_tables
from dnn_cli.data.readers.bytes_in import open_regular
from dnn_cli.data.readers.npy_format import read_header
from dnn_cli.data.readers.zip_in import Archive, keys_of, open_archive
from dnn_cli.data.source import SOURCES, SourceSpec
from dnn_cli.data.source_line import source_line
from dnn_cli.data.table import Columns, Table

_SHOWN = 20  # keys that a message lists
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
            if (names := self._names(archive)) is not None:
                yield from _table(archive, names, columns, rows)
                return
            inputs, targets = self._keys(archive, columns)
            x = _stream(archive, inputs, text=False)
            y = None if targets is None else _stream(archive, targets, text=True)
            others = {key: _stream(archive, key, text=True) for key in _others(archive, columns)}
            for table in array_tables(x, y, columns, rows):
                extra = {key: one.read_targets(table.rows) for key, one in others.items()}
                yield replace(table, extra=extra) if extra else table

    def _names(self, archive: Archive) -> tuple[str, ...] | None:
        """The keys, where the arrays are the columns of a table."""
        if self.inputs is not None or self.targets is not None:
            return None
        shapes = _shapes(archive, len(archive.members), dates=True)
        if not shapes or any(len(shape) != 1 for shape in shapes.values()):
            return None
        return tuple(archive.members)

    def _keys(self, archive: Archive, columns: Columns) -> tuple[str, str | None]:
        pairs = [pair for pair in _PAIRS if pair[0] in archive.members]
        if self.inputs is not None:
            inputs = _present(archive, self.inputs, "inputs")
            default = next((y for x, y in _PAIRS if x == inputs), None)
        elif len(pairs) == 1:
            inputs, default = pairs[0]
        else:
            raise self._unclear(archive, pairs, columns)
        if self.targets is not None:
            return inputs, _present(archive, self.targets, "targets")
        by_position = any(isinstance(name, int) for name in columns.target)
        if default in archive.members and not by_position:
            return inputs, default
        return inputs, None

    def _unclear(
        self, archive: Archive, pairs: list[tuple[str, str]], columns: Columns
    ) -> DataError:
        """The error where no key, or more than one, says where the inputs are."""
        found = "several keys may be" if pairs else "no key is one of inputs, x, X for"
        x, y = _likely(archive)
        named = {"x": x, "y": y} if y is not None and columns.target_required else {"x": x}
        pairs_shown = ", ".join(f"{key}={safe_text(name)}" for key, name in named.items())
        return DataError(
            f"`{safe_text(archive.origin)}`: {found} the inputs",
            where=safe_text(archive.origin),
            why=_described(archive),
            fix=f"save them under keys that are known: np.savez('data.npz', {pairs_shown})"
            if columns.of_model
            else self._line(x, (y or "KEY") if columns.target_required else None),
        )

    def target_advice(self, inputs: Shape) -> str:
        """See `SourceSpec.target_advice`; the archive is looked into for likely targets."""
        with open_regular(self.path) as file, open_archive(file, str(self.path)) as archive:
            if self._names(archive) is not None:
                return SourceSpec.target_advice(self, inputs)
            key, _ = self._keys(archive, Columns())
            targets = _likely(archive, key)[1]
        if targets is None and len(inputs) == 2 and inputs[1] > 1:
            return "`data.target: -1` if they are the last column"
        return self._line(key, targets or "KEY")

    def _line(self, inputs: str, targets: str | None) -> str:
        options: dict[str, str | Path] = {"path": Path(self.path), "inputs": inputs}
        return source_line("npz", options if targets is None else {**options, "targets": targets})


def _likely(archive: Archive, inputs: str | None = None) -> tuple[str, str | None]:
    """The keys that inputs (`inputs`, if it is known) and targets seem to have, by their shapes.

    Targets have as many rows as the inputs and fewer numbers in each; of several pairs, one of a
    training set, with names that are alike.
    """
    shapes = _shapes(archive)
    for key in sorted(shapes, key=lambda name: "train" not in name.lower()):
        rows, width = shapes[key][:1], size_of(shapes[key][1:])
        if len(shapes[key]) < 2 or inputs not in (None, key):
            continue
        others = [
            name
            for name, shape in shapes.items()
            if shape[:1] == rows and len(shape) <= 2 and size_of(shape[1:]) < width
        ]
        if others:
            return key, nearest(key, others) or others[0]
    return inputs or next(iter(shapes), "KEY"), None


def _table(
    archive: Archive, names: tuple[str, ...], columns: Columns, rows: int | None
) -> Iterator[Table]:
    lengths = {key: shape[0] for key, shape in _shapes(archive, len(names), dates=True).items()}
    shown, length = safe_text(archive.origin), next(iter(lengths.values()))
    other = next((key for key, rows in lengths.items() if rows != length), None)
    if other is not None:
        raise DataError(
            f"the arrays of `{shown}` are columns of different lengths",
            where=shown,
            why=f"`{safe_text(next(iter(lengths)))}` has {length:,} rows, "
            f"`{safe_text(other)}` {lengths[other]:,}",
            fix="save arrays of the same length, or inputs of the shape (rows, columns) as `x`",
        )

    def opened(wanted: Sequence[str]) -> list[Callable[[int], Array]]:
        return [_stream(archive, key, text=True, dates=True).read for key in wanted]

    yield from field_tables(archive.origin, names, length, columns, rows, opened)


def _shapes(archive: Archive, most: int = _SHOWN, *, dates: bool = False) -> dict[str, Shape]:
    """The shapes of the first arrays that can be read, by key."""
    found = {}
    for key in islice(archive.members, most):
        with suppress(DataError):
            found[key] = _stream(archive, key, text=True, dates=dates).shape
    return found


def _described(archive: Archive) -> str:
    """The keys and shapes found, for a message."""
    shapes = _shapes(archive)
    if not shapes:
        return keys_of(archive)
    more = len(archive.members) - len(shapes)
    listed = ", ".join(f"{safe_text(k, 40)} {safe_text(v, 40)}" for k, v in shapes.items())
    return f"the archive holds {listed}" + (f" and {more} more" if more else "")


def _others(archive: Archive, columns: Columns) -> list[str]:
    """The keys of the arrays that are carried along."""
    wanted = [_present(archive, key, "weights") for key in columns.extra]
    return [*wanted, *(key for key in columns.optional if key in archive.members)]


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


def _stream(archive: Archive, key: str, *, text: bool, dates: bool = False) -> ArrayStream:
    member = archive.open(key)
    header = read_header(member, member.size, member.origin, text=text, dates=dates)
    fortran = header.fortran and len(header.shape) > 1
    return ArrayStream(header.shape, header.dtype, member, member.origin, fortran)
