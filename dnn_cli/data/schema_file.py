"""Reading a data schema back from a file that is not trusted.

Each field is checked alone, then against the others, and nothing is allocated by what it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from dnn_cli.base.task import Task, TaskKind
from dnn_cli.base.text import listing
from dnn_cli.base.types import Array, Shape, size_of
from dnn_cli.data import stored as checks
from dnn_cli.data.columns.number import NumberColumn
from dnn_cli.data.encoding import binary_labels
from dnn_cli.data.raw_columns import DEFAULT_MISSING
from dnn_cli.data.readers.csv_dialect import problem_with
from dnn_cli.data.spec import ScaleKind, TargetScaleKind
from dnn_cli.data.statistics import statistic_shape
from dnn_cli.data.table_coding import TableCoding

_FLOATS = (np.float64, np.float32)  # float32 in files written by earlier versions
_LARGEST = 1 << 40  # elements of one example: far beyond any memory, far below overflow
_ARRAYS: dict[str, set[str]] = {"none": set(), "unit": {"scaling.scale"}}
_BOTH = {"scaling.shift", "scaling.scale"}
_TARGETS = {"target.mean", "target.deviation"}
_FIELDS = frozenset(
    {"classes", "features", "input_kind", "input_shape", "positive", "scale", "target", "task"}
)
_OPTIONAL = frozenset(  # written only where they hold
    {"base", "columns", "dialect", "missing", "numeric", "one_hot", "target_scale", "weight"}
)


@dataclass(frozen=True, slots=True)
class Fields:
    """The checked fields of a stored schema."""

    input_shape: Shape
    input_kind: Literal["bytes", "numbers"]
    coding: TableCoding | None
    scale: ScaleKind
    base: Array | None
    task: Task
    classes: tuple[str, ...]
    positive: tuple[str, ...]
    target: tuple[str | int, ...]
    one_hot: bool
    numeric: bool
    dialect: Mapping[str, str]
    missing: tuple[str, ...]
    weight: str | None


def checked(document: Mapping[str, Any], arrays: Mapping[str, Array]) -> Fields:
    """The fields of `document`, whose scaling is in `arrays`.

    Raises:
        CheckpointError: a field is missing, unknown, or contradicts another.
    """
    checks.require_fields(document, "", _FIELDS, _OPTIONAL)
    shape = _shape(document["input_shape"])
    scale = checks.choice(document["scale"], "scale", get_args(ScaleKind))
    scaled = {name: array for name, array in arrays.items() if not name.startswith("columns.")}
    _check_arrays(shape, document["input_kind"] == "bytes", scale, scaled)
    fields = Fields(
        input_shape=shape,
        input_kind=checks.choice(document["input_kind"], "input_kind", ("bytes", "numbers")),
        coding=_coding(document, shape, scale, arrays),
        scale=scale,
        base=_base(document.get("base"), arrays.get("scaling.shift")),
        task=_task(document["task"]),
        classes=checks.names(document["classes"], "classes"),
        positive=checks.names(document["positive"], "positive"),
        target=_target(document["target"]),
        one_hot=checks.switch(document.get("one_hot", False), "one_hot"),
        numeric=checks.switch(document.get("numeric", False), "numeric"),
        dialect=_dialect(document.get("dialect", {})),
        missing=checks.names(document.get("missing", list(DEFAULT_MISSING)), "missing"),
        weight=_weight(document.get("weight")),
    )
    _check_labels(fields)
    _check_target_arrays(
        checks.choice(
            document.get("target_scale", "none"), "target_scale", get_args(TargetScaleKind)
        ),
        fields.task,
        arrays,
    )
    return fields


def _dialect(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        checks.damaged("dialect", "is not an object")
    if problem := problem_with(value):
        checks.damaged("dialect", problem)
    return dict(value)


def _base(value: Any, shift: Array | None) -> Array | None:
    """The whole numbers that are subtracted before the shift, one for each of its numbers."""
    if value is None:
        return None
    if not isinstance(value, list) or shift is None or len(value) != shift.size:
        checks.damaged("base", "is not a list of as many numbers as are subtracted after it")
    if not all(checks.is_whole(one) for one in value):
        checks.damaged("base", "holds what is no whole number")
    kind = np.int64 if min(value) < 0 else np.uint64
    limits = np.iinfo(kind)
    if not limits.min <= min(value) <= max(value) <= limits.max:
        checks.damaged("base", "holds a number of more than 64 bits")
    return np.array(value, kind).reshape(shift.shape)


def _weight(value: Any) -> str | None:
    if value is not None and not checks.is_name(value):
        checks.damaged("weight", "is not a name")
    return value if isinstance(value, str) else None


def _shape(value: Any) -> Shape:
    if not isinstance(value, list) or not 1 <= len(value) <= 8:
        checks.damaged("input_shape", "is not a shape")
    if not all(checks.is_whole(length) and 1 <= length <= _LARGEST for length in value):
        checks.damaged("input_shape", "is not a shape")
    if size_of(tuple(value)) > _LARGEST:
        checks.damaged("input_shape", "is too large")
    return tuple(value)


def _coding(
    document: Mapping[str, Any], shape: Shape, scale: ScaleKind, arrays: Mapping[str, Array]
) -> TableCoding | None:
    """How a table's columns become the inputs; None where the inputs are arrays."""
    features = document["features"]
    if "columns" not in document:
        return None if features is None else _of_numbers(features, shape, scale, arrays)
    if features is not None or scale != "none" or document["input_kind"] != "numbers":
        checks.damaged("columns", "stands beside `features`, a scaling, or bytes")
    coding = TableCoding.from_json(document["columns"], arrays)
    if shape != (coding.width,):
        checks.damaged("columns", f"become {coding.width} inputs for the shape {shape}")
    return coding


def _of_numbers(
    value: Any, shape: Shape, scale: ScaleKind, arrays: Mapping[str, Array]
) -> TableCoding:
    """The columns of a table of numbers, as version 0.1 kept them: names beside one scaling.

    What fills a gap, of which there were none, is what becomes 0.
    """
    names = checks.names(value, "features")
    if shape != (len(names),) or not names:
        checks.damaged("features", f"has {len(names)} names for the shape {shape}")
    shifts = arrays.get("scaling.shift", np.zeros(shape)).tolist()
    factors = arrays.get("scaling.scale", np.ones(shape)).tolist()
    return TableCoding(
        [
            NumberColumn(name, scale, shift, factor, shift, gaps=False)
            for name, shift, factor in zip(names, shifts, factors, strict=True)
        ]
    )


def _target(value: Any) -> tuple[str | int, ...]:
    if not isinstance(value, list) or not all(
        checks.is_name(x) or checks.is_whole(x) for x in value
    ):
        checks.damaged("target", "is not a list of names or positions")
    return tuple(value)


def _task(value: Any) -> Task:
    checks.require_fields(value, "task", {"count", "kind", "labels"})
    kind = checks.choice(value["kind"], "task.kind", get_args(TaskKind))
    if not (checks.is_whole(value["count"]) and 1 <= value["count"] <= _LARGEST):
        checks.damaged("task.count", "is not a count")
    return Task(kind, value["count"], checks.names(value["labels"], "task.labels"))


def _check_labels(fields: Fields) -> None:
    task = fields.task
    if task.kind == "reconstruction":
        if task.count != size_of(fields.input_shape) or task.labels:
            checks.damaged("task", "does not reconstruct the inputs")
    elif len(task.labels) != task.count:
        checks.damaged("task.labels", f"has {len(task.labels)} labels for {task.count}")
    if not task.classifies:
        if fields.classes or fields.positive or fields.one_hot or fields.numeric:
            checks.damaged("classes", f"has no meaning in a {task.kind} task")
        return
    if task.count < 2 or (task.kind == "binary" and task.count != 2):
        checks.damaged("task.count", f"is {task.count} in a {task.kind} task")
    expected: tuple[str, ...] = fields.classes
    if fields.positive:
        if not set(fields.positive) < set(fields.classes):
            checks.damaged("positive", "does not name some of the classes")
        expected = binary_labels(fields.classes, fields.positive)
    if task.labels != expected:
        checks.damaged("task.labels", "does not follow from the classes")


def _check_arrays(
    shape: Shape, of_bytes: bool, scale: ScaleKind, arrays: Mapping[str, Array]
) -> None:
    wanted = _ARRAYS.get(scale, _BOTH)
    present = {name for name in _BOTH if name in arrays}
    if present != wanted:
        checks.damaged("scale", f"is {scale}, but the file has {listing(present) or 'no arrays'}")
    single = scale == "unit" and of_bytes
    for name in sorted(wanted):
        _check_array(name, arrays[name], () if single else statistic_shape(shape, of_bytes))


def _check_target_arrays(kind: TargetScaleKind, task: Task, arrays: Mapping[str, Array]) -> None:
    present = {name for name in _TARGETS if name in arrays}
    if present != {"none": set(), "mean": {"target.deviation"}, "standard": _TARGETS}[kind]:
        names = listing(present) or "no arrays"
        checks.damaged("target_scale", f"is {kind}, but the file has {names}")
    if kind != "none" and task.kind != "regression":
        checks.damaged("target_scale", f"has no meaning in a {task.kind} task")
    for name in sorted(present):
        _check_array(name, arrays[name], (task.count,))
    if present and not (arrays["target.deviation"] > 0).all():
        checks.damaged("target.deviation", "is not above 0")


def _check_array(name: str, values: Array, shape: Shape) -> None:
    if values.dtype not in _FLOATS or values.shape != shape:
        checks.damaged(name, f"is {values.dtype} {values.shape}, not float64 {shape}")
    if not np.isfinite(values).all():
        checks.damaged(name, "holds numbers that are not finite")
