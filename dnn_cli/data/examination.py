"""A table laid open: its columns part by part, and every error in it, not the first alone.

Order      as `prepare` goes; but where a column, the targets or the division are at fault, the
           error is kept, and the rest is looked at without them
Leaks      statistics are the training part's: a column is laid open part by part, and nothing but
           the training rows says what it is
Memory     of one column at a time a copy; the coded rows of all parts are those of `Prepared`
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from dnn_cli.base.errors import DataError, Problem
from dnn_cli.base.task import Task
from dnn_cli.base.types import Array
from dnn_cli.data.column import Column, ColumnSpec, Fitting
from dnn_cli.data.columns.category import MANY_ROWS, RARE
from dnn_cli.data.columns.number import NumberColumn
from dnn_cli.data.dataset import Dataset
from dnn_cli.data.dividing import divided, parts_given
from dnn_cli.data.inference import Guess, guess
from dnn_cli.data.open_column import OpenColumn, as_numbers
from dnn_cli.data.place import Place
from dnn_cli.data.prepare import Prepared, encode_targets, with_targets
from dnn_cli.data.raw_columns import Numbers, RawColumn, RawColumns
from dnn_cli.data.reading import Reading
from dnn_cli.data.source import SourceSpec
from dnn_cli.data.spec import DataSpec
from dnn_cli.data.split import Parts
from dnn_cli.data.table import Columns, Table

PARTS = ("train", "valid", "test")


@dataclass(frozen=True, slots=True)
class Fault:
    """What would stop a training, and the column in which it is; empty: none in particular."""

    column: str
    problem: Problem


@dataclass(eq=False)
class Examination:
    """All that findings are made of."""

    rows: Mapping[str, int]  # of each part that there is
    task: Task | None  # None: the targets are at fault
    targets: Mapping[str, Array]  # encoded, of each part; nothing of a reconstruction
    coded: Mapping[str, Array]  # the inputs of each part as a training sees them
    faults: tuple[Fault, ...] = ()
    left_out: int = 0  # rows without a target
    tabular: bool = True  # whether there are columns
    scale: str = "standard"
    _columns: RawColumns = field(default_factory=dict)
    _rows: Mapping[str, Array] = field(default_factory=dict)
    _others: Mapping[str, RawColumns] = field(default_factory=dict)  # from sources of their own
    _kinds: Mapping[str, _Kind] = field(default_factory=dict)

    def columns(self) -> Iterator[OpenColumn]:
        """The columns one by one: a copy lives as long as it is looked at."""
        if not self._columns and self.tabular:
            for i in range(self.coded["train"].shape[1]):
                values = {p: one[:, i].astype(np.float64) for p, one in self.coded.items()}
                numbers = {part: Numbers(one) for part, one in values.items()}
                yield OpenColumn(str(i), None, numbers, True, self.scale)
        for name, raw in self._columns.items():
            kind = self._kinds[name]
            raw = as_numbers(raw, kind.column)
            found: dict[str, RawColumn] = {p: raw.take(rows) for p, rows in self._rows.items()}
            for part, one in self._others.items():
                if name in one:
                    found[part] = as_numbers(one[name], kind.column)
            scale = kind.column.scale if isinstance(kind.column, NumberColumn) else ""
            used = kind.column is not None
            yield OpenColumn(name, kind.spec, found, used, scale, kind.reason)

    @property
    def named(self) -> bool:
        """Whether the columns have names."""
        return bool(self._columns)

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self._columns) or (self.coded["train"].shape[1] if self.tabular else 0)


def remembered(reading: Reading) -> Reading:
    """`reading`, each source read once."""
    found: dict[SourceSpec, Table] = {}

    def read(source: SourceSpec, columns: Columns) -> Table:
        if source not in found:
            found[source] = reading(source, columns)
        return found[source]

    return read


def examine(spec: DataSpec, prepared: Prepared | None, reading: Reading) -> Examination:
    """Lay open the data of `spec`; `prepared` is what a training would have, if it gets so far.

    Raises:
        DataError: the file cannot be read, or has no columns and is at fault.
    """
    if prepared is not None and prepared.schema.coding is None:
        return _of_arrays(prepared)
    # Columns said to be numbers may hold words: they are read as they are, and all told.
    wanted = spec.wanted()
    types = {name: kind for name, kind in wanted.types.items() if kind != "number"}
    table = reading(spec.source, replace(wanted, types=types))
    if table.columns is None:
        raise DataError("these are arrays, without columns")
    faults: list[Fault] = []
    rows = table.rows
    try:
        table = with_targets(table, spec, [])
    except DataError as error:
        faults += _faults(error)
    place = Place.of(table)
    parts, task, targets = _divided(table, spec, place, faults)
    columns = table.columns
    assert columns is not None
    if prepared is None:
        kinds, matrix = _fit(columns, parts.train, spec, place, faults)
    else:
        kinds = _prepared_kinds(prepared)
    named = zip(PARTS, (parts.train, parts.valid, parts.test), strict=True)
    found = {name: one for name, one in named if len(one)}
    others = _others(spec, kinds, prepared, reading, faults)
    if prepared is None:
        coded = {name: matrix[one] for name, one in found.items()}
        known = {} if targets is None else {name: targets[one] for name, one in found.items()}
    else:
        coded, known = _inputs(prepared), _targets(prepared)
    return Examination(
        rows={
            **{name: len(one) for name, one in found.items()},
            **{name: one.rows for name, one in others.items()},
        },
        task=task,
        targets=known,
        coded=coded,
        faults=tuple(faults),
        left_out=rows - table.rows,
        scale="standard" if spec.scale == "auto" else spec.scale,
        _columns=columns,
        _rows=found,
        _others={name: one.columns for name, one in others.items() if one.columns is not None},
        _kinds=kinds,
    )


def _of_arrays(prepared: Prepared) -> Examination:
    train = prepared.train
    return Examination(
        rows={name: one.rows for name, one in _parts(prepared).items()},
        task=train.task,
        targets=_targets(prepared),
        coded=_inputs(prepared),
        tabular=len(train.input_shape) == 1 and train.inputs.dtype != np.uint8,
        scale=prepared.schema.scaling.kind,
    )


def _parts(prepared: Prepared) -> dict[str, Dataset]:
    parts = zip(PARTS, (prepared.train, prepared.valid, prepared.test), strict=True)
    return {name: one for name, one in parts if one is not None}


def _inputs(prepared: Prepared) -> dict[str, Array]:
    return {name: one.inputs for name, one in _parts(prepared).items()}


def _targets(prepared: Prepared) -> dict[str, Array]:
    return {n: one.targets for n, one in _parts(prepared).items() if one.targets is not None}


def _faults(error: DataError, column: str = "") -> list[Fault]:
    return [Fault(column, problem) for problem in error.problems]


def _divided(
    table: Table, spec: DataSpec, place: Place, faults: list[Fault]
) -> tuple[Parts, Task | None, Array | None]:
    """The parts, the task and the targets; where they are at fault, all rows and none."""
    none = np.empty(0, np.intp)
    parts, task, targets, whole = None, None, None, Parts(np.arange(table.rows), none, none)
    try:
        parts = parts_given(table, spec, place, [])
    except DataError as error:
        faults += _faults(error)
    try:
        encoding, targets = encode_targets(table, spec, parts, place, [])
        task = encoding.task
    except DataError as error:
        faults += _faults(error, str(spec.targets[0]) if len(spec.targets) == 1 else "")
    if parts is None and not (spec.split and spec.split.column):
        try:
            as_numbers = task or Task("regression", 1)
            parts, _ = divided(table, spec, place, None, as_numbers, targets, [])
        except DataError as error:
            faults += _faults(error)
    return parts or whole, task, targets


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a column is taken for, why, and what was fitted to it: None if it is not used."""

    spec: ColumnSpec
    reason: str
    column: Column | None


def _prepared_kinds(prepared: Prepared) -> dict[str, _Kind]:
    assert prepared.schema.coding is not None
    fitted = {one.name: one for one in prepared.schema.coding.columns}
    return {one.name: _Kind(one.spec, one.reason, fitted.get(one.name)) for one in prepared.columns}


def _fit(
    columns: RawColumns, train: Array, spec: DataSpec, place: Place, faults: list[Fault]
) -> tuple[dict[str, _Kind], Array]:
    """What each column is, and the coded rows of those that have no fault; all faults."""
    min_count = RARE if len(train) >= MANY_ROWS else 1
    scale = "standard" if spec.scale == "auto" else spec.scale
    fitting, given = Fitting(train, place, scale, min_count), spec.columns or {}
    found: dict[str, _Kind] = {}
    coded = []
    for name, raw in columns.items():
        guessed = Guess(given[name]) if name in given else guess(name, raw, train, min_count)
        column = None
        try:
            column = guessed.spec.fit(name, raw, fitting)
            if column is not None:
                coded.append(_coded(column, raw, place))
        except DataError as error:
            faults += _faults(error, name)
        found[name] = _Kind(guessed.spec, guessed.reason, column)
    rows = np.concatenate(coded, axis=1) if coded else np.empty((len(train), 0), np.float32)
    return found, rows


def _coded(column: Column, raw: RawColumn, place: Place) -> Array:
    count = len(column.outputs)
    coded = np.empty((raw.rows, count + len(column.levels)), np.float32)
    column.encode(raw, coded[:, :count], coded[:, count:], place)
    return coded


def _others(
    spec: DataSpec,
    kinds: Mapping[str, _Kind],
    prepared: Prepared | None,
    reading: Reading,
    faults: list[Fault],
) -> dict[str, Table]:
    """The tables of parts that have a source of their own, and all that is wrong in them."""
    found: dict[str, Table] = {}
    for name, source in (("valid", spec.valid), ("test", spec.test)):
        if source is None:
            continue
        schema = None if prepared is None else prepared.schema
        wanted = spec.wanted() if schema is None else schema.columns(target_required=True)
        try:
            table = reading(source, wanted)
        except DataError as error:
            faults += _faults(error)
            continue
        found[name] = table
        if schema is None:
            for one, raw in (table.columns or {}).items():
                column = kinds[one].column if one in kinds else None
                try:
                    if column is not None:
                        _coded(column, raw, Place.of(table))
                except DataError as error:
                    faults += _faults(error, one)
    return found
