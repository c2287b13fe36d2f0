"""Targets that are words of yes and no, a column a label or class: 1 and 0.

They are what pandas writes of one-hot columns: `True` and `False`. One column of them alone is left
as it is, two classes with names.
"""

from __future__ import annotations

import numpy as np

from dnn_cli.base.types import Array
from dnn_cli.data.columns.boolean import pair_of


def as_truths(raw: Array) -> Array:
    """Targets (n, k) of text as uint8, if each column has words of one pair alone.

    As they are, if they do not: numbers, other words, gaps.
    """
    if raw.dtype.kind not in "UT" or raw.ndim != 2:
        return raw
    found = np.empty(raw.shape, np.uint8)
    for column, out in zip(raw.T, found.T, strict=True):
        words, inverse = np.unique(column, return_inverse=True)
        pair = pair_of(words.tolist())
        if pair is None:
            return raw
        out[:] = np.array([word.casefold() == pair[0] for word in words.tolist()])[inverse]
    return found
