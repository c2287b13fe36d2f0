"""Tables for the tests of data: made in memory, or read from files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnn_cli.base.errors import DataError, DnnError
from dnn_cli.data.raw_columns import Numbers
from dnn_cli.data.source import SourceSpec
from dnn_cli.data.table import Columns, Table


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MemorySource(SourceSpec):
    """Rows that a test made; a new copy each time, as if read."""

    inputs: Any
    targets: Any = None
    names: tuple[str, ...] | None = None
    target_names: tuple[str, ...] | None = None
    extra: Any = None
    parts: Any = None
    notes: tuple[str, ...] = ()
    asked: Any = None  # the columns asked for are appended

    def tables(self, columns: Columns, rows: int | None = None) -> Iterator[Table]:
        if self.asked is not None:
            self.asked.append(columns)
        targets = None if self.targets is None else np.array(self.targets)
        extra = {name: np.array(values) for name, values in (self.extra or {}).items()}
        named = zip(self.names or (), self.inputs.T, strict=False)
        yield Table(
            self.inputs.copy() if self.names is None else np.empty((len(self.inputs), 0)),
            targets,
            None
            if self.names is None
            else {name: Numbers(values.astype(np.float64)) for name, values in named},
            self.target_names,
            extra,
            origin="rows.csv",
            notes=self.notes,
            parts=None if self.parts is None else np.array(self.parts),
        )


@pytest.fixture
def memory() -> Callable[..., MemorySource]:
    def source(inputs: Any, targets: Any = None, **more: Any) -> MemorySource:
        if not (isinstance(inputs, np.ndarray) and inputs.dtype == np.uint8):
            inputs = np.asarray(inputs, dtype=np.float32)
        return MemorySource(inputs=inputs, targets=targets, **more)

    return source


def with_matrix(table: Table) -> Table:
    """A table of numbers with them as its inputs, too, so that they can be compared at once."""
    columns = table.columns
    if columns is None or not all(isinstance(one, Numbers) for one in columns.values()):
        return table
    values = [one.values for one in columns.values() if isinstance(one, Numbers)]
    return replace(table, inputs=np.stack(values, axis=1))


def read_whole(spec: SourceSpec, **columns: Any) -> Table:
    [table] = list(spec.tables(Columns(**columns)))
    return with_matrix(table)


def read_pieces(spec: SourceSpec, rows: int, **columns: Any) -> Table:
    """All pieces, checked and put together."""
    tables = [with_matrix(table) for table in spec.tables(Columns(**columns), rows)]
    assert all(t.rows <= rows for t in tables)
    starts = np.cumsum([0, *(t.rows for t in tables)])[:-1]
    assert [t.first_row for t in tables] == starts.tolist()
    first = tables[0]
    targets = None if first.targets is None else np.concatenate([t.targets for t in tables])
    extra = {k: np.concatenate([t.extra[k] for t in tables]) for k in first.extra}
    inputs = np.concatenate([t.inputs for t in tables])
    named = zip(first.feature_names or (), inputs.T, strict=False)
    found = {name: Numbers(values) for name, values in named} if first.columns is not None else None
    return Table(inputs, targets, found, first.target_names, extra, first.origin)


def message_of(error: DnnError) -> str:
    return "\n".join(f"{p.what}\n{p.where}\n{p.why}\n{p.fix}" for p in error.problems)


@pytest.fixture
def whole() -> Callable[..., Table]:
    return read_whole


@pytest.fixture
def streamed() -> Callable[..., Table]:
    return read_pieces


@pytest.fixture
def refused(tmp_path: Path) -> Callable[..., str]:
    """Reads a source that must fail, whole and in pieces, and returns the message.

    The folder is cut out of it: its name holds the name of the test, and so half the message.
    """

    def read(spec: SourceSpec, error: type[DnnError] | None = None, **columns: Any) -> str:
        messages = []
        for how in (lambda: read_whole(spec, **columns), lambda: read_pieces(spec, 3, **columns)):
            with pytest.raises(error or DataError) as caught:
                how()
            assert type(caught.value) is (error or DataError)
            messages.append(message_of(caught.value).replace(f"{tmp_path}/", ""))
        return messages[0]

    return read


@pytest.fixture
def same() -> Callable[..., None]:
    """Two tables are equal bit by bit, types included."""

    def compare(one: Table, other: Table) -> None:
        for a, b in (
            (one.inputs, other.inputs),
            (one.targets, other.targets),
            *((one.extra[k], other.extra[k]) for k in one.extra),
        ):
            if a is None or b is None:
                assert a is None and b is None
                continue
            assert a.shape == b.shape and a.dtype.kind == b.dtype.kind
            if a.dtype.kind == "U":
                assert (a == b).all()
            else:
                assert a.dtype == b.dtype and a.tobytes() == b.tobytes()
        assert (one.feature_names, one.target_names) == (other.feature_names, other.target_names)

    return compare
