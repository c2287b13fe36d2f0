"""Batches as rows of features: what layers with one parameter a feature compute on.

Shapes     (…, n, h, w, c) becomes (…, n·h·w, c), and (…, n, i) stays; both are views. Parameters
           (…, c) are used as (…, 1, c)
"""

from __future__ import annotations

from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.layer import ShapeError


def rows(a: Array, example: Shape) -> Array:
    """`a`, a batch of examples of shape `example`, as rows of features."""
    leading = a.shape[: a.ndim - len(example) - 1]
    return a.reshape(*leading, -1, a.shape[-1])


def features(example: Shape, layer: str) -> int:
    """The features of examples of shape `example`, their last axis; `ShapeError` without one."""
    if not example:
        raise ShapeError(f"{layer} takes vectors or images, not single numbers")
    return example[-1]
