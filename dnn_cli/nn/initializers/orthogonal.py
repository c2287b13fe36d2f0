"""Orthogonal initialisation: a random rotation, which keeps lengths through linear layers.

Formula    Q of the QR decomposition of a normal matrix, each column times the sign of R's
           diagonal (without it Q is not uniformly distributed). The matrix is (i, j), a kernel
           (h, w, c, k) is taken as (h·w·c, k); rows or columns are orthonormal, whichever are fewer
Cost       2 i j min(i, j) operations: seconds for thousands of units
Source     Saxe, McClelland, Ganguli, ICLR 2014; the signs: Mezzadri, Notices of the AMS 54 (2007)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Rng
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec


@INITIALIZERS.register("orthogonal")
@dataclass(frozen=True, slots=True, kw_only=True)
class OrthogonalSpec(InitializerSpec):
    """A random rotation."""

    gain: float = option("factor on the rotation", 1.0, above=0.0)

    def fill(self, out: Array, rng: Rng) -> None:
        """Draw a rotation."""
        inputs, outputs = out.size // out.shape[-1], out.shape[-1]
        drawn = rng.standard_normal((max(inputs, outputs), min(inputs, outputs)))
        q, r = np.linalg.qr(drawn)
        q *= np.copysign(self.gain, np.diagonal(r))
        out[...] = (q if inputs >= outputs else q.T).reshape(out.shape)
