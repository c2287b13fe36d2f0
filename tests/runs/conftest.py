from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnn_cli.runs.checkpoint import Checkpoint
from dnn_cli.runs.disk import Disk, disk
from dnn_cli.runs.model_file import ModelFile


class Killed(BaseException):
    """The process is gone at this system call: nothing after it happens, clean-up included."""


class Faults:
    """Makes the Nth system call fail, once or from then on; records the names of all calls."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.disarm()
        for name in (n for n in vars(Disk) if not n.startswith("_")):
            patch.setattr(disk, name, self._wrap(name, getattr(disk, name)))

    def arm(self, at: int, fault: int | str, *, persistent: bool = False) -> None:
        """`fault`: an errno, "short" (a write takes one byte) or "kill"."""
        self.calls.clear()
        self.at, self.fault, self.persistent = at, fault, persistent

    def disarm(self) -> None:
        self.arm(0, 0)

    @property
    def reached(self) -> bool:
        return len(self.calls) >= self.at

    def _wrap(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **options: Any) -> Any:
            self.calls.append(name)
            number = len(self.calls)
            if not self.at or number < self.at or (number > self.at and not self.persistent):
                return call(*args, **options)
            if self.fault == "short":
                return call(args[0], args[1][:1]) if name == "write" else call(*args, **options)
            if name == "close":
                call(*args)  # Linux releases the descriptor even when close reports an error
            if self.fault == "kill":
                raise Killed
            assert isinstance(self.fault, int)
            raise OSError(self.fault, os.strerror(self.fault))

        return wrapped


FAULTS = [errno.ENOSPC, errno.EIO, errno.EACCES, "short"]


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    return Faults(monkeypatch)


@pytest.fixture
def killed() -> type[BaseException]:
    return Killed


@pytest.fixture(params=FAULTS, ids=str)
def fault(request: pytest.FixtureRequest) -> int | str:
    value: int | str = request.param
    return value


@pytest.fixture
def same_descriptors() -> Iterator[None]:
    """No descriptor is left open by the test."""
    before = sorted(os.listdir("/proc/self/fd"))
    yield
    assert sorted(os.listdir("/proc/self/fd")) == before


def temporaries(directory: Path) -> list[str]:
    return sorted(p.name for p in directory.rglob(".tmp-*"))


@pytest.fixture
def left_over() -> Callable[[Path], list[str]]:
    return temporaries


@pytest.fixture
def model() -> ModelFile:
    rng = np.random.default_rng(0)
    return ModelFile(
        tensors={
            "dense_1.W": rng.standard_normal((3, 4), dtype=np.float32),
            "dense_1.b": np.zeros(4, np.float32),
            "output.W": rng.standard_normal((2, 4), dtype=np.float32).T,
        },
        schema_arrays={"shift": np.arange(3.0), "scale": np.ones(3)},
        name="møøns",
        layers=[{"type": "dense", "units": 4}, {"type": "relu"}, {"type": "dense", "units": 2}],
        input_shape=(3,),
        loss={"type": "softmax_cross_entropy", "label_smoothing": 0.1},
        schema={"labels": ["nein", "ja\udc80\x1b[31m"], "task": "binary"},
        metrics={"valid.loss": 0.1, "valid.accuracy": float("nan")},
        seed=7,
        versions={"dnn": "0.1.0", "numpy": "2.4.6", "python": "3.11.7"},
    )


@pytest.fixture
def checkpoint(model: ModelFile) -> Checkpoint:
    return Checkpoint(
        model=model,
        optimizer={"m": np.linspace(0, 1, 24, dtype=np.float32), "v": np.ones(24, np.float32)},
        best={name: array + 1 for name, array in model.tensors.items()},
        state={
            "step": 10**12,
            "best": float("-inf"),
            "history": [{"train.loss": 0.1 + 0.2}, {"train.loss": float("nan")}],
            "rate": np.float32(0.1),
            "improved": np.bool_(True),
        },
    )
