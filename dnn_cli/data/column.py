"""The column contract: what a column of a table is, and how it becomes numbers.

A kind is one file of `columns`: its spec is what YAML says of a column, and fits a `Column` to the
training rows. That is what a model file keeps: it makes numbers and codes of raw cells, the same in
training and ever after.

Numbers    scaled, in float32, without gaps
Codes      of categories, whole numbers in float32: 0 is every level that training did not have
           often enough, 1 to K the known ones; the network's first layer expands them
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np

from dnn_cli.base.registry import Registry
from dnn_cli.base.spec import Spec
from dnn_cli.base.types import Array
from dnn_cli.data.place import Place
from dnn_cli.data.raw_columns import ColumnType, RawColumn

NumberScale: TypeAlias = Literal[
    "none", "unit", "standard", "minmax", "robust", "robust_smooth_clip", "quantile"
]
COLUMNS: Registry[ColumnSpec]


@dataclass(frozen=True, slots=True)
class Fitting:
    """What a column is fitted to besides its cells."""

    rows: Array  # the training rows
    place: Place  # of all rows
    scale: NumberScale  # of numbers that have none of their own
    min_count: int  # rows that a level needs


@dataclass(slots=True)
class Surprises:
    """What new rows hold that training did not: how many cells were put in another's place."""

    filled: int = 0  # gaps where training had none
    unseen: int = 0  # levels that training did not have
    examples: list[str] = field(default_factory=list)  # of such levels


class Column(ABC):
    """A fitted column. Subclasses are final."""

    kind: ClassVar[str]
    type: ClassVar[ColumnType]  # what a source has to read

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    @abstractmethod
    def outputs(self) -> tuple[str, ...]:
        """Names of the numbers that it becomes."""

    @property
    def levels(self) -> tuple[int, ...]:
        """How many known levels each of its codes has."""
        return ()

    @abstractmethod
    def encode(self, raw: RawColumn, numbers: Array, codes: Array, place: Place) -> Surprises:
        """Write `numbers` (n, outputs) and `codes` (n, levels) of float32.

        Raises:
            DataError: a cell that the column cannot hold; says where.
        """

    @abstractmethod
    def describe(self) -> str:
        """What it holds, for a person."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """All that `from_json` needs but the arrays and the name, in types that JSON has."""

    def arrays(self) -> dict[str, Array]:
        """Arrays that belong to it, by a name of its own."""
        return {}

    @classmethod
    @abstractmethod
    def from_json(cls, name: str, stored: Mapping[str, Any], arrays: Mapping[str, Array]) -> Column:
        """The column that `to_json` and `arrays` came from; nothing in them is trusted.

        Raises:
            CheckpointError: a field is missing, or cannot be.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSpec(Spec):
    """What a column of a table is."""

    registry: ClassVar[Registry[ColumnSpec]]
    column: ClassVar[type[Column] | None] = None  # what it fits; None: it is not used
    plural: ClassVar[str]

    @abstractmethod
    def fit(self, name: str, raw: RawColumn, fitting: Fitting) -> Column | None:
        """The column fitted to the training rows; None if nothing of it is used.

        Raises:
            DataError: the cells are not of this kind; says where.
        """


COLUMNS = Registry("kind of column", "dnn_cli.data.columns")
ColumnSpec.registry = COLUMNS


def no_codes(rows: int) -> Array:
    """Room for the codes of a column that has none."""
    return np.empty((rows, 0), np.float32)
