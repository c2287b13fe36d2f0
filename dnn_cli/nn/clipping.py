"""Clipping: limits on the gradient vector, in place and without allocation.

Formula    by norm: g := g min(1, c / |g|);  by value: g := min(max(g, -c), c)
Cost       by norm one pass, two where it cuts; by value one
Errors     none: a gradient that is not finite stays so; look for it before clipping
Source     Pascanu, Mikolov, Bengio, ICML 2013; Mikolov, dissertation, 2012
"""

from __future__ import annotations

import math

import numpy as np

from dnn_cli.base.types import Array


def clip_norm(gradient: Array, limit: float) -> None:
    """Scale the whole vector down to the L2 norm `limit` if it is longer."""
    norm = math.sqrt(float(np.dot(gradient, gradient)))
    if norm > limit:
        np.multiply(gradient, limit / norm, out=gradient)


def clip_value(gradient: Array, limit: float) -> None:
    """Cut every component to [-limit, limit]."""
    np.clip(gradient, -limit, limit, out=gradient)
