"""A table: rows read from somewhere, before anything is decided about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dnn_cli.base.types import Array, Shape


@dataclass(frozen=True, slots=True)
class Columns:
    """Which parts of a source are wanted; sources without column names ignore the names.

    `target` holds names or 0-based positions (negative ones count from the end); `features` None
    means every column that is neither target, excluded nor extra; `extra` columns are carried
    along as text (a split column, an identifier). With `target_required` False a missing target
    column is not an error (predicting). `image` is the (height, width, channels) that image files
    are to be brought to; None leaves them as they are. `of_model` says that a model asks, whose
    columns are settled: a message then gives no advice for a configuration. `dialect` is that of
    the model's training file (`readers.csv_dialect`): what a source does not say itself.
    """

    target: tuple[str | int, ...] = ()
    features: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    target_required: bool = True
    image: Shape | None = None
    of_model: bool = False
    dialect: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a source: numbers in, raw labels out.

    Shapes     inputs (n, *shape) of uint8, float32 or float64: nothing is lost here; C-ordered
               targets (n,) or (n, t): numbers as read, or text; None if the source has none
               parts (n,): train, valid or test, where the source itself is divided
               files: the file of each row as from the source's folder, where each has one
    Dialect    how a file of text was written, where that is unusual; see `readers.csv_dialect`
    """

    inputs: Array
    targets: Array | None = None
    feature_names: tuple[str, ...] | None = None
    target_names: tuple[str, ...] | None = None
    extra: Mapping[str, Array] = field(default_factory=dict)  # text columns by name
    origin: str = ""  # the file or name it came from, for messages
    first_row: int = 0  # position of its first row in the source, 0-based
    notes: tuple[str, ...] = ()  # what the source found out and the user should know, said once
    parts: Array | None = None
    files: tuple[str, ...] | None = None
    dialect: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """The number of examples."""
        return len(self.inputs)
