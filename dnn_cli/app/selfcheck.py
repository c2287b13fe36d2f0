"""The promises of this program, tried out on this machine: resuming, gradients, damage.

Resuming   a small network is trained twice, once undisturbed and once in processes that are
           killed; weights and metrics must come out the same byte for byte. When they save and
           die is counted in steps: a fast machine and a slow one try the same
Gradients  the derivatives of several networks against differences in float64
Damage     a checkpoint cut off, or changed in one bit, must be refused
Cost       some 5 seconds, most of them for starting processes; nothing is kept
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

import dnn_cli
from dnn_cli.app.lifecycle.facts import machine
from dnn_cli.app.lifecycle.saving import Pace
from dnn_cli.app.models import layers_of
from dnn_cli.app.resume import resume_run
from dnn_cli.app.say import Say, ignore
from dnn_cli.app.train import train_run
from dnn_cli.base.errors import CheckpointError, DnnError
from dnn_cli.base.random import Purpose, stream
from dnn_cli.base.task import Task
from dnn_cli.base.text import safe_text
from dnn_cli.nn.gradcheck import check_gradients
from dnn_cli.nn.loss import default_loss
from dnn_cli.runs.checkpoint import read_checkpoint
from dnn_cli.runs.directory import RunDirectory
from dnn_cli.runs.environment import usable_cores
from dnn_cli.runs.files import read_bytes, write_atomic
from dnn_cli.training.events import Event, StepsFinished

_KILLS = 3
_STEPS = 190  # that a process takes before it is killed; the training has 900
_PATIENCE = 300.0  # seconds until a process counts as hanging: all of them take a few
_TRAINING = b"""\
name: selfcheck
data: {source: {type: synthetic, kind: moons, rows: 400}, split: {valid: 0.1}}
model: {layers: [{type: dense, units: 48}, batch_norm, relu, {type: dropout, rate: 0.1}]}
optimizer: {type: adam, learning_rate: 1e-3, schedule: cosine}
training: {epochs: 10, batch_size: 4, threads: 1}
"""
_KILLED = "import sys; from dnn_cli.app.selfcheck import train_and_die as go; go(*sys.argv[1:])"
_NETWORKS: dict[str, list[dict[str, Any]]] = {
    "dense": [{"type": "dense", "units": 5}, {"type": "tanh"}, {"type": "dense", "units": 3}],
    "batch norm": [
        *({"type": "dense", "units": 6}, {"type": "batch_norm"}, {"type": "gelu"}),
        {"type": "dense", "units": 3},
    ],
    "dropout, layer norm": [
        *({"type": "dense", "units": 6}, {"type": "layer_norm"}, {"type": "relu"}),
        *({"type": "dropout", "rate": 0.3}, {"type": "dense", "units": 3}),
    ],
}


class BrokenPromiseError(Exception):
    """Something that this program promises does not hold on this machine."""


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One thing that was tried."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class SelfcheckResult:
    """What was tried, and on what machine."""

    checks: tuple[CheckRow, ...]
    machine: dict[str, str]

    @property
    def passed(self) -> bool:
        """Whether everything held."""
        return all(one.passed for one in self.checks)


def selfcheck(say: Say = ignore) -> SelfcheckResult:
    """Try everything, in a temporary directory that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="dnn-selfcheck-") as name:
        folder = Path(name)
        rows = [
            *_tried("gradients", say, check_derivatives),
            *_tried("kill and resume", say, lambda: check_resuming(folder)),
            *_tried("damage", say, lambda: check_damage(folder)),
        ]
    return SelfcheckResult(tuple(rows), _facts())


def _tried(name: str, say: Say, check: Callable[[], str]) -> Iterator[CheckRow]:
    """The row of a check that returns what it found, or raises what failed."""
    say(f"{name} …")
    try:
        yield CheckRow(name, True, check())
    except (BrokenPromiseError, DnnError, OSError) as error:
        yield CheckRow(name, False, safe_text(error))


def check_derivatives() -> str:
    """Check the gradients of a few networks."""
    task = Task("multiclass", 3, ("a", "b", "c"))
    rng = stream(0, Purpose.CHECK)
    inputs, targets = rng.standard_normal((8, 4)), rng.integers(0, 3, 8)
    worst = 0.0
    for name, plain in _NETWORKS.items():
        loss = default_loss(task).build(task)
        report = check_gradients(layers_of(plain), (4,), loss, inputs, targets)
        _require(report.passed, f"{name}: relative error {report.worst_relative:.1e}")
        worst = max(worst, report.worst_relative)
    return f"{len(_NETWORKS)} networks, largest relative error {worst:.1e}"


def check_resuming(folder: Path) -> str:
    """Train undisturbed, and train under `kill -9`; compare."""
    config = folder / "selfcheck.yaml"
    write_atomic(config, _TRAINING)
    whole, killed = (RunDirectory(folder / name) for name in ("whole", "killed"))
    _train(folder, "train", str(config), "--run-dir", str(whole.path))
    steps = list(_kill_and_resume(folder, config, killed))
    for made in ("model", "metrics", "last"):
        one, other = (read_bytes(getattr(run, made)) for run in (whole, killed))
        _require(one == other, f"{made} differs after kills at steps {steps}")
    shown = ", ".join(map(str, steps))
    return f"killed {len(steps)} times (checkpoints of steps {shown}): equal byte for byte"


def _kill_and_resume(folder: Path, config: Path, run: RunDirectory) -> Iterator[int]:
    """Let a run be killed a few times, then finish it; the steps it was resumed from."""
    for beginning in (str(config), *[""] * (_KILLS - 1)):
        process = _start(folder, "-c", _KILLED, str(run.path), beginning)
        _require_end(process, "a training to be killed", -signal.SIGKILL)
        yield _step(run)
    _train(folder, "resume", str(run.path))


def train_and_die(run: str, config: str) -> None:
    """Begin a run, or go on with it if `config` is empty, and be killed after so many steps.

    The clock goes on by a second at each look: what is saved before does not depend on the
    machine, and some of the steps have to be taken twice.
    """
    ticks, taken = count(), count(1)

    def die(event: Event) -> None:
        if isinstance(event, StepsFinished) and next(taken) == _STEPS:
            os.kill(os.getpid(), signal.SIGKILL)

    pace = Pace(lambda: float(next(ticks)), report_every=0.0)
    if config:
        train_run(config, run_dir=run, observers=[die], pace=pace)
    else:
        resume_run(run, observers=[die], pace=pace)


def _step(run: RunDirectory) -> int:
    """The step of the last checkpoint; -1 without one."""
    with suppress(CheckpointError):
        return int(read_checkpoint(run.last).state["step"])
    return -1


def _train(folder: Path, *words: str) -> None:
    _require_end(_start(folder, "-m", "dnn_cli", *words), f"`dnn {words[0]}`", 0)


def _require_end(process: subprocess.Popen[bytes], name: str, code: int) -> None:
    """Wait for a process, which has to end with `code`."""
    try:
        _, told = process.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise BrokenPromiseError(f"{name} takes longer than {_PATIENCE:.0f} s") from None
    last = told.decode(errors="replace").strip()[-200:]
    _require(process.returncode == code, f"{name} ended with {process.returncode}: {last}")


def _start(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    package = str(Path(dnn_cli.__file__).parents[1])
    paths = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def check_damage(folder: Path) -> str:
    """Damage copies of a checkpoint in many ways; every one must be refused."""
    content = read_bytes(RunDirectory(folder / "whole").last)
    copy = folder / "damaged.safetensors"
    tried = 0
    for damaged in _damages(content):
        write_atomic(copy, damaged)
        with suppress(CheckpointError):
            read_checkpoint(copy)
            raise BrokenPromiseError(f"damaged copy {tried} was accepted")
        tried += 1
    write_atomic(copy, content)
    read_checkpoint(copy)
    return f"{tried} damaged checkpoints, all refused"


def _damages(content: bytes) -> Iterator[bytes]:
    """Cut off, grown, emptied, and with single bits flipped all over."""
    size = len(content)
    for length in (0, 1, 8, size // 2, size - 1):
        yield content[:length]
    yield content + b"\0"
    places = np.linspace(0, size - 1, 40).astype(int).tolist()
    for number, place in enumerate(places):
        flipped = content[place] ^ (1 << number % 8)
        yield content[:place] + bytes([flipped]) + content[place + 1 :]


def _facts() -> dict[str, str]:
    found = machine()
    blas = found["blas"] or {}
    return {
        "dnn": found["dnn"],
        "Python": found["python"],
        "NumPy": found["numpy"],
        "BLAS": " ".join(str(blas.get(key, "?")) for key in ("name", "version", "architecture")),
        "threads": f"{blas.get('threads', '?')} of BLAS, {usable_cores()} usable cores",
        "processor": f"{found['cpu']} ({found['machine']})",
    }


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise BrokenPromiseError(what)
