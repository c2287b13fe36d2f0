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
Two classes make the task binary, more multiclass. Several columns of zeros and ones (or of true
and false) are multilabel, or, if every row has a single 1, one-hot: a column a class. Other columns
of numbers are regression. The guess is printed and recorded; `task` overrides it, and then the
targets must fit.

Of two classes one is positive: what precision, recall and `positive_weight` speak of. Of numbers
it is the larger, of words the one with fewer rows, and of as many the last by code point;
`positive` overrides it. It is printed and recorded, so that it stays what it was in training.

A target that never changes teaches nothing and is refused; one of several is named.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.task import Task, TaskKind
from dnn_cli.base.text import listing, nearest, safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.encoding import (
    Encoding,
    binary_labels,
    check_one_column,
    check_values,
    distinct,
    has_columns,
    is_text,
    larger,
    ones_of,
    only_ones,
)
from dnn_cli.data.place import Place, positions
from dnn_cli.data.spec import DataSpec
from dnn_cli.data.target_slips import FEW_VALUES, all_numbers, require_no_signs, require_no_slips
from dnn_cli.data.truth_targets import as_truths

MANY_CLASSES = 1000  # numbered from 0, as many may be classes
ROWS_EACH = 10  # then each must occur this often
_SHOWN = 5  # values that a message shows


def infer_task(
    targets: Array, spec: DataSpec, place: Place, names: tuple[str, ...] | None = None
) -> tuple[Encoding, tuple[str, ...]]:
    """The task of raw `targets` (n,) or (n, k), and lines that say what was decided and why.

    `names` are the names of the target columns, where there are some.

    Raises:
        DataError: the targets do not fit the task, have a single class, or never change.
    """
    check_values(targets, place)
    targets = as_truths(targets)
    _require_no_slips(targets, spec, place, names)
    columns = targets.shape[1] if has_columns(targets) else 1
    if names is not None and len(names) != columns:
        raise DataError(
            f"{columns} target columns have {len(names)} names", where=safe_text(place.origin)
        )
    kind, why = _kind(targets, spec, place)
    if kind in ("binary", "multiclass"):
        return _classes(targets, kind, why, spec, place, names)
    labels = names or _default_names(columns)
    constant = _constant_targets(targets, labels, place)
    noun = "labels" if kind == "multilabel" else "targets"
    line = f"task: {kind}, {noun} {listing_in_order(labels)} ({why})"
    return Encoding(Task(kind, columns, labels)), (line, *constant)


def _require_no_slips(
    targets: Array, spec: DataSpec, place: Place, names: tuple[str, ...] | None
) -> None:
    """Refuse single cells of text among numbers, where numbers seem or are said to be meant."""
    if not is_text(targets) or spec.positive is not None:
        return
    if spec.task in ("auto", "regression"):
        table = targets.reshape(len(targets), -1)
        labels = names or _default_names(table.shape[1])
        for column, name in zip(table.T, labels, strict=True):
            require_no_slips(column, name, place, surely=spec.task == "regression")


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
    if has_columns(targets):
        return _guess_columns(targets, place)
    column = targets.reshape(-1)
    _constant_targets(column, ("target",), place)
    if column.dtype.kind == "f" and (column != np.floor(column)).any():
        return "regression", "the targets have fractions"
    values, counts = np.unique(column, return_counts=True)
    if is_text(targets):
        if all_numbers(column):
            return "regression", f"{len(values)} different numbers"
        require_no_signs(values.tolist(), place)
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
            fix="name one column of classes, or columns of numbers, or of true and false",
        )
    if only_ones(targets).all():
        why = "one-hot columns: each row has a single 1; `task: multilabel` takes them one by one"
        return "binary" if targets.shape[1] == 2 else "multiclass", why
    if ((targets == 0) | (targets == 1)).all():
        return "multilabel", "columns of zeros and ones"
    return "regression", "several columns of numbers"


def _constant_targets(targets: Array, labels: tuple[str, ...], place: Place) -> tuple[str, ...]:
    """A line on the columns of `targets` that hold one value only, if there are some.

    Raises:
        DataError: all of them do.
    """
    table = targets.reshape(len(targets), -1)
    constant = (table == table[:1]).all(axis=0)
    if constant.all():
        n, values = len(table), table[:1].ravel()
        shown = ", ".join(f"`{_shown(value)}`" for value in values[:_SHOWN].tolist())
        raise DataError(
            f"all {n} targets are {shown}"
            if len(values) == 1
            else f"all {n} rows have the same {len(values)} targets: {shown}",
            where=safe_text(place.origin),
            why="a single value teaches nothing",
            fix="check `data.target`: is it the right column, and are all rows there?",
        )
    if not constant.any():
        return ()
    names = tuple(name for name, same in zip(labels, constant.tolist(), strict=True) if same)
    return (f"the same in all rows, so nothing to learn: target {listing_in_order(names)}",)


def _shown(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else safe_text(value)


def _classes(
    targets: Array,
    kind: TaskKind,
    why: str,
    spec: DataSpec,
    place: Place,
    names: tuple[str, ...] | None,
) -> tuple[Encoding, tuple[str, ...]]:
    one_hot = has_columns(targets) and not is_text(targets)
    if one_hot:
        classes = names or tuple(str(position) for position in range(targets.shape[1]))
        inverse = ones_of(targets, place)
    else:
        check_one_column(targets, place, kind)
        classes, inverse = distinct(targets)
    counts = np.bincount(inverse, minlength=len(classes))
    if np.count_nonzero(counts) < 2:
        raise DataError(
            f"there is one class only: {safe_text(classes[int(counts.argmax())])}",
            where=safe_text(place.origin),
            why="nothing is left to tell apart",
        )
    rows = dict(zip(classes, counts.tolist(), strict=True))
    numeric = names is None if one_hot else not is_text(targets)
    if kind == "multiclass":
        task, more = Task(kind, len(classes), classes), ""
        encoding = Encoding(task, classes, (), one_hot, numeric)
    else:
        _check_two(inverse, classes, spec, place)
        positive, because = _positive(rows, spec, place)
        task = Task("binary", 2, binary_labels(classes, positive))
        # Of numbers the last is the larger and class 1 anyhow: nothing has to be remembered.
        told = positive if spec.positive is not None or one_hot or is_text(targets) else ()
        encoding = Encoding(task, classes, told, one_hot, numeric)
        more = f", positive class {safe_text(task.positive)} ({because})"
    task = encoding.task
    if task.count > len(targets) // 2 and is_text(targets):
        why += "; nearly every row has a class of its own: is this an identifier?"
    line = f"task: {task.kind}, classes {listing_in_order(task.labels)} ({why}){more}"
    return encoding, (line,)


def _check_two(inverse: Array, classes: tuple[str, ...], spec: DataSpec, place: Place) -> None:
    """Refuse more than two classes of which none is said to be positive."""
    if spec.positive is None and len(classes) != 2:
        raise DataError(
            f"a binary task needs 2 classes, found {len(classes)}: {listing_in_order(classes)}",
            where=place.where(positions(inverse == 2)),
            fix="set `task: multiclass`, or name the positive classes in `positive`",
        )


def _positive(rows: Mapping[str, int], spec: DataSpec, place: Place) -> tuple[tuple[str, ...], str]:
    """The positive ones of the classes, which have so many rows each, and why."""
    if spec.positive is not None:
        return _configured(tuple(rows), spec.positive, place), "as configured"
    number = larger(tuple(rows))
    if number is not None:
        return (number,), "the larger number"
    [(one, n), (other, m)] = rows.items()
    if n == m:
        return (max(one, other),), f"the last by code point, both have {n} rows"
    rarer = one if n < m else other
    return (rarer,), f"the rarer one: {rows[rarer]} of {n + m} rows"


def _configured(
    classes: tuple[str, ...], positive: tuple[str | int, ...], place: Place
) -> tuple[str, ...]:
    wanted = tuple(str(name) for name in positive)
    missing = [name for name in wanted if name not in classes]
    if missing or len(wanted) == len(classes):
        raise DataError(
            f"no class is called {listing(missing)}" if missing else "no class is negative",
            where=safe_text(place.origin),
            why=f"the classes are {listing_in_order(classes)}",
            fix=f"{_meant(missing, classes)}correct `data.positive`",
        )
    return wanted


def _meant(missing: list[str], classes: tuple[str, ...]) -> str:
    """The classes that were probably meant, as a question."""
    close = dict.fromkeys(nearest(name, classes) for name in missing)
    found = ", ".join(f"`{safe_text(name)}`" for name in close if name is not None)
    return f"did you mean {found}? " if found else ""


def listing_in_order(names: tuple[str, ...], limit: int = 10) -> str:
    """Names in their own order, cut with a count of the rest."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(safe_text(name) for name in names[:limit]) + more


def _default_names(columns: int) -> tuple[str, ...]:
    return ("target",) if columns == 1 else tuple(f"target_{i}" for i in range(columns))
