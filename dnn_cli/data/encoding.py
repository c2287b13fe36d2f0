"""Targets as the user wrote them, and as the network learns them.

Encoded    binary, multiclass       int64 (n,) class numbers
           multilabel, regression   float32 (n, k); one column is (n, 1)
           reconstruction           nothing stored: the scaled inputs are the targets

Everything is validated before it is used as an index or cast: a negative number would pick the
last class, and NaN becomes -2^63 without a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.task import Task, TaskKind
from dnn_cli.base.text import listing, safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.place import Place, positions

_INT64 = re.compile(r"-?[0-9]{1,19}")  # the integers of int64, and few others
_LARGEST = float(np.finfo(np.float32).max)


@final
@dataclass(frozen=True, slots=True)
class Encoding:
    """How raw targets become numbers.

    `classes` are the classes of the data, in order (numbers by value, text by code point), as
    written there: integers without a decimal point. The network's classes are `task.labels`:
    the same, unless `positive` names some of them to tell from the rest. Then class 1 is the
    positive ones and class 0 the others. `numeric` says that the classes were whole numbers.
    """

    task: Task
    classes: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()
    numeric: bool = False

    @property
    def values(self) -> tuple[str, ...] | tuple[int, ...]:
        """The labels as the data have them: int64 if all are whole numbers there, else text."""
        labels = self.task.labels
        if not self.numeric or not all(_INT64.fullmatch(label) for label in labels):
            return labels
        numbers = tuple(int(label) for label in labels)
        exact = tuple(map(str, numbers)) == labels and all(
            -(1 << 63) <= n < 1 << 63 for n in numbers
        )
        return numbers if exact else labels

    def encode(self, raw: Array, place: Place) -> Array:
        """Raw targets (n,) or (n, k) as numbers.

        Raises:
            DataError: a value that is missing, not of this task, or an unknown class; says where.
        """
        check_values(raw, place)
        return _ENCODERS[self.task.kind](self, raw, place)


def binary_labels(classes: tuple[str, ...], positive: tuple[str, ...]) -> tuple[str, str]:
    """The labels of a one-against-rest task: the rest first, since class 1 is the positive one.

    Several positive classes are joined by `|`; a single other class keeps its name, several are
    called `rest` (`not rest`, if a positive class has that name).
    """
    others = [name for name in classes if name not in positive]
    label = "|".join(positive)
    rest = "rest" if label != "rest" else "not rest"
    return (others[0] if len(others) == 1 else rest), label


def check_values(raw: Array, place: Place) -> None:
    """Refuse targets of an impossible shape or type, and missing ones.

    Raises:
        DataError: says which rows.
    """
    if raw.ndim not in (1, 2) or (raw.ndim == 2 and raw.shape[1] == 0):
        raise DataError(
            f"the targets have the shape {raw.shape}",
            where=safe_text(place.origin),
            fix="give targets of the shape (rows,) or (rows, targets)",
        )
    if raw.dtype.kind not in "biufUT":
        raise DataError(
            f"the targets are of type {raw.dtype}, not numbers or text",
            where=safe_text(place.origin),
        )
    if raw.dtype.kind == "f":
        missing = ~np.isfinite(raw)
    elif is_text(raw):
        missing = raw == ""
    else:
        return
    if missing.any():
        raise DataError(
            f"{int(missing.sum())} of {raw.size} targets are missing or not finite",
            where=place.where(positions(missing)),
            fix="remove these rows",
        )


def is_text(raw: Array) -> bool:
    """Whether the targets are words."""
    return raw.dtype.kind in "UT"


def distinct(raw: Array) -> tuple[tuple[str, ...], Array]:
    """The distinct values of (n,) or (n, 1) targets as written, in order, and (n,) their indices.

    Whole numbers lose their decimal point: 5.0 is `5`.
    """
    values, inverse = np.unique(raw.reshape(-1), return_inverse=True)
    if is_text(raw):
        return tuple(str(value) for value in values.tolist()), inverse
    return tuple(str(int(value)) for value in values.tolist()), inverse


def check_one_column(raw: Array, place: Place, kind: str) -> None:
    """A class needs a single column of words or whole numbers.

    Raises:
        DataError: says which rows hold fractions, or how many columns there are.
    """
    if raw.ndim == 2 and raw.shape[1] != 1:
        raise DataError(
            f"a {kind} task needs one target column, found {raw.shape[1]}",
            where=safe_text(place.origin),
            fix="give one column of classes; before a training, `task` may also be set to "
            "multilabel or regression",
        )
    if raw.dtype.kind == "f":
        fractional = raw.reshape(-1) != np.floor(raw.reshape(-1))
        if fractional.any():
            raise DataError(
                f"{int(fractional.sum())} of {len(fractional)} targets have fractions: no classes",
                where=place.where(positions(fractional)),
                fix="write the classes as words or whole numbers; before a training, `task` may "
                "also be set to regression",
            )


def _class_numbers(encoding: Encoding, raw: Array, place: Place) -> Array:
    check_one_column(raw, place, encoding.task.kind)
    found, inverse = distinct(raw)
    number = {name: index for index, name in enumerate(encoding.classes)}
    unknown = [name for name in found if name not in number]
    if unknown:
        strange = np.array([name not in number for name in found])[inverse]
        raise DataError(
            f"{int(strange.sum())} of {len(inverse)} targets are of classes that training has "
            f"not seen: {listing(unknown, 5)}",
            where=place.where(positions(strange)),
            why=f"the classes are {listing(encoding.classes, 10)}",
            fix="add rows of these classes to the training part, or remove these",
        )
    if encoding.positive:
        number = {name: int(name in encoding.positive) for name in encoding.classes}
    codes = np.array([number[name] for name in found], dtype=np.int64)
    return codes[inverse]


def _zeros_and_ones(encoding: Encoding, raw: Array, place: Place) -> Array:
    table = _table(encoding, raw, place)
    wrong = (table != 0) & (table != 1)
    if wrong.any():
        raise DataError(
            f"{int(wrong.sum())} of {wrong.size} targets are neither 0 nor 1",
            where=place.where(positions(wrong), encoding.task.labels),
            why="in a multilabel task each column says whether a label applies",
        )
    return table.astype(np.float32)


def _numbers(encoding: Encoding, raw: Array, place: Place) -> Array:
    table = _table(encoding, raw, place)
    with np.errstate(over="ignore"):
        large = np.abs(table.astype(np.float64)) > _LARGEST
    if large.any():
        raise DataError(
            f"{int(large.sum())} of {large.size} targets are too large for float32",
            where=place.where(positions(large), encoding.task.labels),
            fix="rescale this column",
        )
    return table.astype(np.float32)


def _table(encoding: Encoding, raw: Array, place: Place) -> Array:
    if is_text(raw):
        raise DataError(
            f"a {encoding.task.kind} task needs numbers, found text such as "
            f"`{safe_text(raw.reshape(-1)[0] if raw.size else '')}`",
            where=safe_text(place.origin),
        )
    table = raw.reshape(len(raw), -1) if len(raw) else raw.reshape(0, encoding.task.count)
    if table.shape[1] != encoding.task.count:
        raise DataError(
            f"{encoding.task.count} target columns are expected, found {table.shape[1]}",
            where=safe_text(place.origin),
        )
    return table


_ENCODERS: dict[TaskKind, Callable[[Encoding, Array, Place], Array]] = {
    "binary": _class_numbers,
    "multiclass": _class_numbers,
    "multilabel": _zeros_and_ones,
    "regression": _numbers,
}
