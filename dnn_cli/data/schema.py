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
from dnn_cli.data.examples import CHANNELS_LAST, InputKind, adapted, as_examples, input_kind, longer
from dnn_cli.data.finite import check_finite
from dnn_cli.data.place import Place
from dnn_cli.data.scaling import Scaling
from dnn_cli.data.spec import DataSpec
from dnn_cli.data.statistics import NumberStatistics, statistic_shape
from dnn_cli.data.table import Columns, Table
from dnn_cli.data.target_scaling import TargetScaling


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
    feature_names: tuple[str, ...] | None
    scaling: Scaling
    encoding: Encoding
    target: tuple[str | int, ...] = ()
    target_scaling: TargetScaling = TargetScaling()  # noqa: RUF009 - frozen
    dialect: Mapping[str, str] = field(default_factory=dict)

    @property
    def task(self) -> Task:
        """What the model answers."""
        return self.encoding.task

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
        by_name = self.feature_names is not None
        pictures = self.input_kind == "bytes" and len(self.input_shape) == 3
        return Columns(
            target=self.target if by_name or target_required else (),
            features=self.feature_names,
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
        return adapted(table, self.input_shape, self.input_kind)

    def dataset(self, table: Table, with_targets: bool) -> Dataset:
        """The rows of `table` checked, scaled and, if wanted, with their targets encoded.

        The table is used up: inputs in float32 are scaled where they are, if that is allowed.

        Raises:
            DataError: columns, shape, type or values that the model was not made for.
        """
        place = Place.of(table)
        targets = None
        if with_targets and self.task.kind != "reconstruction":
            targets = self.encoding.encode(_targets(table), place)
        return self.assemble(self._inputs(table, with_targets), targets, place)

    def assemble(self, inputs: Array, targets: Array | None, place: Place) -> Dataset:
        """A data set of inputs (n, *shape) of the right type and encoded targets, both unscaled.

        Raises:
            DataError: an input is not finite, or cannot be scaled.
        """
        if self.input_kind == "numbers" and len(inputs):
            low, high = NumberStatistics(inputs).extremes
            check_finite(inputs, low, high, place, self.feature_names)
            self.scaling.check(low, high, safe_text(place.origin), self._column)
        if self.input_kind == "numbers":
            inputs = self.scaling.scaled(inputs)
        if targets is not None and self.task.kind == "regression":
            targets = self.target_scaling.scaled(targets)
        return Dataset(inputs, targets, self.scaling, self.task, self.target_scaling)

    def _column(self, index: int) -> str:
        if self.feature_names is not None:
            return f"column `{safe_text(self.feature_names[index])}`"
        shape = statistic_shape(self.input_shape, self.input_kind == "bytes")
        if not shape:
            return "the input"
        return f"column {index}" if len(self.input_shape) == 1 else f"channel {index}"

    def _inputs(self, table: Table, with_targets: bool) -> Array:
        where = safe_text(table.origin)
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
            raise self._wrong_shape(table, inputs)
        kind = input_kind(inputs)
        if kind != self.input_kind:
            raise DataError(
                f"the inputs are {_KINDS[kind]}, the training rows were {_KINDS[self.input_kind]}",
                where=where,
                fix="save them in the type and range that the training rows had",
            )
        return inputs

    def _wrong_shape(self, table: Table, inputs: Array) -> DataError:
        """The error for examples of another shape, with advice where it is plain what is wrong."""
        found, wanted = tuple(inputs.shape[1:]), self.input_shape
        sizes = size_of(found), size_of(wanted)
        fix = ""
        if len(wanted) == 3 and found == (wanted[2], *wanted[:2]):
            fix = CHANNELS_LAST
        elif table.feature_names is None and longer(table.inputs.shape) == longer(wanted):
            fix = "a single example needs a first axis of length 1: save x[None]"
        return DataError(
            f"an example has the shape {found}, the training rows had {wanted}",
            where=safe_text(table.origin),
            why=f"it has {sizes[0]:,} numbers, theirs {sizes[1]:,}" if sizes[0] != sizes[1] else "",
            fix=fix,
        )

    def to_json(self) -> dict[str, Any]:
        """Everything but the arrays, in types that JSON has."""
        task = self.task
        found: dict[str, Any] = {
            "classes": list(self.encoding.classes),
            "features": None if self.feature_names is None else list(self.feature_names),
            "input_kind": self.input_kind,
            "input_shape": list(self.input_shape),
            "positive": list(self.encoding.positive),
            "scale": self.scaling.kind,
            "target": list(self.target),
            "task": {"count": task.count, "kind": task.kind, "labels": list(task.labels)},
        }
        # Only where it holds, so that other models are described as they always were.
        if self.encoding.one_hot:
            found["one_hot"] = True
        if self.encoding.numeric:
            found["numeric"] = True
        if self.target_scaling.kind != "none":
            found["target_scale"] = self.target_scaling.kind
        if self.dialect:
            found["dialect"] = dict(self.dialect)
        return found

    def arrays(self) -> dict[str, Array]:
        """The arrays of the scalings, by name: float64."""
        found = {
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
            feature_names=fields.features,
            scaling=Scaling(fields.scale, wide.get("scaling.shift"), wide.get("scaling.scale")),
            encoding=Encoding(
                fields.task, fields.classes, fields.positive, fields.one_hot, fields.numeric
            ),
            target=fields.target,
            target_scaling=TargetScaling(wide.get("target.mean"), wide.get("target.deviation")),
            dialect=fields.dialect,
        )


_KINDS: dict[InputKind, str] = {"bytes": "bytes (0 to 255)", "numbers": "numbers"}


def _targets(table: Table) -> Array:
    """The targets of rows to measure a model on, which must be there, and not of several parts."""
    if table.parts is not None:
        raise DataError(
            f"`{safe_text(table.origin)}` is divided into {listing(set(table.parts.tolist()))}",
            where=safe_text(table.origin),
            fix="name the folder of one part",
        )
    if table.targets is None:
        raise DataError(
            "there are no targets",
            where=safe_text(table.origin),
            why="the model was trained on labels that are no column of a table",
            fix="save inputs and targets in one file: np.savez('data.npz', x=x, y=y)",
        )
    check_lengths(table)
    return table.targets


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
