"""A table: rows read from somewhere, before anything is decided about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dnn_cli.base.types import Array, Shape
from dnn_cli.data.raw_columns import DEFAULT_MISSING, ColumnType, Numbers, RawColumns
from dnn_cli.data.readers.room import HEAP, Room


@dataclass(frozen=True, slots=True)
class Columns:
    """Which parts of a source are wanted; sources without column names ignore the names.

    `target` holds names or 0-based positions (negative ones count from the end); `features` None
    means every column that is neither target, excluded nor extra; `extra` columns are carried along
    as text (a split column, weights), those that are `optional` where they exist; `verbatim` ones
    exactly as they are written (None: every column with a name), in pieces alone. With
    `target_required` False a missing target column is not an error (predicting). `image` is the
    (height, width, channels) that image files are to be brought to; None leaves them as they are.
    `types` says which columns are of numbers and which of words, where that is settled, and
    `missing` what stands for a gap. `of_model` says that a model asks, whose columns are settled: a
    message then gives no advice for a configuration. `dialect` is that of the model's training file
    (`readers.csv_dialect`): what a source does not say itself.
    """

    target: tuple[str | int, ...] = ()
    features: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    target_required: bool = True
    image: Shape | None = None
    of_model: bool = False
    dialect: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, ColumnType] = field(default_factory=dict)
    missing: tuple[str, ...] = DEFAULT_MISSING
    verbatim: tuple[str, ...] | None = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a source: arrays or columns in, raw labels out.

    Shapes     inputs (n, *shape) of uint8, int64, uint64, float32 or float64: nothing is lost here;
               C-ordered.
               Where the source has columns with names they are in `columns`, and inputs is (n, 0)
               targets (n,) or (n, t): numbers as read (NaN: a gap), or text (empty: a gap); None
               if the source has none
               parts (n,): train, valid or test, where the source itself is divided
               files: the file of each row as from the source's folder, where each has one
               origins: of rows of several files (first row, file) of each; else none
               verbatim: the cells (n,) of columns exactly as they are written, blanks included
    Dialect    how a file of text was written, where that is unusual; see `readers.csv_dialect`
    """

    inputs: Array
    targets: Array | None = None
    columns: RawColumns | None = None
    target_names: tuple[str, ...] | None = None
    extra: Mapping[str, Array] = field(default_factory=dict)  # by name: text, or arrays of an npz
    origin: str = ""  # the file or name it came from, for messages
    first_row: int = 0  # position of its first row in the source, 0-based
    notes: tuple[str, ...] = ()  # what the source found out and the user should know, said once
    parts: Array | None = None
    kept: Array | None = None  # which rows of the source these are, where some are left out
    files: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None  # of the columns of `inputs`, once they were columns
    dialect: Mapping[str, str] = field(default_factory=dict)
    verbatim: Mapping[str, Sequence[str]] = field(default_factory=dict)
    room: Room = HEAP  # where its columns lie, and what is made of them may
    origins: tuple[tuple[int, str], ...] = ()

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """The names of the columns, where they have some."""
        return self.names if self.columns is None else tuple(self.columns)

    @property
    def rows(self) -> int:
        """The number of examples."""
        return len(self.inputs)

    def as_array(self) -> Table:
        """The same with columns of numbers as inputs (n, columns), if they are all numbers."""
        columns = [] if self.columns is None else list(self.columns.values())
        if not columns or not all(isinstance(one, Numbers) for one in columns):
            return self
        inputs = np.stack([one.values for one in columns if isinstance(one, Numbers)], axis=1)
        return replace(self, inputs=inputs, columns=None, names=self.feature_names)

    def as_columns(self, names: Sequence[str]) -> Table:
        """The same with numbers (n, columns) as columns called `names`, if there are as many."""
        inputs = self.inputs
        if (
            self.columns is not None
            or inputs.dtype == np.uint8
            or inputs.shape[1:] != (len(names),)
        ):
            return self
        values = self.inputs.astype(np.float64).T
        found = {name: Numbers(one) for name, one in zip(names, values, strict=True)}
        return replace(self, inputs=self.inputs[:, :0], columns=found)

    def take(self, rows: Array) -> Table:
        """Some rows, in their order."""
        files = self.files
        return replace(
            self,
            inputs=self.inputs[rows],
            columns=None
            if self.columns is None
            else {name: column.take(rows, self.room) for name, column in self.columns.items()},
            targets=None if self.targets is None else self.targets[rows],
            extra={name: values[rows] for name, values in self.extra.items()},
            parts=None if self.parts is None else self.parts[rows],
            files=None if files is None else tuple(files[row] for row in rows.tolist()),
            kept=rows if self.kept is None else self.kept[rows],
        )
