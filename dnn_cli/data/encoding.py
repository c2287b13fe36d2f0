"""Targets as the user wrote them, and as the network learns them.

Encoded    binary, multiclass       int64 (n,) class numbers
           multilabel               float32 (n, k); one column is (n, 1)
           regression               float64 (n, k), which `target_scaling` brings to float32
           reconstruction           nothing stored: the scaled inputs are the targets

Everything is validated before it is used as an index or cast: a negative number would pick the
last class, and NaN becomes -2^63 without a word.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.task import TargetSign, Task, TaskKind
from dnn_cli.base.text import listing, safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.place import Place, positions
from dnn_cli.data.target_sign import check_sign
from dnn_cli.data.truth_targets import as_truths

_WHOLE = re.compile(r"-?[0-9]{1,4000}")  # Python reads no longer ones; a float64 has 309 at most
_INT64 = re.compile(r"-?[0-9]{1,19}")  # the integers of int64, and few others
_LARGEST = float(np.finfo(np.float32).max)


@final
@dataclass(frozen=True, slots=True)
class Encoding:
    """How raw targets become numbers.

    `classes` are the classes of the data, in order (numbers by value, text by code point, one-hot
    columns as they stand), as written there: integers without a decimal point. The network's
    classes are `task.labels`: the same, unless `positive` names some of them to tell from the
    rest. Then class 1 is the positive ones and class 0 the others. With `one_hot` raw targets have
    a column for each of the `classes`, and every row a single 1.
    `numeric` says that the classes were whole numbers, or have no names but their positions.
    `sign` is what the loss asks of numbers.
    """

    task: Task
    classes: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()
    one_hot: bool = False
    numeric: bool = False
    sign: TargetSign = "any"

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
        if self.task.kind == "multilabel":
            raw = raw.reshape(len(raw), -1)
        raw = as_truths(raw)
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


def larger(classes: tuple[str, ...]) -> str | None:
    """The largest of classes that are all whole numbers; None if one of them is not."""
    if all(_WHOLE.fullmatch(name) for name in classes):
        return max(classes, key=int)
    return None


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
    missing = _absent(raw)
    if missing.any():
        raise DataError(
            f"{int(missing.sum())} of {raw.size} targets are missing or not finite",
            where=place.where(positions(missing)),
            fix="remove these rows",
        )


def missing_targets(raw: Array) -> Array:
    """Which rows of targets (n,) or (n, k) lack one: NaN, or an empty text. (n,) bool."""
    absent = np.isnan(raw) if raw.dtype.kind == "f" else _absent(raw)
    return np.asarray(absent.reshape(len(raw), -1).any(axis=1))


def _absent(raw: Array) -> Array:
    """Which targets are missing or not finite."""
    if raw.dtype.kind == "f":
        return np.asarray(~np.isfinite(raw))
    found: Array = np.zeros(raw.shape, bool)
    if is_text(raw):
        found |= raw == ""
    return found


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


def has_columns(raw: Array) -> bool:
    """Whether a row of targets is several numbers or words."""
    return raw.ndim == 2 and raw.shape[1] != 1


def only_ones(table: Array) -> Array:
    """Which rows of numbers (n, k) are a single 1 and otherwise 0: (n,) bool."""
    ones = table == 1
    single: Array = (ones | (table == 0)).all(axis=1) & (np.count_nonzero(ones, axis=1) == 1)
    return single


def check_one_column(raw: Array, place: Place, kind: str) -> None:
    """A class needs a single column of words or whole numbers.

    Raises:
        DataError: says which rows hold fractions, or how many columns there are.
    """
    if has_columns(raw):
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


def ones_of(table: Array, place: Place) -> Array:
    """The column of each row's single 1: (n, k) of numbers to (n,) int64.

    Raises:
        DataError: says which rows hold anything else.
    """
    wrong = ~only_ones(table)
    if wrong.any():
        raise DataError(
            f"{int(wrong.sum())} of {len(table)} rows of targets are not a single 1 and zeros",
            where=place.where(positions(wrong)),
            why="with a column for each class, the 1 says which class a row has",
            fix="correct these rows, or train with `task: multilabel` or `task: regression`",
        )
    found: Array = table.argmax(axis=1)
    return found


def _class_numbers(encoding: Encoding, raw: Array, place: Place) -> Array:
    classes = encoding.classes
    number = {name: int(name in encoding.positive) for name in classes}
    if not encoding.positive:
        number = {name: index for index, name in enumerate(classes)}
    if encoding.one_hot:
        found, inverse = classes, ones_of(_table(encoding, raw, place), place)
    else:
        check_one_column(raw, place, encoding.task.kind)
        found, inverse = distinct(raw)
        _check_known(found, inverse, classes, place)
    codes = np.array([number[name] for name in found], dtype=np.int64)
    return codes[inverse]


def _check_known(
    found: tuple[str, ...], inverse: Array, classes: tuple[str, ...], place: Place
) -> None:
    unknown = set(found) - set(classes)
    if unknown:
        strange = np.array([name in unknown for name in found])[inverse]
        raise DataError(
            f"{int(strange.sum())} of {len(inverse)} targets are of classes that training has "
            f"not seen: {listing(unknown, 5)}",
            where=place.where(positions(strange)),
            why=f"the classes are {listing(classes, 10)}",
            fix="add rows of these classes to the training part, or remove these",
        )


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
    if is_text(raw):  # whole numbers of more digits than float64 holds were kept as they are
        with contextlib.suppress(ValueError):
            raw = raw.astype(np.float64)
    table = _table(encoding, raw, place)
    table = table.astype(np.float64)
    large = np.abs(table) > _LARGEST
    if large.any():
        raise DataError(
            f"{int(large.sum())} of {large.size} targets are too large for float32",
            where=place.where(positions(large), encoding.task.labels),
            fix="rescale this column",
        )
    check_sign(table, encoding.sign, place, encoding.task.labels)
    return table


def _table(encoding: Encoding, raw: Array, place: Place) -> Array:
    if is_text(raw):
        raise DataError(
            f"a {encoding.task.kind} task needs numbers, found text such as "
            f"`{safe_text(raw.reshape(-1)[0] if raw.size else '')}`",
            where=safe_text(place.origin),
        )
    columns = len(encoding.classes) if encoding.one_hot else encoding.task.count
    table = raw.reshape(len(raw), -1) if len(raw) else raw.reshape(0, columns)
    if table.shape[1] != columns:
        raise DataError(
            f"{columns} target columns are expected, found {table.shape[1]}",
            where=safe_text(place.origin),
        )
    return table


_ENCODERS: dict[TaskKind, Callable[[Encoding, Array, Place], Array]] = {
    "binary": _class_numbers,
    "multiclass": _class_numbers,
    "multilabel": _zeros_and_ones,
    "regression": _numbers,
}
