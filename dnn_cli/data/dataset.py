"""Examples in memory, and the one way to bring some of them into a batch.

Shapes     inputs (n, *shape): float32, scaled already, or uint8, scaled as they are gathered
           targets int64 (n,) class numbers, or float32 (n, k), scaled for regression
           weights float64 (n,), where examples do not count the same
Memory     bytes stay bytes: MNIST is 47 MB, not 188 MB
Cost       128 rows of 784 of MNIST: bytes 52-56 µs (take 14, to float32 21, multiply 17), float32
           52-79 µs (36 where they stay in cache); nothing allocated
"""

from __future__ import annotations

from typing import final

import numpy as np

from dnn_cli.base.task import TargetTotals, Task
from dnn_cli.base.types import Array, Shape, size_of
from dnn_cli.data.scaling import Scaling
from dnn_cli.data.target_scaling import TargetScaling


@final
class Dataset:
    """Encoded examples of one part.

    `targets` is None where the inputs are their own targets (reconstruction) and where there are
    none (prediction); `labelled` tells which. Not to be shared between threads: bytes pass
    through one buffer.
    """

    __slots__ = (
        *("_bytes", "_spread", "inputs", "scaling", "target_scaling", "targets", "task"),
        "weights",
    )

    def __init__(
        self,
        inputs: Array,
        targets: Array | None,
        scaling: Scaling,
        task: Task,
        target_scaling: TargetScaling = TargetScaling(),  # noqa: B008 - frozen
        weights: Array | None = None,
    ) -> None:
        self.inputs = inputs
        self.targets = targets
        self.scaling = scaling
        self.task = task
        self.target_scaling = target_scaling
        self.weights = weights
        # Where inputs are bytes: their scaling, and room for those of a batch.
        self._spread = scaling.spread(inputs.shape[1:])
        self._bytes = inputs[:0].copy() if inputs.dtype == np.uint8 else None

    @property
    def rows(self) -> int:
        """The number of examples."""
        return len(self.inputs)

    @property
    def input_shape(self) -> Shape:
        """The shape of one example."""
        return tuple(self.inputs.shape[1:])

    @property
    def labelled(self) -> bool:
        """Whether there are targets."""
        return self.targets is not None or self.task.kind == "reconstruction"

    @property
    def target_shape(self) -> Shape:
        """The shape of one example's target: () for a class, else (k,)."""
        if self.task.classifies:
            return ()
        return (self.task.count,)

    @property
    def target_dtype(self) -> np.dtype[np.generic]:
        """The type of targets: int64 class numbers or float32."""
        return np.dtype(np.int64 if self.task.classifies else np.float32)

    def units(self, targets: Array | None) -> Array | None:
        """Learned targets, if there are any, in the user's units."""
        return None if targets is None else self.target_scaling.restored(targets)

    def take(self, rows: Array) -> Dataset:
        """A data set of copies of some rows (m,) intp."""
        targets = None if self.targets is None else self.targets[rows]
        weights = None if self.weights is None else self.weights[rows]
        return Dataset(
            self.inputs[rows], targets, self.scaling, self.task, self.target_scaling, weights
        )

    def totals(self) -> TargetTotals:
        """The targets summed up; of inputs that are their own targets no more than their rows."""
        weights, targets = self.weights, self.targets
        rows = self.rows if weights is None else float(weights.sum())
        if targets is None:
            return TargetTotals(rows, (0.0,) * self.task.count)
        if self.task.classifies:
            found = np.bincount(targets, weights, self.task.count).astype(np.float64)
        elif weights is None:
            found = targets.sum(axis=0, dtype=np.float64)
        else:
            found = weights @ targets
        return TargetTotals(rows, tuple(found.tolist()))

    def buffers(self, rows: int) -> tuple[Array, Array | None]:
        """New inputs and targets for batches of up to `rows` rows; targets None if unlabelled."""
        inputs = np.empty((rows, *self.input_shape), dtype=np.float32)
        if not self.labelled:
            return inputs, None
        return inputs, np.empty((rows, *self.target_shape), dtype=self.target_dtype)

    def gather(self, rows: Array, inputs_out: Array, targets_out: Array | None) -> None:
        """Copy the examples `rows` (m,) intp into (m, *shape) float32 and (m, …) targets.

        The rows must exist: `clip` is what makes `take` write without a copy of the batch, and
        it checks nothing. The method, since np.take is the same and a microsecond more.
        """
        if self._bytes is None:
            self.inputs.take(rows, axis=0, out=inputs_out, mode="clip")
        else:
            if len(rows) > len(self._bytes):
                self._bytes = np.empty((len(rows), *self.input_shape), dtype=np.uint8)
            raw = self._bytes[: len(rows)]
            self.inputs.take(rows, axis=0, out=raw, mode="clip")
            self._spread.apply(raw, inputs_out)
        if targets_out is not None:
            self.gather_targets(rows, inputs_out, targets_out)

    def gather_targets(self, rows: Array, inputs: Array, targets_out: Array) -> None:
        """Copy the targets of `rows`, whose scaled `inputs` (m, *shape) are gathered already."""
        if self.targets is None:
            self.reconstruct(inputs, targets_out)
        else:
            self.targets.take(rows, axis=0, out=targets_out, mode="clip")

    def slice(self, start: int, stop: int, inputs_out: Array, targets_out: Array | None) -> None:
        """Copy the examples from `start` to before `stop`, in order, as `gather` does."""
        if self.inputs.dtype == np.uint8:
            self._spread.apply(self.inputs[start:stop], inputs_out)
        else:
            np.copyto(inputs_out, self.inputs[start:stop])
        if targets_out is not None:
            self._copy_targets(start, stop, inputs_out, targets_out)

    def read(self, start: int, stop: int, inputs_out: Array, targets_out: Array | None) -> Array:
        """As `slice`; the inputs, which are not copied where they are stored as they are needed."""
        stored = self.inputs[start:stop]
        if stored.dtype != inputs_out.dtype or not stored.flags.c_contiguous:
            self.slice(start, stop, inputs_out, targets_out)
            return inputs_out
        if targets_out is not None:
            self._copy_targets(start, stop, stored, targets_out)
        return stored

    def _copy_targets(self, start: int, stop: int, inputs: Array, targets_out: Array) -> None:
        if self.targets is None:
            self.reconstruct(inputs, targets_out)
        else:
            np.copyto(targets_out, self.targets[start:stop], casting="no")

    def reconstruct(self, inputs: Array, targets_out: Array) -> None:
        """Copy scaled `inputs` (m, *shape) to the targets (m, i) that they are themselves."""
        if self.task.kind != "reconstruction":
            raise ValueError("these examples have no targets")
        np.copyto(targets_out, inputs.reshape(len(inputs), size_of(self.input_shape)))

    def black(self) -> Array:
        """What a pixel of zeros is after scaling: (c,) for images (h, w, c)."""
        channels = self.input_shape[-1:]
        pixel = np.empty((1, *channels), dtype=np.float32)
        self.scaling.apply(np.zeros((1, *channels), self.inputs.dtype), pixel)
        found: Array = pixel[0]
        return found
