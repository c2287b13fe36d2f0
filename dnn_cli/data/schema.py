"""What a model knows about its data: all that predicting and evaluating need, in a model file.

It is stored as JSON plus the two small arrays of the scaling, and read back from a file that
nobody vouches for: every field is checked before it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.task import Task
from dnn_cli.base.text import listing, safe_text
from dnn_cli.base.types import Array, Shape
from dnn_cli.data import schema_file
from dnn_cli.data.dataset import Dataset
from dnn_cli.data.encoding import Encoding
from dnn_cli.data.finite import check_finite
from dnn_cli.data.place import Place
from dnn_cli.data.scaling import Scaling
from dnn_cli.data.statistics import NumberStatistics, statistic_shape
from dnn_cli.data.table import Columns, Table

InputKind: TypeAlias = Literal["bytes", "numbers"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class DataSchema:
    """The inputs a model takes, how they are scaled, and what it answers.

    `target` are the columns that hold the targets: names, or positions in sources without
    names; empty where the source brings its own labels, or none are needed.
    """

    input_shape: Shape
    input_kind: InputKind
    feature_names: tuple[str, ...] | None
    scaling: Scaling
    encoding: Encoding
    target: tuple[str | int, ...] = ()

    @property
    def task(self) -> Task:
        """What the model answers."""
        return self.encoding.task

    @property
    def positive(self) -> tuple[str, ...]:
        """The classes told from the rest; empty where there is no such grouping."""
        return self.encoding.positive

    def columns(self, target_required: bool) -> Columns:
        """What to ask of a source that this model is to read.

        Without column names a file to predict may or may not hold the target columns: all are
        asked for, and `dataset` tells by their number.
        """
        by_name = self.feature_names is not None
        pictures = self.input_kind == "bytes" and len(self.input_shape) == 3
        return Columns(
            target=self.target if by_name or target_required else (),
            features=self.feature_names,
            target_required=target_required and self.task.kind != "reconstruction",
            image=self.input_shape if pictures else None,
        )

    def dataset(self, table: Table, with_targets: bool) -> Dataset:
        """The rows of `table` checked, scaled and, if wanted, with their targets encoded.

        The table is used up: its inputs are scaled where they are, if they may be written to.

        Raises:
            DataError: columns, shape, type or values that the model was not made for.
        """
        place = Place.of(table)
        targets = None
        if with_targets and self.task.kind != "reconstruction":
            if table.targets is None:
                raise DataError("there are no targets", where=safe_text(table.origin))
            check_lengths(table)
            targets = self.encoding.encode(table.targets, place)
        return self.assemble(self._inputs(table, with_targets), targets, place)

    def assemble(self, inputs: Array, targets: Array | None, place: Place) -> Dataset:
        """A data set of inputs (n, *shape) of the right type and encoded targets.

        Raises:
            DataError: an input is not finite, or cannot be scaled.
        """
        if self.input_kind == "numbers" and len(inputs):
            low, high = NumberStatistics(inputs).extremes
            check_finite(inputs, low, high, place, self.feature_names)
            self.scaling.check(low, high, safe_text(place.origin), self._column)
            if self.scaling.kind != "none" and not inputs.flags.writeable:
                inputs = inputs.copy()  # the source keeps it
            self.scaling.apply_in_place(inputs)
        return Dataset(inputs, targets, self.scaling, self.task)

    def _column(self, index: int) -> str:
        if self.feature_names is not None:
            return f"column `{safe_text(self.feature_names[index])}`"
        shape = statistic_shape(self.input_shape, self.input_kind == "bytes")
        if not shape:
            return "the input"
        return f"column {index}" if len(self.input_shape) == 1 else f"channel {index}"

    def _inputs(self, table: Table, with_targets: bool) -> Array:
        where = safe_text(table.origin)
        kind = input_kind(table.inputs)
        if kind != self.input_kind:
            raise DataError(
                f"the inputs are {_KINDS[kind]}, the training rows were {_KINDS[self.input_kind]}",
                where=where,
                fix="save them in the type and range that the training rows had",
            )
        names = table.feature_names
        if names != self.feature_names and not (names is None or self.feature_names is None):
            missing = [name for name in self.feature_names if name not in names]
            raise DataError(
                f"the columns {listing(missing, 5)} are missing"
                if missing
                else "the columns are not those of the training rows, or in another order",
                where=where,
                why=f"training had {len(self.feature_names)} columns, here are {len(names)}",
            )
        inputs = as_examples(table.inputs)
        positions = [name for name in self.target if isinstance(name, int)]
        if not with_targets and names is None and positions and len(self.input_shape) == 1:
            width = self.input_shape[0] + len(positions)
            inside = all(-width <= position < width for position in positions)
            if inside and inputs.shape[1:] == (width,):
                inputs = np.delete(inputs, positions, axis=1)
        if inputs.shape[1:] != self.input_shape:
            raise DataError(
                f"an example has the shape {inputs.shape[1:]}, "
                f"the training rows had {self.input_shape}",
                where=where,
                fix="a single example needs a first axis of length 1" if len(inputs) else "",
            )
        return inputs

    def to_json(self) -> dict[str, Any]:
        """Everything but the arrays, in types that JSON has."""
        task, numeric = self.task, self.encoding.numeric
        return {
            **({"numeric": True} if numeric else {}),
            "classes": list(self.encoding.classes),
            "features": None if self.feature_names is None else list(self.feature_names),
            "input_kind": self.input_kind,
            "input_shape": list(self.input_shape),
            "positive": list(self.encoding.positive),
            "scale": self.scaling.kind,
            "target": list(self.target),
            "task": {"count": task.count, "kind": task.kind, "labels": list(task.labels)},
        }

    def arrays(self) -> dict[str, Array]:
        """The arrays of the scaling, by name: float32."""
        both = {"scaling.shift": self.scaling.shift, "scaling.scale": self.scaling.scale}
        return {name: values for name, values in both.items() if values is not None}

    @classmethod
    def from_json(cls, document: Mapping[str, Any], arrays: Mapping[str, Array]) -> DataSchema:
        """The schema that `to_json` and `arrays` came from.

        Raises:
            CheckpointError: a field is missing, unknown, or contradicts another.
        """
        fields = schema_file.checked(document, arrays)
        return cls(
            input_shape=fields.input_shape,
            input_kind=fields.input_kind,
            feature_names=fields.features,
            scaling=Scaling(fields.scale, arrays.get("scaling.shift"), arrays.get("scaling.scale")),
            encoding=Encoding(fields.task, fields.classes, fields.positive, numeric=fields.numeric),
            target=fields.target,
        )


_KINDS: dict[InputKind, str] = {"bytes": "bytes (0 to 255)", "numbers": "numbers"}


def input_kind(inputs: Array) -> InputKind:
    """What a table's inputs are."""
    return "bytes" if inputs.dtype == np.uint8 else "numbers"


def as_examples(inputs: Array) -> Array:
    """Inputs as examples that networks take: vectors, and images that say their channels.

    (n,) becomes (n, 1), and bytes (n, h, w) become (n, h, w, 1): bytes are pixels. Numbers
    (n, h, w) stay as they are, for they may be anything; save images of numbers as (n, h, w, 1).
    """
    if inputs.ndim == 1:
        return inputs.reshape(-1, 1)
    if inputs.ndim == 3 and inputs.dtype == np.uint8:
        return inputs.reshape(*inputs.shape, 1)
    return inputs


def check_lengths(table: Table) -> None:
    """Refuse a table whose inputs and targets are not of the same length.

    Raises:
        DataError: gives both lengths.
    """
    if table.targets is not None and len(table.targets) != len(table.inputs):
        raise DataError(
            f"{len(table.inputs)} rows of inputs, but {len(table.targets)} of targets",
            where=safe_text(table.origin),
            why=f"shapes {table.inputs.shape} and {table.targets.shape}",
        )
