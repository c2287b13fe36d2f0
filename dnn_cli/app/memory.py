"""How much memory a training takes, known in Python integers before anything is allocated."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dnn_cli.app.lifecycle.threads import settle
from dnn_cli.base.errors import LimitError
from dnn_cli.base.types import size_of
from dnn_cli.config.spec import RunSpec
from dnn_cli.data.prepare import Prepared
from dnn_cli.data.readers.room import on_disk
from dnn_cli.nn.chain import Chain, build_chain
from dnn_cli.nn.execution.divided import exchanged
from dnn_cli.nn.layer import LayerSpec

_FLOAT = 4  # bytes
_STATE_VECTORS = 2  # that an optimizer keeps, at the most
_CGROUP = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of each part of a training."""

    data: int
    parameters: int
    gradients: int
    optimizer: int
    best_weights: int
    workspace: int

    @property
    def total(self) -> int:
        """All of it."""
        learned = self.parameters + self.gradients + self.optimizer + self.best_weights
        return self.data + learned + self.workspace


def estimate(layers: Sequence[LayerSpec], prepared: Prepared, spec: RunSpec) -> Memory:
    """The bytes that training `layers` on `prepared` takes."""
    chain = build_chain(layers, prepared.schema.input_shape)
    parameters = sum(size_of(slot.shape) for _, slot in chain.slots()) * _FLOAT
    parts = (prepared.train, prepared.valid, prepared.test)
    data = sum(_bytes(part.inputs) + _bytes(part.targets) for part in parts if part is not None)
    size = spec.training.batch_size
    rows = prepared.train.rows if size == "full" else min(size, prepared.train.rows)
    _, ranks = settle(spec.training.threads, chain.operations() * rows)
    return Memory(
        data=data,
        parameters=parameters,
        gradients=parameters * ranks,
        optimizer=parameters * _STATE_VECTORS,
        best_weights=parameters,
        workspace=(rows * _per_example(chain) + (exchanged(chain, rows) if ranks > 1 else 0))
        * _FLOAT,
    )


def require_memory(layers: Sequence[LayerSpec], prepared: Prepared, spec: RunSpec) -> None:
    """Refuse a training that cannot fit.

    Raises:
        LimitError: it needs more memory than the machine, or the container, has.
    """
    memory = estimate(layers, prepared, spec)
    available = machine_memory()
    if memory.total > available:
        raise LimitError(
            f"this training needs {memory.total / 1e9:.1f} GB of memory, "
            f"the machine has {available / 1e9:.1f} GB",
            why=f"parameters, gradients and optimizer: "
            f"{(memory.parameters + memory.gradients + memory.optimizer) / 1e9:.1f} GB; "
            f"activations of one batch: {memory.workspace / 1e9:.1f} GB",
            fix="fewer units, or a smaller training.batch_size",
        )


def machine_memory() -> int:
    """Bytes that this process may use: of the machine, or of its control group if less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = _CGROUP.read_text(encoding="ascii").strip()
    except OSError:
        return total
    return min(total, int(limit)) if limit.isdecimal() else total


def _per_example(chain: Chain) -> int:
    """Floats of one example: the input, every activation, two gradients, kept scratch."""
    shapes = [chain.in_shape, *(layer.out_shape for layer in chain.layers)]
    sizes = [size_of(shape) for shape in shapes]
    kept = sum(
        size_of(need.shape)
        for _, layer in chain.walk()
        for need in layer.needs.values()
        if need.per_example
    )
    return sum(sizes) + 2 * max(sizes) + kept


def _bytes(array: object) -> int:
    """Bytes of memory; what lies in a file that is mapped takes none that is not given back."""
    return 0 if not isinstance(array, np.ndarray) or on_disk(array) else array.nbytes
