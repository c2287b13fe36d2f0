"""Normal scores: numbers by their place among the training rows, made normally distributed.

Formula    z = Φ⁻¹(p), p the share of the training rows below x: linear between the quantiles, and
           where several are equal the mean of the lowest and the highest share that x may have
Errors     Φ⁻¹ is that of Python's statistics module: 1e-16 relative
Source     scikit-learn's QuantileTransformer(output_distribution="normal")
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from dnn_cli.base.types import Array

MOST = 1000  # quantiles
_EDGE = 1e-7  # p is kept this far from 0 and 1: z within ±5.2


def fit_quantiles(values: Array) -> Array:
    """Quantiles of (n,) values without gaps, as many as there are rows, 1,000 at the most."""
    count = max(1, min(MOST, len(values)))
    found: Array = np.quantile(values, np.linspace(0.0, 1.0, count))
    return np.maximum.accumulate(found)


def normal_scores(values: Array, quantiles: Array) -> Array:
    """The scores of (n,) values."""
    if quantiles[0] == quantiles[-1]:
        return np.zeros(len(values))
    shares = np.linspace(0.0, 1.0, len(quantiles))
    upward = np.interp(values, quantiles, shares)
    downward = np.interp(-values, -quantiles[::-1], -shares[::-1])
    p = np.clip(0.5 * (upward - downward), _EDGE, 1.0 - _EDGE)
    return _inverse_normal(p)


def _inverse_normal(p: Array) -> Array:
    """Φ⁻¹ of (n,) shares, each different one computed once."""
    different, inverse = np.unique(p, return_inverse=True)
    inv_cdf = NormalDist().inv_cdf
    found: Array = np.array([inv_cdf(one) for one in different.tolist()])[inverse]
    return found
