"""What `dnn check` shows of the data: sizes, classes, ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dnn_cli.base.task import Task
from dnn_cli.base.types import Array, Shape
from dnn_cli.data.dataset import Dataset
from dnn_cli.data.examples import InputKind
from dnn_cli.data.prepare import Prepared


@dataclass(frozen=True, slots=True)
class DataSummary:
    """The data in numbers; parts are called train, valid and test.

    `counts` are the rows of each class, or the rows to which each label applies, one list a
    part; `target_ranges` the (minimum, mean, maximum) of each training target in a regression.
    `input_ranges` are the (minimum, maximum) of the training inputs before scaling, one a column
    (or a channel, or altogether). `shift` and `scale` are the ranges of the scaling.
    """

    rows: Mapping[str, int]
    input_shape: Shape
    input_kind: InputKind
    feature_names: tuple[str, ...] | None
    task: Task
    target: tuple[str | int, ...]
    counts: Mapping[str, tuple[int, ...]]
    target_ranges: tuple[tuple[float, float, float], ...]
    input_ranges: tuple[tuple[float, float], ...]
    scaling: str
    shift: tuple[float, float] | None
    scale: tuple[float, float] | None
    bytes_in_memory: int
    notes: tuple[str, ...]


def summarise(prepared: Prepared) -> DataSummary:
    """The summary of prepared data: one pass over the targets, none over the inputs."""
    schema = prepared.schema
    named = {"train": prepared.train, "valid": prepared.valid, "test": prepared.test}
    parts = {name: part for name, part in named.items() if part is not None}
    low, high = np.atleast_1d(prepared.minimum), np.atleast_1d(prepared.maximum)
    return DataSummary(
        rows={name: part.rows for name, part in parts.items()},
        input_shape=schema.input_shape,
        input_kind=schema.input_kind,
        feature_names=schema.feature_names,
        task=schema.task,
        target=schema.target,
        counts={name: found for name, part in parts.items() if (found := _counts(part))},
        target_ranges=_target_ranges(prepared.train),
        input_ranges=tuple(zip(low.tolist(), high.tolist(), strict=True)),
        scaling=prepared.spec.scale,
        shift=_range(schema.scaling.middle),
        scale=_range(schema.scaling.scale),
        bytes_in_memory=sum(
            part.inputs.nbytes + (0 if part.targets is None else part.targets.nbytes)
            for part in parts.values()
        ),
        notes=prepared.notes,
    )


def _counts(part: Dataset) -> tuple[int, ...]:
    if part.targets is None:
        return ()
    if part.task.classifies:
        counts = np.bincount(part.targets, minlength=part.task.count)
        return tuple(int(count) for count in counts)
    if part.task.kind == "multilabel":
        return tuple(int(count) for count in np.count_nonzero(part.targets, axis=0))
    return ()


def _target_ranges(train: Dataset) -> tuple[tuple[float, float, float], ...]:
    if train.targets is None or train.task.kind != "regression":
        return ()
    targets = train.target_scaling.restored(train.targets)
    low, high = targets.min(axis=0), targets.max(axis=0)
    mean = targets.mean(axis=0, dtype=np.float64)
    return tuple(zip(low.tolist(), mean.tolist(), high.tolist(), strict=True))


def _range(values: Array | None) -> tuple[float, float] | None:
    return None if values is None else (float(values.min()), float(values.max()))
