"""Reading a data schema back from a file that is not trusted.

Each field is checked alone, then against the others, and nothing is allocated by what it says.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, TypeVar, get_args

import numpy as np

from dnn_cli.base.errors import CheckpointError
from dnn_cli.base.task import Task, TaskKind
from dnn_cli.base.text import listing, safe_text
from dnn_cli.base.types import Array, Shape, size_of
from dnn_cli.data.encoding import binary_labels
from dnn_cli.data.readers.csv_dialect import problem_with
from dnn_cli.data.spec import ScaleKind, TargetScaleKind
from dnn_cli.data.statistics import statistic_shape

T = TypeVar("T")
_FLOATS = (np.float64, np.float32)  # float32 in files written by earlier versions
_LARGEST = 1 << 40  # elements of one example: far beyond any memory, far below overflow
_ARRAYS: dict[str, set[str]] = {"none": set(), "unit": {"scaling.scale"}}
_BOTH = {"scaling.shift", "scaling.scale"}
_TARGETS = {"target.mean", "target.deviation"}
_FIELDS = frozenset(
    {"classes", "features", "input_kind", "input_shape", "positive", "scale", "target", "task"}
)
_OPTIONAL = frozenset({"dialect", "numeric", "one_hot", "target_scale"})  # only where they hold


@dataclass(frozen=True, slots=True)
class Fields:
    """The checked fields of a stored schema."""

    input_shape: Shape
    input_kind: Literal["bytes", "numbers"]
    features: tuple[str, ...] | None
    scale: ScaleKind
    task: Task
    classes: tuple[str, ...]
    positive: tuple[str, ...]
    target: tuple[str | int, ...]
    one_hot: bool
    numeric: bool
    dialect: Mapping[str, str]


def checked(document: Mapping[str, Any], arrays: Mapping[str, Array]) -> Fields:
    """The fields of `document`, whose scaling is in `arrays`.

    Raises:
        CheckpointError: a field is missing, unknown, or contradicts another.
    """
    _keys(document, "", _FIELDS, _OPTIONAL)
    shape = _shape(document["input_shape"])
    fields = Fields(
        input_shape=shape,
        input_kind=_choice(document["input_kind"], "input_kind", ("bytes", "numbers")),
        features=_features(document["features"], shape),
        scale=_choice(document["scale"], "scale", get_args(ScaleKind)),
        task=_task(document["task"]),
        classes=_names(document["classes"], "classes"),
        positive=_names(document["positive"], "positive"),
        target=_target(document["target"]),
        one_hot=_switch(document.get("one_hot", False), "one_hot"),
        numeric=_switch(document.get("numeric", False), "numeric"),
        dialect=_dialect(document.get("dialect", {})),
    )
    _check_labels(fields)
    _check_arrays(fields, arrays)
    _check_target_arrays(
        _choice(document.get("target_scale", "none"), "target_scale", get_args(TargetScaleKind)),
        fields.task,
        arrays,
    )
    return fields


def _damaged(field: str, what: str) -> NoReturn:
    raise CheckpointError(
        f"the data schema is damaged: `{field}` {what}" if field else f"the data schema {what}"
    )


def _keys(document: Any, field: str, wanted: Set[str], optional: Set[str] = frozenset()) -> None:
    if not isinstance(document, Mapping):
        _damaged(field, "is not an object")
    for name in sorted(wanted - set(document)):
        _damaged(field, f"lacks `{name}`")
    for name in sorted(set(document) - wanted - optional):
        _damaged(field, f"has an unknown field `{safe_text(name)}`")


def _choice(value: Any, field: str, allowed: tuple[T, ...]) -> T:
    if not isinstance(value, str) or value not in allowed:
        _damaged(field, f"is none of {listing(str(name) for name in allowed)}")
    return value


def _names(value: Any, field: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(_is_name(name) for name in value):
        _damaged(field, "is not a list of names")
    if len(set(value)) != len(value):
        _damaged(field, "names something twice")
    return tuple(value)


def _is_name(value: Any) -> bool:
    """Whether `value` is text that can be written as UTF-8, which half a surrogate pair cannot."""
    return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)


def _switch(value: Any, field: str) -> bool:
    if type(value) is not bool:
        _damaged(field, "is neither true nor false")
    return value


def _dialect(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        _damaged("dialect", "is not an object")
    if problem := problem_with(value):
        _damaged("dialect", problem)
    return dict(value)


def _whole(value: Any) -> bool:
    return type(value) is int  # True is an int too


def _shape(value: Any) -> Shape:
    if not isinstance(value, list) or not 1 <= len(value) <= 8:
        _damaged("input_shape", "is not a shape")
    if not all(_whole(length) and 1 <= length <= _LARGEST for length in value):
        _damaged("input_shape", "is not a shape")
    if size_of(tuple(value)) > _LARGEST:
        _damaged("input_shape", "is too large")
    return tuple(value)


def _features(value: Any, shape: Shape) -> tuple[str, ...] | None:
    if value is None:
        return None
    names = _names(value, "features")
    if shape != (len(names),):
        _damaged("features", f"has {len(names)} names for the shape {shape}")
    return names


def _target(value: Any) -> tuple[str | int, ...]:
    if not isinstance(value, list) or not all(_is_name(x) or _whole(x) for x in value):
        _damaged("target", "is not a list of names or positions")
    return tuple(value)


def _task(value: Any) -> Task:
    _keys(value, "task", {"count", "kind", "labels"})
    kind = _choice(value["kind"], "task.kind", get_args(TaskKind))
    if not (_whole(value["count"]) and 1 <= value["count"] <= _LARGEST):
        _damaged("task.count", "is not a count")
    return Task(kind, value["count"], _names(value["labels"], "task.labels"))


def _check_labels(fields: Fields) -> None:
    task = fields.task
    if task.kind == "reconstruction":
        if task.count != size_of(fields.input_shape) or task.labels:
            _damaged("task", "does not reconstruct the inputs")
    elif len(task.labels) != task.count:
        _damaged("task.labels", f"has {len(task.labels)} labels for {task.count}")
    if not task.classifies:
        if fields.classes or fields.positive or fields.one_hot or fields.numeric:
            _damaged("classes", f"has no meaning in a {task.kind} task")
        return
    if task.count < 2 or (task.kind == "binary" and task.count != 2):
        _damaged("task.count", f"is {task.count} in a {task.kind} task")
    expected: tuple[str, ...] = fields.classes
    if fields.positive:
        if not set(fields.positive) < set(fields.classes):
            _damaged("positive", "does not name some of the classes")
        expected = binary_labels(fields.classes, fields.positive)
    if task.labels != expected:
        _damaged("task.labels", "does not follow from the classes")


def _check_arrays(fields: Fields, arrays: Mapping[str, Array]) -> None:
    wanted = _ARRAYS.get(fields.scale, _BOTH)
    present = {name for name in _BOTH if name in arrays}
    if present != wanted:
        _damaged("scale", f"is {fields.scale}, but the file has {listing(present) or 'no arrays'}")
    shape = statistic_shape(fields.input_shape, fields.input_kind == "bytes")
    single = fields.scale == "unit" and fields.input_kind == "bytes"
    for name in sorted(wanted):
        _check_array(name, arrays[name], () if single else shape)


def _check_target_arrays(kind: TargetScaleKind, task: Task, arrays: Mapping[str, Array]) -> None:
    present = {name for name in _TARGETS if name in arrays}
    if present != (_TARGETS if kind == "standard" else set()):
        names = listing(present) or "no arrays"
        _damaged("target_scale", f"is {kind}, but the file has {names}")
    if kind == "standard" and task.kind != "regression":
        _damaged("target_scale", f"has no meaning in a {task.kind} task")
    for name in sorted(present):
        _check_array(name, arrays[name], (task.count,))
    if present and not (arrays["target.deviation"] > 0).all():
        _damaged("target.deviation", "is not above 0")


def _check_array(name: str, values: Array, shape: Shape) -> None:
    if values.dtype not in _FLOATS or values.shape != shape:
        _damaged(name, f"is {values.dtype} {values.shape}, not float64 {shape}")
    if not np.isfinite(values).all():
        _damaged(name, "holds numbers that are not finite")
