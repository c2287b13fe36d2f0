"""Made-up rows from a formula and a seed; equal options give equal rows.

Every formula draws from one stream of (seed, synthetic), e ~ N(0, 1) times `noise`. Row i of a
task with K classes is of class i mod K and the j = i // K th of the n_k rows of its class.

xor        the corners (0,0) (0,1) (1,0) (1,1) in turn, class x1 != x2; x + e
moons      t = pi j / (n_k - 1); class 0 (cos t, sin t), class 1 (1 - cos t, 1/2 - sin t); x + e
circles    t = 2 pi j / n_k; class 0 (cos t, sin t), class 1 half of it; x + e
spirals    r = (j + 1) / n_k, t = 3 pi r + 2 pi k / K; r (cos t, sin t); x + e
blobs      K centres uniform in [-10, 10]^d; centre of the class + e
linear     x ~ N(0, 1)^d, w ~ N(0, 1)^d, b ~ N(0, 1); y = x w + b + e
sine       x uniform in [-pi, pi); y = sin(x) + e
random     x uniform in [0, 1)^d, class uniform in 0..K-1: there is nothing to learn

Another seed is another problem (other centres, other weights): divide one source with
`data.split` rather than test on a second seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from dnn_cli.base.random import Purpose, stream
from dnn_cli.base.spec import option, require
from dnn_cli.base.types import Array, Rng
from dnn_cli.data.readers.array_tables import pieces
from dnn_cli.data.readers.memory import require_memory
from dnn_cli.data.source import SOURCES, SourceSpec
from dnn_cli.data.table import Columns, Table


@dataclass(frozen=True, slots=True)
class _Defaults:
    """What an option is when it is left out; None where the kind has no such option."""

    rows: int
    noise: float | None
    classes: int | None = None
    features: int | None = None


_KINDS = {
    "xor": _Defaults(4, 0.0),
    "moons": _Defaults(1000, 0.1),
    "circles": _Defaults(1000, 0.05),
    "spirals": _Defaults(1000, 0.02, classes=2),
    "blobs": _Defaults(1000, 1.0, classes=3, features=2),
    "linear": _Defaults(1000, 0.1, features=2),
    "sine": _Defaults(1000, 0.1),
    "random": _Defaults(100, None, classes=2, features=10),
}


@final
@SOURCES.register("synthetic")
@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticSpec(SourceSpec):
    """Rows made from a formula and a seed."""

    kind: Literal["xor", "moons", "circles", "spirals", "blobs", "linear", "sine", "random"] = (
        option("the formula")
    )
    rows: int | None = option(
        "how many rows; default: 4 for xor, 100 for random, else 1000", None, minimum=1
    )
    noise: float | None = option(
        "standard deviation of the noise; default: by kind", None, minimum=0
    )
    seed: int = option("seed of the random numbers", 0, minimum=0)
    classes: int | None = option(
        "classes of spirals (2), blobs (3) and random (2)", None, minimum=2
    )
    features: int | None = option(
        "features of blobs (2), linear (2) and random (10)", None, minimum=1
    )

    def check(self) -> None:
        """An option that the kind does not have is an error, not ignored."""
        defaults = _KINDS[self.kind]
        for name in ("noise", "classes", "features"):
            require(
                getattr(self, name) is None or getattr(defaults, name) is not None,
                f"`{self.kind}` has no option `{name}`",
                name,
                fix=f"remove `{name}`",
            )

    def tables(self, columns: Columns, rows: int | None = None) -> Iterator[Table]:
        """See `SourceSpec.tables`."""
        defaults = _KINDS[self.kind]
        n = self.rows or defaults.rows
        d = self.features or defaults.features or 2
        require_memory(n * (d + 1) * 16, f"synthetic {self.kind}")  # float64 and its noise
        noise = self.noise if self.noise is not None else defaults.noise or 0.0
        classes = self.classes or defaults.classes or 2
        rng = stream(self.seed, Purpose.SYNTHETIC)
        x, y = _FORMULAS[self.kind](rng, n, noise, classes, d)
        inputs = x.astype(np.float32)
        for first, count in pieces(n, rows):
            part = slice(first, first + count)
            yield Table(inputs[part], y[part], origin=f"synthetic {self.kind}", first_row=first)


def _turns(n: int, classes: int) -> tuple[Array, Array, Array]:
    """Of each row: its class, its index in its class, and the size of its class."""
    row = np.arange(n)
    label = row % classes
    return label, row // classes, (n - 1 - label) // classes + 1


def _noisy(rng: Rng, x: Array, noise: float) -> Array:
    return x + noise * rng.standard_normal(x.shape) if noise else x


def _xor(rng: Rng, n: int, noise: float, classes: int, d: int) -> tuple[Array, Array]:
    corner = np.arange(n) % 4
    x = np.stack([corner // 2, corner % 2], axis=1).astype(np.float64)
    return _noisy(rng, x, noise), (x[:, 0] != x[:, 1]).astype(np.int64)


def _moons(rng: Rng, n: int, noise: float, classes: int, d: int) -> tuple[Array, Array]:
    label, index, size = _turns(n, 2)
    t = math.pi * index / np.maximum(size - 1, 1)
    outer = np.stack([np.cos(t), np.sin(t)], axis=1)
    x = np.where(label[:, None] == 0, outer, np.array([1.0, 0.5]) - outer)
    return _noisy(rng, x, noise), label


def _circles(rng: Rng, n: int, noise: float, classes: int, d: int) -> tuple[Array, Array]:
    label, index, size = _turns(n, 2)
    t = 2 * math.pi * index / size
    radius = np.where(label == 0, 1.0, 0.5)
    return _noisy(rng, np.stack([radius * np.cos(t), radius * np.sin(t)], axis=1), noise), label


def _spirals(rng: Rng, n: int, noise: float, classes: int, d: int) -> tuple[Array, Array]:
    label, index, size = _turns(n, classes)
    r = (index + 1) / size
    t = 3 * math.pi * r + 2 * math.pi * label / classes
    return _noisy(rng, np.stack([r * np.cos(t), r * np.sin(t)], axis=1), noise), label


def _blobs(rng: Rng, n: int, noise: float, classes: int, d: int) -> tuple[Array, Array]:
    centres = rng.uniform(-10.0, 10.0, (classes, d))
    label = np.arange(n) % classes
    return _noisy(rng, centres[label], noise), label


def _linear(rng: Rng, n: int, noise: float, classes: int, d: int) -> tuple[Array, Array]:
    w, b = rng.standard_normal(d), rng.standard_normal()
    x = rng.standard_normal((n, d))
    return x, _noisy(rng, x @ w + b, noise)


def _sine(rng: Rng, n: int, noise: float, classes: int, d: int) -> tuple[Array, Array]:
    x = rng.uniform(-math.pi, math.pi, (n, 1))
    return x, _noisy(rng, np.sin(x[:, 0]), noise)


def _random(rng: Rng, n: int, noise: float, classes: int, d: int) -> tuple[Array, Array]:
    return rng.random((n, d)), rng.integers(0, classes, n)


_FORMULAS: dict[str, Callable[[Rng, int, float, int, int], tuple[Array, Array]]] = {
    "xor": _xor,
    "moons": _moons,
    "circles": _circles,
    "spirals": _spirals,
    "blobs": _blobs,
    "linear": _linear,
    "sine": _sine,
    "random": _random,
}
