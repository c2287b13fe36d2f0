"""Predictions as CSV, JSON lines and npy, in the labels that the user wrote.

Columns    classes: `prediction`, and with probabilities `p_<label>` for each class
           labels (multilabel): one 0/1 column a label, or its probability
           values: `prediction`, or one column a target; those that were scaled for training with
           as many digits as the network computes
           before them `file`, where every row came from a file of its own (not in npy)
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy as np

from dnn_cli.base.task import Task
from dnn_cli.base.types import Array
from dnn_cli.training.outcome import decide

Labels: TypeAlias = tuple[str, ...] | tuple[int, ...]

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")  # what a formula may begin with


class Rows:
    """Predictions turned into the values that are written; counts the rows that passed.

    `labels` are the classes as they are written; None: by the names that the task gives them.
    `decimals` are those of each value, where there is no more to say.
    `guarded` counts the cells of CSV that were changed to be no formula.
    """

    def __init__(
        self, task: Task, proba: bool, labels: Labels | None = None, decimals: tuple[int, ...] = ()
    ) -> None:
        self.task, self.proba = task, proba
        self.labels = task.labels if labels is None else labels
        self.decimals = decimals
        self.count = self.guarded = 0
        self.files: tuple[str, ...] | None = None  # of the rows at hand, where each has its own

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return self._names if self.files is None else ["file", *self._names]

    @property
    def _names(self) -> list[str]:
        task = self.task
        if task.classifies:
            return ["prediction", *([f"p_{c}" for c in task.labels] if self.proba else [])]
        names = task.labels or tuple(str(i) for i in range(task.count))
        if task.kind == "multilabel":
            return [f"p_{name}" if self.proba else name for name in names]
        return ["prediction"] if task.count == 1 else [f"prediction_{name}" for name in names]

    def values(self, predictions: Array) -> list[list[Any]]:
        """One list a row: numbers as the shortest text that reads back equal."""
        found = self._values(predictions)
        if self.files is None:
            return found
        return [[file, *row] for file, row in zip(self.files, found, strict=True)]

    def _values(self, predictions: Array) -> list[list[Any]]:
        self.count += len(predictions)
        if self.decimals:
            return [
                [round(v, digits) for v, digits in zip(row, self.decimals, strict=True)]
                for row in predictions.tolist()
            ]
        numbers = [[_shortest(v) for v in row] for row in predictions]
        if self.task.classifies:
            labels = [self.labels[i] for i in decide(predictions, self.task).tolist()]
            shown = numbers if self.proba else [[] for _ in labels]
            return [[label, *row] for label, row in zip(labels, shown, strict=True)]
        if self.task.kind == "multilabel" and not self.proba:
            return decide(predictions, self.task).astype(int).tolist()  # type: ignore[no-any-return]
        return numbers

    def array(self, predictions: Array) -> Array:
        """The same for npy: labels as text or int64, or probabilities, or values as computed."""
        self.count += len(predictions)
        if self.task.classifies and not self.proba:
            text = isinstance(self.labels[0], str)
            labels = np.array(self.labels, dtype=np.str_ if text else np.int64)
            return labels[decide(predictions, self.task)]
        if self.task.kind == "multilabel" and not self.proba:
            return decide(predictions, self.task).astype(np.uint8)
        return predictions


def _shortest(value: np.floating[Any]) -> float:
    """The double that prints as this float32 does: 0.1, not 0.10000000149011612."""
    return float(str(value))


def as_csv(rows: Rows, pieces: Iterable[Array]) -> Iterator[bytes]:
    """A header line, then one line a row; nothing before the first rows could be predicted."""
    remaining = iter(pieces)
    first = next(remaining, None)
    yield _csv_lines(rows, [rows.columns])
    if first is not None:
        yield _csv_lines(rows, rows.values(first))
    for piece in remaining:
        yield _csv_lines(rows, rows.values(piece))


def as_jsonl(rows: Rows, pieces: Iterable[Array]) -> Iterator[bytes]:
    """One JSON object a row."""
    for piece in pieces:
        lines = (json.dumps(dict(zip(rows.columns, v, strict=True))) for v in rows.values(piece))
        yield "".join(line + "\n" for line in lines).encode()


def as_npy(rows: Rows, pieces: Iterable[Array]) -> Iterator[bytes]:
    """One array. Held in memory, because its header comes first and says how many rows follow."""
    parts = [rows.array(piece) for piece in pieces]
    whole = np.concatenate(parts) if parts else rows.array(np.zeros((0, rows.task.count), "f4"))
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, whole, allow_pickle=False)
    yield buffer.getvalue()


def _csv_lines(rows: Rows, values: Iterable[list[Any]]) -> bytes:
    # The writer quotes a line feed or carriage return only if it ends lines with it as well.
    lines: list[str] = []
    writer = csv.writer(SimpleNamespace(write=lines.append), lineterminator="\r\n")
    for row in values:
        acting = [_acts(value) for value in row]
        rows.guarded += sum(acting)
        writer.writerow([f"'{v}" if acts else v for v, acts in zip(row, acting, strict=True)])
    return "".join(f"{line[:-2]}\n" for line in lines).encode()


def _acts(value: Any) -> bool:
    """Whether a spreadsheet would run text as a formula; a leading quote makes it text again."""
    return isinstance(value, str) and value[:1] in _FORMULA and not _is_number(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


Format: TypeAlias = Callable[[Rows, Iterable[Array]], Iterator[bytes]]
FORMATS: dict[str, Format] = {"csv": as_csv, "jsonl": as_jsonl, "npy": as_npy}
