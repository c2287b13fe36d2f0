"""erfc against math.erfc."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from dnn_cli.nn.erf import FARTHEST, erfc


def values(z: np.ndarray) -> np.ndarray:
    out, s = np.empty_like(z), np.empty_like(z)
    erfc(z, np.exp(-z * z), out, s)
    return out


@pytest.mark.parametrize(
    ("dtype", "absolute", "relative"), [(np.float64, 1e-15, 5e-15), (np.float32, 3e-7, 2e-5)]
)
def test_erfc(dtype: Any, absolute: float, relative: float) -> None:
    z = np.linspace(0.0, FARTHEST, 100_001).astype(dtype)
    exact = np.array([math.erfc(v) for v in z.tolist()])
    found = values(z)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, exact, rtol=0.0, atol=absolute)
    near = z < 5.0  # farther out the rounding of z² shows, times z²
    np.testing.assert_allclose(found[near], exact[near], rtol=relative)
    assert found[-1] == 0.0
