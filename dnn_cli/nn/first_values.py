"""First values that the training rows decide.

Weights    each column of W is divided by the deviation of its output over the rows, so that every
           output begins with deviation 1
Biases     b_j = - sum_a λ_a z_{i_a j}: five rows i_a drawn for each output, λ drawn evenly from the
           simplex; the zero of every output lies among the rows
Source     Holzmüller, Grinsztajn, Steinwart, NeurIPS 2024 (RealMLP: `he+5`)
"""

from __future__ import annotations

import numpy as np

from dnn_cli.base.types import Array, Rng

_POINTS = 5
_LEAST = 1e-8  # deviation of an output that is taken to vary


def unit_outputs(W: Array, outputs: Array) -> None:
    """Divide the columns of W (…, i, j) and of the outputs (n, …, j) by the outputs' deviation."""
    deviation = np.maximum(outputs.std(axis=0, dtype=np.float64), _LEAST).astype(W.dtype)
    np.divide(W, deviation[..., None, :], out=W)
    np.divide(outputs, deviation, out=outputs)


def kinks_among(b: Array, outputs: Array, rng: Rng) -> None:
    """Set b (…, j) so that each of the outputs (n, …, j) is zero between rows drawn for it."""
    points = rng.integers(len(outputs), size=(_POINTS, *b.shape))
    weights = rng.exponential(size=points.shape)
    chosen = np.take_along_axis(outputs, points, axis=0)
    b[...] = -(chosen * weights).sum(axis=0) / weights.sum(axis=0)
