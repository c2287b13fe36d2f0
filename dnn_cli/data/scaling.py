"""Scaling of inputs, fitted on the training part and stored in the model file.

Formula    y = (x - shift) · scale, or (x - base - shift) · scale, where base is a whole number and
           x - base exact: of whole numbers that float64 does not hold

    kind        shift     scale                 the spread that must not vanish
    none        -         -
    unit        -         1/255 for bytes, 1 / max|x| for numbers      max|x|
    standard    mean      1 / standard deviation                       deviation
    minmax      minimum   1 / (maximum - minimum)                      maximum - minimum
    robust      median    1 / (q¾ - q¼), or 2 / (maximum - minimum)    maximum - minimum
                          where the quartiles coincide

A column without spread, one whose spread is within the rounding of the type it came in, gets scale
0: it taught the network nothing, so it must stay silent at prediction too, whatever it holds then.

Shapes     x (n, *shape), shift and scale () or (c,) or (i,): see `statistics`
Memory     numbers in float32 are scaled where they are, those in float64 become a new array; bytes
           are scaled into the batch as they are gathered and stay bytes
Errors     numbers are computed on in float64 and rounded to float32 last: relative error 2^-24 of
           y. What lies closer together than that cannot be told apart: see `findings`
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
from dnn_cli.data.whole_numbers import differences

_LARGEST = float(np.finfo(np.float32).max)
Fitted: TypeAlias = "tuple[Array | None, Array | None]"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """A fitted scaling. `shift` None subtracts nothing, `scale` None multiplies by nothing."""

    kind: ScaleKind
    shift: Array | None = None  # float64
    scale: Array | None = None  # float64
    base: Array | None = None  # int64 or uint64, subtracted before the shift

    def apply(self, inputs: Array, out: Array) -> None:
        """Write the scaled `inputs` (bytes or numbers) to the float32 `out`, perhaps itself."""
        if inputs.dtype == np.uint8:
            self.spread(inputs.shape[1:]).apply(inputs, out)
            return
        if self.shift is None and self.scale is None:
            if out is not inputs:
                np.copyto(out, inputs, casting="same_kind")
            return
        wide = np.empty(0)
        for chunk, result in zip(chunks(inputs), chunks(out), strict=True):
            if wide.shape != chunk.shape:  # the first and perhaps the last
                wide = np.empty(chunk.shape)
            differences(chunk, self.base, wide)
            if self.shift is not None:
                np.subtract(wide, self.shift, out=wide)
            if self.scale is not None:
                np.multiply(wide, self.scale, out=wide)
            np.copyto(result, wide, casting="same_kind")

    def scaled(self, inputs: Array) -> Array:
        """The scaled numbers `inputs` in float32: where they are, if that can be.

        Elsewhere where they are float64, or where the source keeps them (they are read-only).
        """
        here = inputs.dtype == np.float32
        if here and (inputs.flags.writeable or self.kind == "none"):
            self.apply(inputs, inputs)
            return inputs
        out = np.empty(inputs.shape, np.float32)
        self.apply(inputs, out)
        return out

    @property
    def middle(self) -> Array | None:
        """All that is subtracted: what becomes 0, to float64."""
        return self.shift if self.base is None or self.shift is None else self.base + self.shift

    def spread(self, shape: Shape) -> Spread:
        """The same for batches of bytes, with one number an input where there is one a channel.

        Broadcasting over an axis of 3 channels runs loops of 3; over the example, of thousands.
        """

        def over(values: Array | None) -> Array | None:
            if values is None:
                return None
            single = np.asarray(values, np.float32)
            return np.ascontiguousarray(np.broadcast_to(single, shape)) if single.ndim else single

        return Spread(over(self.shift), over(self.scale))

    def check(self, low: Array, high: Array, where: str, name: Callable[[int], str]) -> None:
        """Refuse inputs between `low` and `high` whose scaled values float32 cannot hold.

        Raises:
            DataError: names the first column, through `name`.
        """
        shift = 0.0 if self.shift is None else self.middle
        scale = 1.0 if self.scale is None else self.scale
        furthest = np.maximum(np.abs(low - shift), np.abs(high - shift)) * scale
        bad = np.atleast_1d(furthest > _LARGEST)
        if bad.any():
            column = int(np.argmax(bad))
            values = np.atleast_1d(low)[column], np.atleast_1d(high)[column]
            raise DataError(
                f"{name(column)} cannot be scaled in float32",
                where=where,
                why=f"its values reach from {values[0]:.3g} to {values[1]:.3g}",
                fix="correct such values, or remove their rows",
            )


@final
@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """A scaling for batches of bytes: of numbers up to 255 float32 loses nothing."""

    shift: Array | None  # float32
    scale: Array | None  # float32

    def apply(self, inputs: Array, out: Array) -> None:
        """Write the scaled bytes `inputs` to the float32 `out`."""
        # Copying first, then working in place, is as fast as np.multiply(bytes, scale, out) and
        # twice as fast as that with a row vector; a table of 256 values takes four times as long.
        np.copyto(out, inputs)
        if self.shift is not None:
            np.subtract(out, self.shift, out=out)
        if self.scale is not None:
            np.multiply(out, self.scale, out=out)


def fit_scaling(kind: ScaleKind, statistics: Statistics) -> Scaling:
    """The scaling of `kind` for the training part that `statistics` describes."""
    shift, scale = _FORMULAS[kind](statistics)
    return Scaling(kind, shift, scale, None if shift is None else statistics.base)


def _inverse(spread: Array, statistics: Statistics) -> Array:
    """1 / spread, and 0 where the spread is no more than the rounding of the values."""
    real = spread > statistics.rounding
    return np.where(real, 1.0 / np.where(real, spread, 1.0), 0.0)


def _size(statistics: Statistics) -> Array:
    low, high = statistics.extremes
    return np.maximum(np.abs(low), np.abs(high))


def _none(statistics: Statistics) -> Fitted:
    return None, None


def _unit(statistics: Statistics) -> Fitted:
    if isinstance(statistics, ByteStatistics):
        return None, np.asarray(1 / 255)
    return None, _inverse(_size(statistics), statistics)


def _standard(statistics: Statistics) -> Fitted:
    (mean, deviation), (low, high) = statistics.moments, statistics.ends
    return mean, _inverse(np.minimum(deviation, high - low), statistics)  # 0 if all are equal


def _minmax(statistics: Statistics) -> Fitted:
    low, high = statistics.ends
    return low, _inverse(high - low, statistics)


def _robust(statistics: Statistics) -> Fitted:
    low, high = statistics.ends
    first, median, third = statistics.quartiles
    quartiles = _inverse(third - first, statistics)
    return median, np.where(quartiles > 0, quartiles, _inverse((high - low) / 2, statistics))


_FORMULAS: dict[ScaleKind, Callable[[Statistics], Fitted]] = {
    "none": _none,
    "unit": _unit,
    "standard": _standard,
    "minmax": _minmax,
    "robust": _robust,
}
