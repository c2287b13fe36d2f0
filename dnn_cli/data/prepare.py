"""From a `data` section to data sets: read, infer, divide, fit, scale.

Order      1 read `source`; 2 infer the task and encode the targets; 3 divide the rows; 4 fit
           the scaling on the training rows alone; 5 scale the parts; 6 read `valid` and `test`
           as `predict` and `evaluate` read their files, through the schema
Leaks      nothing but the list of classes is taken from rows outside the training part, and that
           only where rows are divided by chance
Memory     one copy of the inputs, plus the validation and test rows of a division: tables are used
           up, so a source that keeps its arrays must hand them out read-only
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from dnn_cli.base.errors import DataError, LimitError
from dnn_cli.base.task import TargetSign
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array, size_of
from dnn_cli.data.column import ColumnSpec
from dnn_cli.data.dataset import Dataset
from dnn_cli.data.dividing import divided, parts_given
from dnn_cli.data.encoding import Encoding, missing_targets
from dnn_cli.data.examples import as_examples
from dnn_cli.data.findings import leaks, lone_classes, merged_targets
from dnn_cli.data.fitted_inputs import fit_arrays, fit_columns, require_numbers
from dnn_cli.data.place import Place
from dnn_cli.data.reading import Reading, Storage, read
from dnn_cli.data.schema import DataSchema
from dnn_cli.data.source import SourceSpec
from dnn_cli.data.spec import DataSpec, MemoryKind
from dnn_cli.data.split import (
    Parts,
    without_targets,
)
from dnn_cli.data.table import Table
from dnn_cli.data.table_coding import SurpriseLog
from dnn_cli.data.table_fitting import ColumnStory, written_out
from dnn_cli.data.table_targets import check_lengths
from dnn_cli.data.target_scaling import scaled_targets
from dnn_cli.data.task import infer_task, reconstruction
from dnn_cli.data.weights import normalised, weights_of


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Everything a run needs of its data.

    `spec` is the section as given with every `auto` replaced by what it became; `minimum` and
    `maximum` are the ranges of the training inputs before scaling, one a column (or a channel,
    or altogether: see `statistics`); `notes` are lines to print and record, and `columns` says
    what became of each column of a table.
    """

    train: Dataset
    valid: Dataset | None
    test: Dataset | None
    schema: DataSchema
    spec: DataSpec
    minimum: Array
    maximum: Array
    notes: tuple[str, ...]
    columns: tuple[ColumnStory, ...] = ()
    test_rows: Array | None = None  # of the source, counted from 1, where the test part is of it


def prepare(spec: DataSpec, reading: Reading | None = None, sign: TargetSign = "any") -> Prepared:
    """Read, by `reading` if it is given, check, divide and scale the data that `spec` describes.

    Targets that are numbers have a `sign`.

    Raises:
        DataError: the data are damaged, or do not fit what the section says.
        LimitError: they do not fit into memory, and may not, or cannot, lie on disk.
    """
    if reading is not None:
        return _prepare(spec, reading, sign)
    try:
        return _prepare(spec, _stored(spec, spec.memory), sign)
    except LimitError:
        if spec.memory != "auto" or not spec.source.table_files():
            raise
    return _prepare(spec, _stored(spec, "disk"), sign)  # read, they fitted, and coded no more


def _stored(spec: DataSpec, memory: MemoryKind) -> Reading:
    return partial(read, storage=Storage(memory, spec.cache))


def _prepare(spec: DataSpec, reading: Reading, sign: TargetSign) -> Prepared:
    notes: list[str] = []
    table = with_targets(reading(spec.source, spec.wanted()), spec, notes)
    notes.extend(table.notes)
    check_lengths(table)
    place = Place.of(table)
    parts = parts_given(table, spec, place, notes)
    encoding, targets = encode_targets(table, spec, parts, place, notes, sign)
    parts, split = divided(table, spec, place, parts, encoding.task, targets, notes)
    spec = replace(spec, split=split)
    fit = fit_arrays if table.columns is None else fit_columns
    inputs = fit(table, parts, spec, place, notes)
    if encoding.task.kind == "reconstruction":
        require_numbers(inputs.coding, place)
        encoding = reconstruction(size_of(inputs.shape))  # of columns that is known only now
        notes.append(f"task: reconstruction of {encoding.task.count} inputs")
    schema = DataSchema(
        input_shape=inputs.shape,
        input_kind=inputs.kind,
        coding=inputs.coding,
        scaling=inputs.scaling,
        encoding=encoding,
        target=_target_columns(table, spec),
        target_scaling=scaled_targets(
            spec.target_scale, encoding.task, targets, parts.train, notes
        ),
        dialect=table.dialect,
        missing=spec.gaps,
        weight=spec.weight,
    )
    if encoding.task.kind == "regression":
        assert table.targets is not None and targets is not None
        rows, labels = parts.train, encoding.task.labels
        learned = schema.target_scaling.scaled(targets[rows])
        raw, kind = table.targets[rows], spec.target_scale
        notes.extend(merged_targets(raw, targets[rows], learned, labels, place, kind))
    weights = None if spec.weight is None else weights_of(table, spec.weight, place)

    def assembled(inputs: Array, rows: Array) -> Dataset:
        where, found = place.part(rows), None
        if weights is not None and spec.weight is not None:
            found = normalised(weights[rows], spec.weight, where)
        return schema.assemble(inputs, None if targets is None else targets[rows], where, found)

    train, valid, test = map(assembled, inputs.parts, (parts.train, parts.valid, parts.test))
    others = {
        "validation": _other(valid, spec.valid, schema, "validation", notes, reading),
        "test": _other(test, spec.test, schema, "test", notes, reading),
    }
    notes.extend(lone_classes(train))
    for name, part in others.items():
        notes.extend([] if part is None else leaks(name, part, train))
    resolved = replace(
        spec,
        scale=inputs.scale,
        target_scale="standard" if spec.target_scale == "auto" else spec.target_scale,
        columns=_columns_of(inputs.stories, spec),
        task=encoding.task.kind,
        positive=encoding.positive or None,
    )
    return Prepared(
        train=train,
        valid=others["validation"],
        test=others["test"],
        schema=schema,
        spec=resolved,
        minimum=inputs.low,
        maximum=inputs.high,
        notes=tuple(notes),
        columns=inputs.stories,
        test_rows=None if spec.test is not None else place.numbers(parts.test),
    )


def _columns_of(stories: tuple[ColumnStory, ...], spec: DataSpec) -> dict[str, ColumnSpec] | None:
    found = {one.name: one.spec for one in stories}
    return (found or None) if written_out(found) else spec.columns


def with_targets(table: Table, spec: DataSpec, notes: list[str]) -> Table:
    """`table` without the rows whose target is missing, which are counted."""
    if table.targets is None or spec.missing == "error" or spec.reconstructs:
        return table
    missing = missing_targets(table.targets)
    count = int(missing.sum())
    if not count:
        return table
    if count == len(missing):
        raise DataError("all targets are missing", where=safe_text(table.origin))
    column = spec.split.column if spec.split else None
    marks = table.extra.get(column or "")
    whose = "" if marks is None else without_targets(marks, missing, Place.of(table))
    notes.append(f"{count:,} of {len(missing):,} rows are left out: their target is missing{whose}")
    return table.take(np.flatnonzero(~missing))


def encode_targets(
    table: Table,
    spec: DataSpec,
    parts: Parts | None,
    place: Place,
    notes: list[str],
    sign: TargetSign = "any",
) -> tuple[Encoding, Array | None]:
    """The task, and the encoded targets of all rows.

    Parts that the user made must bring no class that is not in the training part; parts made by
    chance may well, and then all rows say which classes there are.
    """
    if spec.reconstructs:
        return reconstruction(size_of(as_examples(table.inputs).shape[1:])), None
    if table.targets is None:
        advice = spec.source.target_advice(table.inputs.shape)
        raise DataError(
            "there are no targets",
            where=safe_text(table.origin),
            fix=f"{advice}; `target: inputs` reconstructs the inputs",
        )
    basis, basis_place = table.targets, place
    if parts is not None:
        folded = spec.split is not None and spec.split.fold is not None
        known = parts.pool if folded else parts.train
        basis, basis_place = basis[known], place.part(known)
    encoding, said = infer_task(basis, spec, basis_place, table.target_names)
    notes.extend(said)
    encoding = replace(encoding, sign=sign)
    return encoding, encoding.encode(table.targets, place)


def _target_columns(table: Table, spec: DataSpec) -> tuple[str | int, ...]:
    """Names where there are names: a position in a file with other columns means another one."""
    if spec.reconstructs:
        return ()
    return spec.targets if table.target_names is None else table.target_names


def _other(
    part: Dataset,
    source: SourceSpec | None,
    schema: DataSchema,
    name: str,
    notes: list[str],
    reading: Reading,
) -> Dataset | None:
    """A part besides training: from a source of its own, or divided off, or none."""
    if source is None:
        return part if part.rows else None
    table = schema.adapted(reading(source, schema.columns(target_required=True)))
    if schema.weight is not None and schema.weight not in table.extra:
        weights_of(table, schema.weight, Place.of(table))  # which says that it is missing
    notes.extend(note for note in table.notes if note not in notes)
    log = SurpriseLog()
    found = schema.dataset(table, with_targets=True, log=log)
    notes.extend(log.lines(name))
    return found
