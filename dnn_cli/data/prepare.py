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

import numpy as np

from dnn_cli.base.errors import DataError, LimitError
from dnn_cli.base.task import Task
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array, size_of
from dnn_cli.data.column import ColumnSpec
from dnn_cli.data.dataset import Dataset
from dnn_cli.data.encoding import Encoding, missing_targets
from dnn_cli.data.examples import as_examples
from dnn_cli.data.findings import leaks, lone_classes, merged_targets
from dnn_cli.data.fitted_inputs import fit_arrays, fit_columns, require_numbers
from dnn_cli.data.place import Place
from dnn_cli.data.reading import Storage, read
from dnn_cli.data.schema import DataSchema
from dnn_cli.data.source import SourceSpec
from dnn_cli.data.spec import DataSpec, MemoryKind, SplitSpec
from dnn_cli.data.split import (
    Parts,
    check_given_once,
    counted,
    leaves_room,
    rare_classes,
    split_by_column,
    split_by_share,
    without_targets,
)
from dnn_cli.data.table import Table
from dnn_cli.data.table_coding import SurpriseLog
from dnn_cli.data.table_fitting import ColumnStory, written_out
from dnn_cli.data.table_targets import check_lengths
from dnn_cli.data.target_scaling import TargetScaling, fit_target_scaling
from dnn_cli.data.task import infer_task, reconstruction

BRIGHT = 128  # bytes that stay below do not use their range: x / 255 would leave them small


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


def prepare(spec: DataSpec) -> Prepared:
    """Read, check, divide and scale the data that `spec` describes.

    Raises:
        DataError: the data are damaged, or do not fit what the section says.
        LimitError: they do not fit into memory, and may not, or cannot, lie on disk.
    """
    try:
        return _prepare(spec, spec.memory)
    except LimitError:
        if spec.memory != "auto" or not spec.source.table_files():
            raise
    return _prepare(spec, "disk")  # read, they fitted, and coded no more


def _prepare(spec: DataSpec, memory: MemoryKind) -> Prepared:
    storage = Storage(memory, spec.cache)
    notes: list[str] = []
    table = _with_targets(read(spec.source, spec.wanted(), storage), spec, notes)
    notes.extend(table.notes)
    check_lengths(table)
    place = Place.of(table)
    parts = _parts_given(table, spec, place, notes)
    encoding, targets = _encode(table, spec, parts, place, notes)
    if parts is None:
        parts = _parts_by_share(place, table.rows, spec.split, encoding.task, targets, notes)
    fit = fit_arrays if table.columns is None else fit_columns
    inputs = fit(table, parts, spec, place, notes)
    schema = DataSchema(
        input_shape=inputs.shape,
        input_kind=inputs.kind,
        coding=inputs.coding,
        scaling=inputs.scaling,
        encoding=encoding,
        target=_target_columns(table, spec),
        target_scaling=_target_scaling(spec, encoding.task, targets, parts.train, notes),
        dialect=table.dialect,
        missing=spec.gaps,
    )
    if encoding.task.kind == "regression":
        assert table.targets is not None and targets is not None
        rows, labels = parts.train, encoding.task.labels
        learned = schema.target_scaling.scaled(targets[rows])
        raw, kind = table.targets[rows], spec.target_scale
        notes.extend(merged_targets(raw, targets[rows], learned, labels, place, kind))
    if encoding.task.kind == "reconstruction":
        require_numbers(inputs.coding, place)
    train, valid, test = (
        schema.assemble(one, None if targets is None else targets[rows], place.part(rows))
        for one, rows in zip(inputs.parts, (parts.train, parts.valid, parts.test), strict=True)
    )
    others = {
        "validation": _other(valid, spec.valid, schema, "validation", notes, storage),
        "test": _other(test, spec.test, schema, "test", notes, storage),
    }
    notes.extend(lone_classes(train))
    for name, part in others.items():
        notes.extend([] if part is None else leaks(name, part, train))
    resolved = replace(
        spec,
        scale=inputs.scale,
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
    )


def _columns_of(stories: tuple[ColumnStory, ...], spec: DataSpec) -> dict[str, ColumnSpec] | None:
    found = {one.name: one.spec for one in stories}
    return (found or None) if written_out(found) else spec.columns


def _with_targets(table: Table, spec: DataSpec, notes: list[str]) -> Table:
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


def _encode(
    table: Table, spec: DataSpec, parts: Parts | None, place: Place, notes: list[str]
) -> tuple[Encoding, Array | None]:
    """The task, and the encoded targets of all rows.

    Parts that the user made must bring no class that is not in the training part; parts made by
    chance may well, and then all rows say which classes there are.
    """
    if spec.reconstructs:
        width = size_of(as_examples(table.inputs).shape[1:])
        notes.append(f"task: reconstruction of {width} inputs")
        return reconstruction(width), None
    if table.targets is None:
        advice = spec.source.target_advice(table.inputs.shape)
        raise DataError(
            "there are no targets",
            where=safe_text(table.origin),
            fix=f"{advice}; `target: inputs` reconstructs the inputs",
        )
    basis, basis_place = table.targets, place
    if parts is not None:
        basis, basis_place = basis[parts.train], place.part(parts.train)
    encoding, said = infer_task(basis, spec, basis_place, table.target_names)
    notes.extend(said)
    return encoding, encoding.encode(table.targets, place)


def _parts_given(table: Table, spec: DataSpec, place: Place, notes: list[str]) -> Parts | None:
    """The parts that the source brings, or that a column names, or none."""
    if table.parts is not None:
        check_given_once(table.parts, spec, place)
        parts = split_by_column(table.parts, place, "part")
        notes.append(_sizes(parts, "by folder"))
        return parts
    if spec.split is None or spec.split.column is None:
        return None
    column = spec.split.column
    if column not in table.extra:
        raise DataError(
            f"there is no column `{safe_text(column)}` to split by", where=safe_text(table.origin)
        )
    parts = split_by_column(table.extra[column], place, column)
    notes.append(_sizes(parts, f"by column {safe_text(column)}"))
    return parts


def _parts_by_share(
    place: Place,
    rows: int,
    split: SplitSpec | None,
    task: Task,
    targets: Array | None,
    notes: list[str],
) -> Parts:
    if split is None:
        none = np.empty(0, dtype=np.intp)
        return Parts(np.arange(rows, dtype=np.intp), none, none)
    strata, how, where = None, "by chance", safe_text(place.origin)
    rare: dict[int, int] = {}
    if task.classifies and targets is not None and split.stratify is not False:
        rare = rare_classes(targets, split)
        few = counted((task.labels[k], count) for k, count in rare.items())
        if rare and split.stratify is True:
            raise DataError(
                f"too few rows for one in each part: {few}",
                where=where,
                fix="set `split.stratify: auto`, or give more rows of these classes",
            )
        if leaves_room(rare, rows, split):
            strata, how = targets, "stratified by class"
            how += f"; too few rows to divide, so all in training: {few}" if rare else ""
        else:
            how = f"not stratified, as most classes have too few rows: {few}"
    elif split.stratify is True:
        raise DataError(
            f"a {task.kind} task has no classes to stratify by",
            where=where,
            fix="remove `split.stratify`",
        )
    parts = split_by_share(rows, split, strata, where, rare)
    notes.append(_sizes(parts, f"{how}, seed {split.seed}"))
    return parts


def _sizes(parts: Parts, how: str) -> str:
    sizes = f"{len(parts.train)} train, {len(parts.valid)} valid, {len(parts.test)} test"
    return f"split: {sizes} rows ({how})"


def _target_scaling(
    spec: DataSpec, task: Task, targets: Array | None, train: Array, notes: list[str]
) -> TargetScaling:
    if task.kind != "regression" or targets is None or spec.target_scale == "none":
        return TargetScaling()
    found = fit_target_scaling(spec.target_scale, targets[train])
    assert found.mean is not None and found.deviation is not None
    figures = zip(task.labels, found.mean, found.deviation, strict=True)
    shown = [f"{safe_text(name)} {mean:.6g} ± {by:.6g}" for name, mean, by in figures]
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    notes.append(
        f"target_scale: standard ({', '.join(shown[:3])}{more}): "
        "the loss is of scaled targets, metrics and predictions are in the targets' units"
    )
    return found


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
    storage: Storage,
) -> Dataset | None:
    """A part besides training: from a source of its own, or divided off, or none."""
    if source is None:
        return part if part.rows else None
    table = schema.adapted(read(source, schema.columns(target_required=True), storage))
    notes.extend(note for note in table.notes if note not in notes)
    log = SurpriseLog()
    found = schema.dataset(table, with_targets=True, log=log)
    notes.extend(log.lines(name))
    return found
