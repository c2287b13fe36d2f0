"""Predictions as CSV, TSV, JSON lines and npy, in the labels that the user wrote.

Columns    those that are passed through, exactly as they are written: text in every format
           `file`, where every row came from a file of its own
           classes: `prediction`, and with probabilities `p_<label>` for each class
           labels (multilabel): one 0/1 column a label, or its probability
           values: `prediction`, or one column a target; those that were scaled for training with
           as many digits as the network computes
           npy holds the predictions alone
Cost       a row of a label 0.5 µs, each probability 0.4 more (one core)
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from types import SimpleNamespace
from typing import TypeAlias

import numpy as np

from dnn_cli.app.shortest import shortest
from dnn_cli.base.task import Task
from dnn_cli.base.types import Array
from dnn_cli.training.outcome import decide

Labels: TypeAlias = tuple[str, ...] | tuple[int, ...]
Decide: TypeAlias = Callable[[Array], Array]

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")  # what a formula may begin with


@dataclass(frozen=True, slots=True)
class Written:
    """The cells (n,) of a column: text, or numbers as they are written."""

    cells: Sequence[str]
    text: bool


class Rows:
    """Predictions turned into the values that are written; counts the rows that passed.

    `labels` are the classes as they are written; None: by the names that the task gives them.
    `decimals` are those of each value, where there is no more to say. `decided` makes decisions of
    probabilities; None: see `outcome.decide`.
    `guarded` counts the cells of CSV that were changed to be no formula. `beside` are columns
    passed through, of the rows at hand.
    """

    def __init__(
        self,
        task: Task,
        proba: bool,
        labels: Labels | None = None,
        decimals: tuple[int, ...] = (),
        decided: Decide | None = None,
    ) -> None:
        self.task, self.proba = task, proba
        self.labels = task.labels if labels is None else labels
        self.decimals = decimals
        self._decided = decided or partial(decide, task=task)
        self.count = self.guarded = 0
        self.beside: Mapping[str, Sequence[str]] = {}

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return [*self.beside, *self.names]

    @property
    def names(self) -> list[str]:
        """Those of the predictions."""
        task = self.task
        if task.classifies:
            return ["prediction", *([f"p_{c}" for c in task.labels] if self.proba else [])]
        names = task.labels or tuple(str(i) for i in range(task.count))
        if task.kind == "multilabel":
            return [f"p_{name}" if self.proba else name for name in names]
        return ["prediction"] if task.count == 1 else [f"prediction_{name}" for name in names]

    def written(self, predictions: Array) -> list[Written]:
        """The cells of all columns: numbers as the shortest text that reads back equal."""
        self.count += len(predictions)
        beside = [Written(cells, True) for cells in self.beside.values()]
        return [*beside, *self._written(predictions)]

    def _written(self, predictions: Array) -> list[Written]:
        if self.task.classifies:
            text = [str(label) for label in self.labels]
            labels = [text[i] for i in self._decided(predictions).tolist()]
            shown = predictions.T if self.proba else ()
            first = Written(labels, isinstance(self.labels[0], str))
            return [first, *(Written(shortest(column), False) for column in shown)]
        if self.task.kind == "multilabel" and not self.proba:
            on = self._decided(predictions).astype(int).T.tolist()
            return [Written(list(map(str, column)), False) for column in on]
        if self.decimals:
            both = zip(predictions.T.tolist(), self.decimals, strict=True)
            return [Written([repr(round(v, n)) for v in column], False) for column, n in both]
        return [Written(shortest(column), False) for column in predictions.T]

    def array(self, predictions: Array) -> Array:
        """The same for npy: labels as text or int64, or probabilities, or values as computed."""
        self.count += len(predictions)
        if self.task.classifies and not self.proba:
            text = isinstance(self.labels[0], str)
            labels = np.array(self.labels, dtype=np.str_ if text else np.int64)
            return labels[self._decided(predictions)]
        if self.task.kind == "multilabel" and not self.proba:
            return self._decided(predictions).astype(np.uint8)
        return predictions


def as_delimited(rows: Rows, pieces: Iterable[Array], delimiter: str) -> Iterator[bytes]:
    """A header line, then one line a row; nothing before the first rows could be predicted."""
    remaining = iter(pieces)
    first = next(remaining, None)
    names = [Written([name], True) for name in rows.columns]
    yield _lines(rows, names, delimiter)
    for piece in remaining if first is None else chain([first], remaining):
        yield _lines(rows, rows.written(piece), delimiter)


def as_jsonl(rows: Rows, pieces: Iterable[Array]) -> Iterator[bytes]:
    """One JSON object a row."""
    for piece in pieces:
        columns = [_json(column) for column in rows.written(piece)]
        # What stands between the values is the same in every row.
        names = [f"{json.dumps(name)}: " for name in rows.columns]
        line = "{" + ", ".join(name.replace("%", "%%") + "%s" for name in names) + "}\n"
        yield "".join([line % row for row in zip(*columns, strict=True)]).encode()


def as_npy(rows: Rows, pieces: Iterable[Array]) -> Iterator[bytes]:
    """One array. Held in memory, because its header comes first and says how many rows follow."""
    parts = [rows.array(piece) for piece in pieces]
    whole = np.concatenate(parts) if parts else rows.array(np.zeros((0, rows.task.count), "f4"))
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, whole, allow_pickle=False)
    yield buffer.getvalue()


def _json(column: Written) -> Sequence[str]:
    if not column.text:
        return column.cells
    dumped = {cell: json.dumps(cell) for cell in set(column.cells)}
    return [dumped[cell] for cell in column.cells]


def _lines(rows: Rows, columns: list[Written], delimiter: str) -> bytes:
    # The writer quotes a line feed or carriage return only if it ends lines with it as well.
    lines: list[str] = []
    writer = csv.writer(
        SimpleNamespace(write=lines.append), delimiter=delimiter, lineterminator="\r\n"
    )
    cells = [_guarded(rows, column) if column.text else column.cells for column in columns]
    writer.writerows(zip(*cells, strict=True))
    return "".join([f"{line[:-2]}\n" for line in lines]).encode()


def _guarded(rows: Rows, column: Written) -> Sequence[str]:
    """The cells of a column with a quote before those that a spreadsheet would run as a formula."""
    acting = {cell: f"'{cell}" for cell in set(column.cells) if _acts(cell)}
    if not acting:
        return column.cells
    rows.guarded += sum(cell in acting for cell in column.cells)
    return [acting.get(cell, cell) for cell in column.cells]


def _acts(cell: str) -> bool:
    """Whether a spreadsheet would run text as a formula; a leading quote makes it text again."""
    return cell[:1] in _FORMULA and not _is_number(cell)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


Format: TypeAlias = Callable[[Rows, Iterable[Array]], Iterator[bytes]]
as_csv: Format = partial(as_delimited, delimiter=",")
FORMATS: dict[str, Format] = {
    "csv": as_csv,
    "tsv": partial(as_delimited, delimiter="\t"),
    "jsonl": as_jsonl,
    "npy": as_npy,
}
