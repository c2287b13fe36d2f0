"""Makes the coefficients in dnn_cli/nn/erf.py; run by hand, needs mpmath.

erfc(z) = exp(-z²) P(s) / (1 + 2z) with s = (z - K) / (z + K), which maps z in [0, ∞) to [-1, 1).

float64   K = 3: Chebyshev interpolation of P in 40 digits, cut at degree 22 (the next
          coefficient is 2e-16)
float32   K = 2: weighted minimax of degree 7 by Lawson's iteration. An error counts in units of
          max(exp(-z²), 1e-3): absolute where erfc is large, relative where it is small. The
          largest is 6e-9, a tenth of the rounding of a float32
"""

import mpmath as mp
import numpy as np

mp.mp.dps = 40
NODES = 60


def scaled_erfc(z):
    """(1 + 2z) exp(z²) erfc(z), by its asymptotic series where exp(z²) is out of reach."""
    if z < 200:
        return (1 + 2 * z) * mp.exp(z * z) * mp.erfc(z)
    series = sum((-1) ** k * mp.fac2(2 * k - 1) / (2 * z * z) ** k for k in range(6))
    return (1 + 2 * z) / (z * mp.sqrt(mp.pi)) * series


def chebyshev(K, degree):
    """Monomial coefficients of the Chebyshev interpolant, cut at `degree`."""
    angles = [mp.pi * (k + mp.mpf(1) / 2) / NODES for k in range(NODES)]
    values = [scaled_erfc(K * (1 + mp.cos(a)) / (1 - mp.cos(a))) for a in angles]
    total = [mp.mpf(0)] * (degree + 1)
    before, now = [mp.mpf(0)], [mp.mpf(1)]
    for j in range(degree + 1):
        c = 2 / mp.mpf(NODES) * sum(v * mp.cos(j * a) for v, a in zip(values, angles, strict=True))
        for power, t in enumerate(now):
            total[power] += (c / 2 if j == 0 else c) * t
        double = [mp.mpf(0), *(t * (1 if j == 0 else 2) for t in now)]
        older = before + [mp.mpf(0)] * (len(double) - len(before))
        before, now = now, [d - b for d, b in zip(double, older, strict=True)]
    return [float(c) for c in total]


def minimax(K, degree, rounds=2000):
    """Monomial coefficients of the weighted minimax polynomial (Lawson 1961)."""
    z = np.concatenate([np.linspace(0, 6, 3000), np.linspace(6, 9.5, 200)])
    weight = np.maximum(np.exp(-z * z), 1e-3)
    s = (z - K) / (z + K)
    matrix = np.polynomial.chebyshev.chebvander(s, degree) * (weight / (1 + 2 * z))[:, None]
    wanted = np.array([float(scaled_erfc(mp.mpf(v))) for v in z]) * weight / (1 + 2 * z)
    w = np.full(len(z), 1 / len(z))
    best = np.inf
    for _ in range(rounds):
        root = np.sqrt(w)
        c = np.linalg.lstsq(matrix * root[:, None], wanted * root, rcond=None)[0]
        error = np.abs(matrix @ c - wanted)
        if error.max() < best:
            best, found = error.max(), c
        w *= error
        w /= w.sum()
    print(f"largest weighted error {best:.1e}")
    return [float(c) for c in np.polynomial.chebyshev.cheb2poly(found)]


if __name__ == "__main__":
    for name, rows in (
        ("float64", chebyshev(mp.mpf(3), 22)),
        ("float32", [float(f"{c:.10g}") for c in minimax(2.0, 7)]),
    ):
        print(name, *(f"    {c!r}," for c in rows), sep="\n")
