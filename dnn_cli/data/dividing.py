"""Which rows are for training, validation and test: as is said, or by chance."""

from __future__ import annotations

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.task import Task
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.folds import fold_of
from dnn_cli.data.place import Place
from dnn_cli.data.spec import DataSpec, SplitSpec
from dnn_cli.data.split import (
    Parts,
    check_given_once,
    counted,
    leaves_room,
    left_to_divide,
    rare_classes,
    split_by_column,
    split_by_share,
    within_training,
)
from dnn_cli.data.table import Table


def parts_given(table: Table, spec: DataSpec, place: Place, notes: list[str]) -> Parts | None:
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


def divided(
    table: Table,
    spec: DataSpec,
    place: Place,
    parts: Parts | None,
    task: Task,
    targets: Array | None,
    notes: list[str],
) -> tuple[Parts, SplitSpec | None]:
    """The parts, of which `parts` are given already, and the division that was made by shares."""
    split, by_share = left_to_divide(spec, table.rows, parts), parts is None
    if parts is None:
        parts = _by_share(place, table.rows, split, task, targets, notes)
    elif split is not None:
        some = None if targets is None else targets[parts.train]
        found = _by_share(place, len(parts.train), split, task, some, notes)
        parts = within_training(parts, found)
    if spec.split is not None and (fold := spec.split.fold) is not None:
        parts = fold_of(table, spec.split, parts, by_share, task, targets, place)
        notes.append(_sizes(parts, f"fold {fold.number} of {fold.count}"))
        return parts, spec.split
    return parts, split if by_share else spec.split


def _by_share(
    place: Place,
    rows: int,
    split: SplitSpec | None,
    task: Task,
    targets: Array | None,
    notes: list[str],
) -> Parts:
    """Parts by chance, of the sizes that `split` asks for; all rows are training rows without."""
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
