"""Checking a configuration: everything that `train` would do before its first step, and more.

Order      1 read, and build what a training consists of; 2 look for findings in the data; 3 time
           some steps. Where the data stop a training, 2 tells all that is wrong with them
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median

import numpy as np

from dnn_cli.app.build import Built, build
from dnn_cli.app.draft import load, section
from dnn_cli.app.layer_rows import LayerRow, layer_rows
from dnn_cli.app.lifecycle.threads import use_threads
from dnn_cli.app.memory import estimate
from dnn_cli.base.errors import DataError, Problem
from dnn_cli.base.types import Shape
from dnn_cli.data.dataset import Dataset
from dnn_cli.data.examination import Fault, examine, remembered
from dnn_cli.data.reading import Reading, read
from dnn_cli.data.source import SourceSpec
from dnn_cli.data.spec import DataSpec
from dnn_cli.nn.gradcheck import GradientReport, check_gradients
from dnn_cli.training.finding import Finding
from dnn_cli.training.findings import findings
from dnn_cli.training.profile import StepProfile, profile_step, time_steps

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
class Cost:
    """What a training takes: `seconds_per_epoch` is `steps_per_epoch` times `step_seconds`.

    `step_seconds` is the median of `steps` steps on batches of the training rows, shared by `ranks`
    processes; the validation after each epoch and saving come on top.
    """

    steps: int
    ranks: int
    step_seconds: float
    seconds_per_epoch: float


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a configuration comes to; memory in bytes, shapes per example.

    Where the data stop a training, `stopped` says how, and only `config`, `name`, `data` and
    `findings` hold something.
    """

    config: str
    name: str
    task: str = ""
    loss: str = ""
    optimizer: str = ""
    input: Shape = ()
    outputs: int = 0
    layers: tuple[LayerRow, ...] = ()
    parameters: int = 0
    multiply_adds: int = 0
    data: tuple[PartRow, ...] = ()
    memory: Mapping[str, int] = field(default_factory=dict)
    epochs: int = 0
    steps_per_epoch: int = 0
    findings: tuple[Finding, ...] = ()
    cost: Cost | None = None
    stopped: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    gradients: tuple[GradientRow, ...] = ()
    profile: StepProfile | None = None


def check_config(
    config: str,
    *,
    overrides: Sequence[str] = (),
    gradients: bool = False,
    profile: bool = False,
    targets: Sequence[str] = (),
    task: str | None = None,
) -> CheckResult:
    """What training `config`, or a draft made of the table `config`, would mean; writes nothing.

    Raises:
        DnnError: what `train` would raise before its first step, unless it is of the data and these
            are a table: then the result tells all that is wrong.
    """
    reading = remembered(read)
    try:
        loaded, told = load(config, overrides, targets, task)
    except DataError as error:
        if not targets:
            raise
        return _stopped(
            config, "", section(config, tuple(targets), task, overrides)[0], reading, error
        )
    try:
        built = build(loaded, reading)
    except DataError as error:
        name = loaded.spec.name or "run"
        return _stopped(config, name, loaded.spec.data, reading, error)
    found = findings(examine(loaded.spec.data, built.prepared, reading))
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
        findings=found,
        cost=_cost(built),
        notes=(*told, *built.notes),
        gradients=_gradients(built) if gradients else (),
        profile=_profile(built) if profile else None,
    )


def _stopped(
    config: str, name: str, spec: DataSpec, reading: Reading, error: DataError
) -> CheckResult:
    """All that is wrong with a table; what stopped the training is among it.

    Raises:
        DataError: `error`, where there is no table to look at.
    """
    try:
        found = examine(spec, None, reading)
    except DataError:
        raise error from None
    known = {fault.problem.what for fault in found.faults}
    more = tuple(Fault("", problem) for problem in error.problems if problem.what not in known)
    found.faults = (*found.faults, *more)
    return CheckResult(
        config=config,
        name=name,
        data=tuple(PartRow(part, rows) for part, rows in found.rows.items()),
        findings=findings(found),
        stopped=error.problems,
    )


def _cost(built: Built) -> Cost:
    """Time the steps of a session of its own, on the threads that training would use."""
    session = built.session()
    size = session.train.batch_size
    _, session.ranks = use_threads(built.spec.training.threads, session.network, size)
    seconds = time_steps(session, time.perf_counter)
    step = median(seconds)
    return Cost(len(seconds), session.ranks, step, step * session.train.steps)


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
