"""What a model knows about its data: all that predicting and evaluating need, in a model file.

It is stored as JSON plus the small arrays of the scalings, and read back from a file that
nobody vouches for: every field is checked before it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.task import Task
from dnn_cli.base.text import listing, safe_text
from dnn_cli.base.types import Array, Shape, size_of
from dnn_cli.data import schema_file
from dnn_cli.data.dataset import Dataset
from dnn_cli.data.encoding import Encoding, larger
from dnn_cli.data.examples import InputKind, adapted, as_examples, input_kind
from dnn_cli.data.finite import check_finite
from dnn_cli.data.place import Place
from dnn_cli.data.raw_columns import DEFAULT_MISSING
from dnn_cli.data.scaling import Scaling
from dnn_cli.data.spec import DataSpec
from dnn_cli.data.statistics import NumberStatistics, statistic_shape
from dnn_cli.data.table import Columns, Table
from dnn_cli.data.table_coding import SurpriseLog, TableCoding
from dnn_cli.data.table_targets import targets_to_measure
from dnn_cli.data.target_scaling import TargetScaling
from dnn_cli.data.weights import normalised, weights_of
from dnn_cli.data.wrong_inputs import wrong_kind, wrong_shape


@final
@dataclass(frozen=True, slots=True, eq=False)
class DataSchema:
    """The inputs a model takes, how they are scaled, and what it answers.

    `target` are the columns that hold the targets: names, or positions in sources without
    names; empty where the source brings its own labels, or none are needed. `dialect` is how the
    training file was written, where that is unusual.
    """

    input_shape: Shape
    input_kind: InputKind
    coding: TableCoding | None  # of columns with names; None where the inputs are arrays
    scaling: Scaling
    encoding: Encoding
    target: tuple[str | int, ...] = ()
    target_scaling: TargetScaling = TargetScaling()  # noqa: RUF009 - frozen
    dialect: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = DEFAULT_MISSING
    weight: str | None = None  # the column that says how much a row counts, if it has one

    @property
    def task(self) -> Task:
        """What the model answers."""
        return self.encoding.task

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """The columns that a table has to have."""
        return None if self.coding is None else self.coding.names

    @property
    def levels(self) -> tuple[int, ...] | None:
        """How many levels each input has, 0 for a number; None where the inputs are arrays."""
        return None if self.coding is None else self.coding.levels

    @property
    def positive(self) -> tuple[str, ...]:
        """The classes told from the rest; empty where there is no such grouping."""
        return self.encoding.positive

    def as_trained(self, spec: DataSpec) -> DataSpec:
        """`spec` with the positive class of this model, where only the rule of the time chose it.

        Earlier versions took the last by code point, and their `resolved.yaml` names none.
        """
        classes = self.encoding.classes
        settled = spec.positive is not None or self.task.kind != "binary" or self.positive
        if settled or larger(classes) == classes[-1]:
            return spec
        return replace(spec, positive=classes[-1:])

    def columns(self, target_required: bool) -> Columns:
        """What to ask of a source that this model is to read.

        Without column names a file to predict may or may not hold the target columns: all are
        asked for, and `dataset` tells by their number.
        """
        pictures = self.input_kind == "bytes" and len(self.input_shape) == 3
        return Columns(
            target=self.target if target_required else (),
            optional=(self.weight,) if target_required and self.weight is not None else (),
            features=self.feature_names,
            types={} if self.coding is None else self.coding.types,
            missing=self.missing,
            target_required=target_required and self.task.kind != "reconstruction",
            image=self.input_shape if pictures else None,
            of_model=True,
            dialect=self.dialect,
        )

    def adapted(self, table: Table) -> Table:
        """`table` with its inputs read as the model takes them; its notes say how.

        Raises:
            DataError: numbers that cannot be the bytes which the model takes.
        """
        if self.coding is None:
            return adapted(table.as_array(), self.input_shape, self.input_kind)
        numbers = all(kind == "number" for kind in self.coding.types.values())
        return table.as_columns(self.coding.names) if numbers else table

    def dataset(self, table: Table, with_targets: bool, log: SurpriseLog | None = None) -> Dataset:
        """The rows of `table` checked, scaled and, if wanted, with their targets encoded.

        The table is used up: inputs in float32 are scaled where they are, if that is allowed.
        `log` takes what was put in the place of cells that training had nothing like.

        Raises:
            DataError: columns, shape, type or values that the model was not made for.
        """
        place, targets, weights = Place.of(table), None, None
        if with_targets and self.weight in table.extra:
            assert self.weight is not None
            weights = normalised(weights_of(table, self.weight, place), self.weight, place)
        if with_targets and self.task.kind != "reconstruction":
            targets = self.encoding.encode(targets_to_measure(table), place)
        if self.coding is None:
            return self.assemble(self._inputs(table, with_targets), targets, place, weights)
        if table.columns is None:
            raise self._no_columns(table)
        log = log or SurpriseLog()
        inputs = self.coding.encode(table.columns, place, log, table.room)
        return self.coded(inputs, targets, weights)

    def coded(self, inputs: Array, targets: Array | None, weights: Array | None = None) -> Dataset:
        """A data set of the coded rows of a table and encoded targets, unscaled."""
        if targets is not None and self.task.kind == "regression":
            targets = self.target_scaling.scaled(targets)
        return Dataset(inputs, targets, self.scaling, self.task, self.target_scaling, weights)

    def assemble(
        self, inputs: Array, targets: Array | None, place: Place, weights: Array | None = None
    ) -> Dataset:
        """A data set of inputs (n, *shape) and encoded targets, both unscaled, or of coded rows.

        Raises:
            DataError: an input is not finite, or cannot be scaled.
        """
        if self.coding is not None:
            return self.coded(inputs, targets, weights)
        if self.input_kind == "numbers" and len(inputs):
            low, high = NumberStatistics(inputs).extremes
            check_finite(inputs, low, high, place)
            self.scaling.check(low, high, safe_text(place.origin), self._column)
        if self.input_kind == "numbers":
            inputs = self.scaling.scaled(inputs)
        return self.coded(inputs, targets, weights)

    def _column(self, index: int) -> str:
        shape = statistic_shape(self.input_shape, self.input_kind == "bytes")
        if not shape:
            return "the input"
        return f"column {index}" if len(self.input_shape) == 1 else f"channel {index}"

    def _no_columns(self, table: Table) -> DataError:
        assert self.coding is not None
        return DataError(
            f"`{safe_text(table.origin)}` has no columns with names",
            where=safe_text(table.origin),
            why=f"the model was trained on columns: {listing(self.coding.names, 10)}",
            fix="give a table with these columns, such as a CSV file",
        )

    def _inputs(self, table: Table, with_targets: bool) -> Array:
        where = safe_text(table.origin)
        if table.columns is not None:
            raise DataError(
                "these are columns with names, and the model takes arrays",
                where=where,
                why=f"an example has the shape {self.input_shape}",
                fix="give an array, such as an NPY file",
            )
        same = table.inputs.shape[1:] == self.input_shape
        inputs = table.inputs if same else as_examples(table.inputs)
        positions = [name for name in self.target if isinstance(name, int)]
        if not with_targets and positions and len(self.input_shape) == 1:
            width = self.input_shape[0] + len(positions)
            inside = all(-width <= position < width for position in positions)
            if inside and inputs.shape[1:] == (width,):
                inputs = np.delete(inputs, positions, axis=1)
        kind, wrong = input_kind(inputs), inputs.shape[1:] != self.input_shape
        if wrong and (kind == self.input_kind or not self._as_many(inputs)):
            raise wrong_shape(table, self.input_shape)
        if kind != self.input_kind:
            raise wrong_kind(table, kind, self.input_kind)
        return inputs

    def _as_many(self, inputs: Array) -> bool:
        """Whether an example has as many numbers as the model takes."""
        return size_of(inputs.shape[1:]) == size_of(self.input_shape)

    def to_json(self) -> dict[str, Any]:
        """Everything but the arrays, in types that JSON has."""
        task = self.task
        found: dict[str, Any] = {
            "classes": list(self.encoding.classes),
            "features": None,
            "input_kind": self.input_kind,
            "input_shape": list(self.input_shape),
            "positive": list(self.encoding.positive),
            "scale": self.scaling.kind,
            "target": list(self.target),
            "task": {"count": task.count, "kind": task.kind, "labels": list(task.labels)},
        }
        # Only where it holds, so that other models are described as they always were.
        if self.scaling.base is not None:
            found["base"] = self.scaling.base.reshape(-1).tolist()
        if self.encoding.one_hot:
            found["one_hot"] = True
        if self.encoding.numeric:
            found["numeric"] = True
        if self.target_scaling.kind != "none":
            found["target_scale"] = self.target_scaling.kind
        if self.coding is not None:
            found["columns"] = self.coding.to_json()
        if self.missing != DEFAULT_MISSING:
            found["missing"] = list(self.missing)
        if self.weight is not None:
            found["weight"] = self.weight
        if self.dialect:
            found["dialect"] = dict(self.dialect)
        return found

    def arrays(self) -> dict[str, Array]:
        """The arrays of the scalings and the columns, by name: float64."""
        coded = {} if self.coding is None else self.coding.arrays()
        found = {
            **coded,
            "scaling.shift": self.scaling.shift,
            "scaling.scale": self.scaling.scale,
            "target.mean": self.target_scaling.mean,
            "target.deviation": self.target_scaling.deviation,
        }
        return {name: values for name, values in found.items() if values is not None}

    @classmethod
    def from_json(cls, document: Mapping[str, Any], arrays: Mapping[str, Array]) -> DataSchema:
        """The schema that `to_json` and `arrays` came from.

        Raises:
            CheckpointError: a field is missing, unknown, or contradicts another.
        """
        fields = schema_file.checked(document, arrays)
        wide = {name: values.astype(np.float64) for name, values in arrays.items()}
        return cls(
            input_shape=fields.input_shape,
            input_kind=fields.input_kind,
            coding=fields.coding,
            scaling=Scaling("none")
            if fields.coding is not None
            else Scaling(
                fields.scale, wide.get("scaling.shift"), wide.get("scaling.scale"), fields.base
            ),
            encoding=Encoding(
                fields.task, fields.classes, fields.positive, fields.one_hot, fields.numeric
            ),
            target=fields.target,
            target_scaling=TargetScaling(wide.get("target.mean"), wide.get("target.deviation")),
            dialect=fields.dialect,
            missing=fields.missing,
            weight=fields.weight,
        )
