"""The complementary error function, for arrays: NumPy has none.

Formula    erfc(z) = exp(-z²) P(s) / (1 + 2z),  s = (z - K) / (z + K),  z >= 0
           which maps z in [0, ∞) to s in [-1, 1), so that one polynomial serves every z
Precision  float64: K = 3, degree 22, absolute error 5e-16 and relative error 4e-15 up to z = 6
           float32: K = 2, degree 7, absolute error 3e-7 (of which the polynomial's is 6e-9)
Cost       2 passes a degree and 8 more; one branch, because masked writes are dearer: `copyto`
           with `where` takes as long as 50 multiplications
Source     the form: Shepherd, Laframboise, Mathematics of Computation 36 (1981); the
           coefficients: tests/golden/make_erfc_coefficients.py
"""

from __future__ import annotations

import numpy as np

from dnn_cli.base.types import Array

FARTHEST = 28.0  # exp(-28²) is 0 in float64: beyond it erfc is 0, and z² stays small

_TABLES: dict[str, tuple[float, tuple[float, ...]]] = {
    "d": (
        3.0,
        (
            1.2530080582697296,
            -0.13562110612457576,
            -0.04756229435342038,
            0.12964515870228346,
            -0.11927366341676002,
            0.06830802735638397,
            -0.023770514891530075,
            0.0025293916672051724,
            0.0018886900977441495,
            -0.0007798312797290158,
            -0.00010515831297813128,
            0.00012509531076254534,
            4.944124342223664e-06,
            -2.008999783328428e-05,
            -7.187883834404355e-07,
            3.4542947702777404e-06,
            3.3669790806408675e-07,
            -5.963983625522761e-07,
            -1.2054142286490192e-07,
            8.765881411730646e-08,
            2.7843881265505657e-08,
            -7.641962892590134e-09,
            -3.181354143497552e-09,
        ),
    ),
    "f": (
        2.0,
        (
            1.276979898,
            -0.09274199394,
            -0.1659405316,
            0.1640973411,
            -0.05474072683,
            -0.009261089407,
            0.008102533834,
            0.002306920912,
        ),
    ),
}


def erfc(z: Array, gauss: Array, out: Array, s: Array) -> None:
    """Write erfc(z) to `out`, for z in [0, FARTHEST]; overwrites `s`.

    `gauss` is exp(-z²), which callers need themselves. The four arrays share no memory.
    """
    center, coefficients = _TABLES[out.dtype.char]
    np.add(z, center, out=s)
    np.divide(-2.0 * center, s, out=s)
    np.add(s, 1.0, out=s)
    out.fill(coefficients[-1])
    for c in coefficients[-2::-1]:
        np.multiply(out, s, out=out)
        np.add(out, c, out=out)
    np.multiply(z, 2.0, out=s)
    np.add(s, 1.0, out=s)
    np.divide(out, s, out=out)
    np.multiply(out, gauss, out=out)
