"""What a column of targets asks for.

With `task: auto` one column of
    words                                        are classes
    numbers with fractions                       are quantities: regression
    whole numbers, two different ones            are classes
    whole numbers, 3 to 20 different ones,
      each occurring twice on average            are classes
    whole numbers 0, 1, … K-1, K up to 1000,
      each occurring 10 times at least           are classes (a count has a thin tail)
    other whole numbers                          are quantities: regression
Two classes make the task binary, more multiclass. Several columns of zeros and ones are
multilabel, other columns of numbers regression. The guess is printed and recorded; `task`
overrides it, and then the targets must fit.
"""

from __future__ import annotations

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.task import Task, TaskKind
from dnn_cli.base.text import listing, safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.encoding import (
    Encoding,
    binary_labels,
    check_one_column,
    check_values,
    distinct,
    is_text,
)
from dnn_cli.data.place import Place, positions
from dnn_cli.data.spec import DataSpec

FEW_VALUES = 20  # as many whole numbers may be classes without being numbered from 0
MANY_CLASSES = 1000  # numbered from 0, as many may be classes
ROWS_EACH = 10  # then each must occur this often


def infer_task(
    targets: Array, spec: DataSpec, place: Place, names: tuple[str, ...] | None = None
) -> tuple[Encoding, str]:
    """The task of raw `targets` (n,) or (n, k), and one line that says what was decided and why.

    `names` are the names of the target columns, where there are some.

    Raises:
        DataError: the targets do not fit the task, or have a single class.
    """
    check_values(targets, place)
    kind, why = _kind(targets, spec, place)
    if kind in ("binary", "multiclass"):
        encoding = _classes(targets, kind, spec.positive, place)
        task = encoding.task
        if task.count > len(targets) // 2 and is_text(targets):
            why += "; nearly every row has a class of its own: is this an identifier?"
        return encoding, f"task: {task.kind}, classes {listing_in_order(task.labels)} ({why})"
    columns = 1 if targets.ndim == 1 else targets.shape[1]
    labels = names or _default_names(columns)
    if len(labels) != columns:
        raise DataError(
            f"{columns} target columns have {len(labels)} names", where=safe_text(place.origin)
        )
    noun = "labels" if kind == "multilabel" else "targets"
    return (
        Encoding(Task(kind, columns, labels)),
        f"task: {kind}, {noun} {listing_in_order(labels)} ({why})",
    )


def _kind(targets: Array, spec: DataSpec, place: Place) -> tuple[TaskKind, str]:
    if spec.positive is not None:
        return "binary", "one against the rest"
    if spec.task == "auto":
        return guess_kind(targets, place)
    return spec.task, "as configured"


def reconstruction(width: int) -> Encoding:
    """The task whose targets are the `width` inputs."""
    return Encoding(Task("reconstruction", width))


def guess_kind(targets: Array, place: Place) -> tuple[TaskKind, str]:
    """The kind of task that checked `targets` look like, and the reason.

    Raises:
        DataError: all targets are the same, or text in several columns.
    """
    if targets.ndim == 2 and targets.shape[1] > 1:
        return _guess_columns(targets, place)
    column = targets.reshape(-1)
    if column.dtype.kind == "f" and (column != np.floor(column)).any():
        return "regression", "the targets have fractions"
    values, counts = np.unique(column, return_counts=True)
    if len(values) < 2:
        raise DataError(
            f"all {len(column)} targets are `{safe_text(values[0]) if len(values) else ''}`",
            where=safe_text(place.origin),
            why="a single value teaches nothing",
            fix="check `target`, or set `task: regression` if this is meant",
        )
    if is_text(targets):
        return "binary" if len(values) == 2 else "multiclass", "the targets are text"
    if len(values) == 2:
        return "binary", "two different whole numbers"
    if len(values) <= FEW_VALUES and len(column) >= 2 * len(values):
        return "multiclass", f"{len(values)} different whole numbers"
    numbered = len(values) <= MANY_CLASSES and np.array_equal(values, np.arange(len(values)))
    if numbered and counts.min() >= ROWS_EACH:
        return "multiclass", f"whole numbers from 0 to {len(values) - 1}, none of them rare"
    return "regression", f"{len(values)} different whole numbers"


def _guess_columns(targets: Array, place: Place) -> tuple[TaskKind, str]:
    if is_text(targets):
        raise DataError(
            f"{targets.shape[1]} target columns of text",
            where=safe_text(place.origin),
            fix="name one column of classes, or columns of numbers",
        )
    if ((targets == 0) | (targets == 1)).all():
        why = "columns of zeros and ones"
        if (targets.sum(axis=1) == 1).all():
            why += "; each row has a single one: for multiclass give one column of classes"
        return "multilabel", why
    return "regression", "several columns of numbers"


def _classes(
    targets: Array, kind: TaskKind, positive: tuple[str | int, ...] | None, place: Place
) -> Encoding:
    check_one_column(targets, place, kind)
    classes, inverse = distinct(targets)
    where = safe_text(place.origin)
    if len(classes) < 2:
        raise DataError(
            f"there is one class only: {listing(classes)}",
            where=where,
            why="nothing is left to tell apart",
        )
    if positive is not None:
        wanted = tuple(str(name) for name in positive)
        missing = [name for name in wanted if name not in classes]
        if missing or len(wanted) == len(classes):
            raise DataError(
                f"no class is called {listing(missing)}" if missing else "no class is negative",
                where=where,
                why=f"the classes are {listing_in_order(classes)}",
                fix="correct `data.positive`",
            )
        task = Task("binary", 2, binary_labels(classes, wanted))
        return Encoding(task, classes, wanted, numeric=not is_text(targets))
    if kind == "binary" and len(classes) != 2:
        third = inverse == 2
        raise DataError(
            f"a binary task needs 2 classes, found {len(classes)}: {listing_in_order(classes)}",
            where=place.where(positions(third)),
            fix="set `task: multiclass`, or name the positive classes in `positive`",
        )
    return Encoding(Task(kind, len(classes), classes), classes, numeric=not is_text(targets))


def listing_in_order(names: tuple[str, ...], limit: int = 10) -> str:
    """Names in their own order, cut with a count of the rest."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(safe_text(name) for name in names[:limit]) + more


def _default_names(columns: int) -> tuple[str, ...]:
    return ("target",) if columns == 1 else tuple(f"target_{i}" for i in range(columns))
