"""Where the numbers of a float type end."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np


@cache
def exp_limit(dtype: Any) -> float:
    """The x for which exp(-x) is the smallest normal number: 87.3 in float32, 708.4 in float64.

    exp(x) does not overflow up to it.
    """
    return -math.log(float(np.finfo(dtype).tiny))
