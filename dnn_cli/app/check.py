"""Checking a configuration: everything that `train` would do before its first step."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from dnn_cli.app.build import Built, build
from dnn_cli.app.layer_rows import LayerRow, layer_rows
from dnn_cli.app.lifecycle.threads import use_threads
from dnn_cli.app.memory import estimate
from dnn_cli.app.say import Say, ignore
from dnn_cli.base.types import Shape
from dnn_cli.config.load import load_config
from dnn_cli.data.dataset import Dataset
from dnn_cli.data.source import SourceSpec
from dnn_cli.nn.gradcheck import GradientReport, check_gradients
from dnn_cli.training.profile import StepProfile, profile_step

_ROWS = 16  # examples that the gradients are checked on


@dataclass(frozen=True, slots=True)
class PartRow:
    """One part of the data."""

    name: str
    rows: int
    source: str = ""


@dataclass(frozen=True, slots=True)
class GradientRow:
    """The worst relative error of one slot's gradient in float64."""

    name: str
    error: float
    passed: bool


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a configuration comes to; memory in bytes, shapes per example."""

    config: str
    name: str
    task: str
    loss: str
    optimizer: str
    input: Shape
    outputs: int
    layers: tuple[LayerRow, ...]
    parameters: int
    multiply_adds: int
    data: tuple[PartRow, ...]
    memory: Mapping[str, int]
    epochs: int
    steps_per_epoch: int
    notes: tuple[str, ...] = ()
    gradients: tuple[GradientRow, ...] = ()
    profile: StepProfile | None = None


def check_config(
    config: str,
    *,
    overrides: Sequence[str] = (),
    gradients: bool = False,
    profile: bool = False,
    say: Say = ignore,
) -> CheckResult:
    """What training `config` would mean; trains nothing and writes nothing.

    Raises:
        DnnError: what `train` would raise before its first step.
    """
    built = build(load_config(config, overrides))
    session, prepared = built.session(), built.prepared
    rows = layer_rows(built.layers, prepared.schema.input_shape)
    return CheckResult(
        config=config,
        name=built.name,
        task=prepared.schema.task.kind,
        loss=built.loss_spec.spec_name,
        optimizer=built.spec.optimizer.spec_name,
        input=prepared.schema.input_shape,
        outputs=session.network.out_shape[-1],
        layers=rows,
        parameters=session.network.parameters,
        multiply_adds=sum(row.multiply_adds for row in rows),
        data=_parts(built),
        memory=asdict(estimate(built.layers, prepared, built.spec)),
        epochs=built.spec.training.epochs,
        steps_per_epoch=session.train.steps,
        notes=built.notes,
        gradients=_gradients(built) if gradients else (),
        profile=_profile(built) if profile else None,
    )


def _profile(built: Built) -> StepProfile:
    """Time the steps of a session of its own, on the threads that training would use."""
    session = built.session()
    size = session.train.batch_size
    _, session.ranks = use_threads(built.spec.training.threads, session.network, size)
    return profile_step(session, time.perf_counter)


def _parts(built: Built) -> tuple[PartRow, ...]:
    data, spec = built.prepared, built.spec.data
    parts: list[tuple[str, Dataset | None, SourceSpec | None]] = [
        ("train", data.train, spec.source),
        ("valid", data.valid, spec.valid),
        ("test", data.test, spec.test),
    ]
    return tuple(
        PartRow(name, part.rows, (source or spec.source).spec_name)
        for name, part, source in parts
        if part is not None
    )


def _gradients(built: Built) -> tuple[GradientRow, ...]:
    """The user's own network and loss, on the first rows of the user's own data."""
    train = built.prepared.train
    rows = np.arange(min(_ROWS, train.rows), dtype=np.intp)
    inputs, targets = train.buffers(len(rows))
    train.gather(rows, inputs, targets)
    assert targets is not None
    shape = built.prepared.schema.input_shape
    report: GradientReport = check_gradients(
        built.layers, shape, built.loss, inputs, targets, built.spec.seed
    )
    return tuple(
        GradientRow(name, error, error <= report.tolerance)
        for name, error in report.per_slot.items()
    )
