"""Runs to disturb, ways to disturb them, and what must come out nevertheless.

Not a test: `tests/app` and the scripts beside this file use it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dnn_cli.app.lifecycle.attempt import TrainResult
from dnn_cli.app.lifecycle.saving import Pace
from dnn_cli.app.resume import resume_run
from dnn_cli.app.train import train_run
from dnn_cli.base.errors import DnnError
from dnn_cli.runs.directory import RunDirectory
from dnn_cli.runs.disk import Disk, disk
from dnn_cli.training.events import CheckpointSaved, Event

EVERY_STEP = Pace(report_every=0.0, share=1.0)  # report after every step, save whenever allowed

MOONS = "{source: {type: synthetic, kind: moons, rows: 60}, split: {valid: 0.2, test: 0.1}}"
BLOBS = "{source: {type: synthetic, kind: blobs, rows: 60, features: 3}, split: {valid: 0.2}}"
LINE = "{source: {type: synthetic, kind: linear, rows: 50, features: 3}, split: {valid: 0.2}}"
SELF = "{source: {type: synthetic, kind: blobs, rows: 50, features: 4}, target: inputs}"
DIGITS = "{source: {type: builtin, name: digits}, split: {valid: 0.9, test: 0.05}}"
EARLY = "epochs: 40, early_stopping: {metric: valid.loss, patience: 2}"


def config(
    data: str = MOONS,
    model: str = "{hidden: [8]}",
    optimizer: str = "{type: adam, learning_rate: 0.01}",
    training: str = "epochs: 5",
    batch: int = 16,
    threads: int = 1,
) -> str:
    """A configuration that saves at every opportunity."""
    return (
        f"name: r\ndata: {data}\nmodel: {model}\noptimizer: {optimizer}\n"
        f"training: {{{training}, batch_size: {batch}, threads: {threads}, "
        "checkpoint: {every_seconds: 0.0}}\n"
    )


_NORMED = "{layers: [{type: dense, units: 8}, batch_norm, relu, {type: dropout, rate: 0.2}]}"
_DEEP = "{layers: [{type: dense, units: 6}, layer_norm, prelu, {type: dense, units: 6}, gelu]}"
_TABM = (
    "{layers: [{type: piecewise_linear, bins: 4, embedding: 2}, scale, "
    "{type: member_scale, members: 3}, "
    "{type: dense, units: 8, parametrization: ntk, from_data: true}, "
    "{type: parametric, activation: selu}, {type: dropout, rate: 0.3, schedule: flat_cos}]}"
)
# Enough multiply-adds in a batch of 24 for other processes to share it.
_IMAGES = (
    "{layers: [{type: conv2d, filters: 16, padding: same}, batch_norm, relu, "
    "{type: conv2d, filters: 32, padding: same}, max_pool2d, {type: dropout, rate: 0.2}]}"
)

CONFIGS = {
    "adam": config(),
    "dropout": config(model="{hidden: [8, 8], dropout: 0.3}", training="epochs: 6"),
    "batch_norm": config(model=_NORMED, optimizer="{type: rmsprop, learning_rate: 0.01}"),
    "momentum": config(optimizer="{type: sgd, learning_rate: 0.1, momentum: 0.9}"),
    "nesterov": config(
        optimizer="{type: sgd, learning_rate: 0.1, momentum: 0.9, nesterov: true, "
        "schedule: {type: cosine, warmup: 0.1}}"
    ),
    "sgd": config(BLOBS, _DEEP, "{type: sgd, learning_rate: 0.05, clip_norm: 1.0}"),
    "adamw": config(BLOBS, _DEEP, "{type: adamw, weight_decay: 0.1, schedule: one_cycle}"),
    "nadam": config(BLOBS, optimizer="{type: nadam}"),
    "adagrad": config(LINE, optimizer="{type: adagrad}"),
    "adadelta": config(LINE, optimizer="{type: adadelta}"),
    "lion": config(SELF, "{hidden: [3]}", "{type: lion}"),
    "early_stopping": config(LINE, optimizer="{type: adam, learning_rate: 0.5}", training=EARLY),
    "plateau": config(
        LINE,
        optimizer="{type: adam, learning_rate: 0.5, "
        "schedule: {type: reduce_on_plateau, patience: 0}}",
        training="epochs: 8, penalty: {l2: 0.01}",
    ),
    "threshold": config(training="epochs: 60, stop_when: {train.accuracy: 0.85}"),
    "tabm": config(
        BLOBS,
        _TABM,
        "{type: adam, weight_decay: 0.1, schedule: coslog4, decay_schedule: flat_cos}",
    ),
    "members": config(
        model="{layers: [{type: dense, units: 8}, batch_norm, relu, {type: dropout, rate: 0.2}], "
        "members: 3}"
    ),
    "short": config(
        "{source: {type: synthetic, kind: blobs, rows: 24}}",
        "{hidden: [2]}",
        "{type: sgd, learning_rate: 0.1, momentum: 0.5}",
        "epochs: 2",
        batch=12,
    ),
    "images": config(
        DIGITS.replace("split", "augment: {shift: 1, noise: 0.1, cutout: 2}, split"),
        "{layers: [{type: conv2d, filters: 4}, batch_norm, relu, max_pool2d]}",
        training="epochs: 3, metrics: [accuracy, f1]",
    ),
    "ranks": config(
        DIGITS.replace("split", "augment: {shift: 1, noise: 0.1}, split"),
        _IMAGES,
        training="epochs: 3, metrics: [accuracy, f1]",
        batch=24,
        threads=2,
    ),
}


@dataclass(frozen=True)
class Outcome:
    """The bytes that a run must end with, however often it is disturbed."""

    model: bytes
    metrics: bytes
    last: bytes
    best: bytes

    @classmethod
    def of(cls, run: Path | str) -> Outcome:
        found = RunDirectory(Path(run))
        files = (found.model, found.metrics, found.last, found.best)
        return cls(*(file.read_bytes() for file in files))


@dataclass
class Log:
    """What a run told: sentences, and the step of the last checkpoint it called safe."""

    said: list[str] = field(default_factory=list)
    step: int = -1
    steps: list[int] = field(default_factory=list)
    watch: Callable[[Event], None] | None = None

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def observe(self, event: Event) -> None:
        if self.watch:
            self.watch(event)
        if isinstance(event, CheckpointSaved):
            self.step = event.step
            self.steps.append(event.step)


def write_config(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "r.yaml").write_text(text)
    return folder / "r.yaml"


def train(path: Path, run: Path, log: Log | None = None, pace: Pace = EVERY_STEP) -> TrainResult:
    log = log or Log()
    return train_run(str(path), run_dir=str(run), observers=[log.observe], say=log.say, pace=pace)


def resume(
    run: Path, *overrides: str, log: Log | None = None, pace: Pace = EVERY_STEP
) -> TrainResult:
    log = log or Log()
    return resume_run(
        str(run), overrides=overrides, observers=[log.observe], say=log.say, pace=pace
    )


def exit_code(work: Callable[[], TrainResult]) -> int:
    """What the process would have ended with."""
    try:
        return work().exit_code
    except DnnError as error:
        return error.exit_code


class Killed(BaseException):
    """The process is gone at this system call: nothing after it happens, clean-up included."""


def die_at_a_save(event: Event) -> None:
    """A watcher with which a process ends right after a save."""
    if isinstance(event, CheckpointSaved):
        raise Killed


def stopped(folder: Path, text: str, saves: int, name: str = "run") -> Path:
    """A run that died right after its `saves`th save."""
    log = Log()

    def die(event: Event) -> None:
        if len(log.steps) == saves - 1:
            die_at_a_save(event)

    log.watch = die
    try:
        train(write_config(folder, text), folder / name, log)
    except Killed:
        return folder / name
    raise AssertionError(f"the run ended before its save {saves}")


def whole(folder: Path, text: str) -> Outcome:
    """What the undisturbed run ends with."""
    train(write_config(folder, text), folder / "whole")
    return Outcome.of(folder / "whole")


@dataclass
class Faults:
    """System calls counted; the `at`th fails, and with `persistent` all that follow.

    `fault` is an errno, "short" (a write takes one byte) or "kill", which is always persistent.
    `fsync` does nothing, which is what makes thousands of runs affordable: what it is for is in
    `crash_states.py`.
    """

    at: int = 0
    fault: int | str = 0
    persistent: bool = False
    count: int = 0
    opened: set[int] = field(default_factory=set)

    def call(self, name: str, real: Callable[..., Any], args: Any, options: Any) -> Any:
        self.count += 1
        persistent = self.persistent or self.fault == "kill"
        hit = self.at and (self.count == self.at or (persistent and self.count > self.at))
        if hit and self.fault == "short" and name == "write":
            return real(args[0], memoryview(args[1])[:1])
        if hit and self.fault == "kill":
            raise Killed
        if name == "close":  # Linux releases the descriptor even when close reports an error
            self.opened.discard(args[0])
            real(*args)
        if hit and isinstance(self.fault, int):
            raise OSError(self.fault, os.strerror(self.fault))
        found = None if name in ("fsync", "close") else real(*args, **options)
        if name == "open":
            self.opened.add(found)
        return found

    def bury(self) -> None:
        """Close what a killed process had open, as the kernel does."""
        for descriptor in self.opened:
            os.close(descriptor)
        self.opened.clear()


CALLS = [name for name in vars(Disk) if not name.startswith("_")]


@contextmanager
def patched(wrap: Callable[[str, Callable[..., Any]], Callable[..., Any]]) -> Iterator[None]:
    """Every system call of `runs` replaced by `wrap(name, call)`."""
    before = dict(vars(disk))
    vars(disk).update({name: wrap(name, getattr(Disk, name)) for name in CALLS})
    try:
        yield
    finally:
        vars(disk).clear()
        vars(disk).update(before)


@contextmanager
def armed(faults: Faults) -> Iterator[Faults]:
    """System calls under `faults`."""

    def wrap(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **options: faults.call(name, real, args, options)

    with patched(wrap):
        try:
            yield faults
        finally:
            if faults.fault == "kill":
                faults.bury()


def damage_cut(path: Path) -> None:
    """Take the last byte away."""
    path.write_bytes(path.read_bytes()[:-1])


def damage_bit(path: Path) -> None:
    """Turn one bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def heeding() -> None:
    """Let a process take signals, whatever whoever runs the tests ignores."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
