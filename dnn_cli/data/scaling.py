"""Scaling of inputs, fitted on the training part and stored in the model file.

Formula    y = (x - shift) · scale

    kind        shift     scale                 the spread that must not vanish
    none        -         -
    unit        -         1/255 for bytes, 1 / max|x| for numbers      max|x|
    standard    mean      1 / standard deviation                       deviation
    minmax      minimum   1 / (maximum - minimum)                      maximum - minimum
    robust      median    1 / (q¾ - q¼), or 2 / (maximum - minimum)    maximum - minimum
                          where the quartiles coincide

A column without spread, one whose spread is within the rounding of float32, gets scale 0: it
taught the network nothing, so it must stay silent at prediction too, whatever it holds then.

Shapes     x (n, *shape), shift and scale () or (c,) or (i,): see `statistics`
Memory     in place; bytes are scaled into the batch as they are gathered and stay bytes
Errors     the subtraction comes first and in float32: relative error 2^-23 of the spread
Source     scikit-learn's scalers have the same formulas (but scale 1 without spread, and no
           fallback in robust); the fallback is RealMLP's, Holzmüller, Grinsztajn, Steinwart,
           "Better by default", NeurIPS 2024
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.types import Array, Shape
from dnn_cli.data.spec import ScaleKind
from dnn_cli.data.statistics import ByteStatistics, Statistics, chunks

FLOAT32 = np.finfo(np.float32)
Fitted: TypeAlias = "tuple[Array | None, Array | None]"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """A fitted scaling. `shift` None subtracts nothing, `scale` None multiplies by nothing."""

    kind: ScaleKind
    shift: Array | None = None  # float32
    scale: Array | None = None  # float32

    def apply(self, inputs: Array, out: Array) -> None:
        """Write the scaled `inputs` (bytes or float32) to the float32 `out`, perhaps itself."""
        # Copying first, then working in place, is as fast as np.multiply(bytes, scale, out) and
        # twice as fast as that with a row vector; a table of 256 values takes four times as long.
        if out is not inputs:
            np.copyto(out, inputs)
        if self.shift is not None:
            np.subtract(out, self.shift, out=out)
        if self.scale is not None:
            np.multiply(out, self.scale, out=out)

    def apply_in_place(self, inputs: Array) -> None:
        """Scale float32 `inputs` where they are, a chunk at a time to stay in cache."""
        if self.shift is not None or self.scale is not None:
            spread = self.spread(inputs.shape[1:])
            for chunk in chunks(inputs):
                spread.apply(chunk, chunk)

    def spread(self, shape: Shape) -> Scaling:
        """The same scaling with one number an input where there is one a channel.

        Broadcasting over an axis of 3 channels runs loops of 3; over the example, of thousands.
        """

        def over(values: Array | None) -> Array | None:
            if values is None or values.ndim == 0:
                return values
            return np.ascontiguousarray(np.broadcast_to(values, shape))

        return Scaling(self.kind, over(self.shift), over(self.scale))

    def check(self, low: Array, high: Array, where: str, name: Callable[[int], str]) -> None:
        """Refuse inputs between `low` and `high` whose scaled values float32 cannot hold.

        Raises:
            DataError: names the first column, through `name`.
        """
        shift = 0.0 if self.shift is None else self.shift.astype(np.float64)
        scale = 1.0 if self.scale is None else self.scale.astype(np.float64)
        furthest = np.maximum(np.abs(low - shift), np.abs(high - shift))
        bad = np.atleast_1d(np.maximum(furthest, furthest * scale) > float(FLOAT32.max))
        if bad.any():
            column = int(np.argmax(bad))
            values = np.atleast_1d(low)[column], np.atleast_1d(high)[column]
            raise DataError(
                f"{name(column)} cannot be scaled in float32",
                where=where,
                why=f"its values reach from {values[0]:.3g} to {values[1]:.3g}",
                fix="correct or rescale the values",
            )


def fit_scaling(kind: ScaleKind, statistics: Statistics) -> Scaling:
    """The scaling of `kind` for the training part that `statistics` describes."""
    shift, scale = _FORMULAS[kind](statistics)
    return Scaling(kind, _single(shift), _single(scale))


def _single(values: Array | None) -> Array | None:
    return None if values is None else np.array(values, dtype=np.float32)


def _inverse(spread: Array, size: Array) -> Array:
    """1 / spread, and 0 where the spread of values up to `size` is no more than rounding."""
    real = spread > np.maximum(float(FLOAT32.eps) * size, float(FLOAT32.tiny))
    return np.where(real, 1.0 / np.where(real, spread, 1.0), 0.0)


def _size(statistics: Statistics) -> Array:
    low, high = statistics.extremes
    return np.maximum(np.abs(low), np.abs(high))


def _none(statistics: Statistics) -> Fitted:
    return None, None


def _unit(statistics: Statistics) -> Fitted:
    if isinstance(statistics, ByteStatistics):
        return None, np.asarray(1 / 255)
    size = _size(statistics)
    return None, _inverse(size, size)


def _standard(statistics: Statistics) -> Fitted:
    mean, deviation = statistics.moments
    return mean, _inverse(deviation, _size(statistics))


def _minmax(statistics: Statistics) -> Fitted:
    low, high = statistics.extremes
    return low, _inverse(high - low, _size(statistics))


def _robust(statistics: Statistics) -> Fitted:
    low, high = statistics.extremes
    first, median, third = statistics.quartiles
    size = _size(statistics)
    quartiles = _inverse(third - first, size)
    return median, np.where(quartiles > 0, quartiles, _inverse((high - low) / 2, size))


_FORMULAS: dict[ScaleKind, Callable[[Statistics], Fitted]] = {
    "none": _none,
    "unit": _unit,
    "standard": _standard,
    "minmax": _minmax,
    "robust": _robust,
}
