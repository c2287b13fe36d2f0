"""Penalty: a price on large weights, added to the loss.

Formula    value = sum_w f (λ₁ |w| + λ₂/2 w²) over weights, not biases; f: decay factor of the layer
Backward   dw += f (λ₁ sign(w) + λ₂ w), 0 for the first part where w = 0
Cost       4 passes over a block in cache with both parts, 2 with one, and the sums
Why        the gradient passes through the optimizer, unlike decoupled weight decay; so an adaptive
           optimizer divides it by the size of the gradients. λ₁ does not make weights exactly zero
Source     Hoerl, Kennard, Technometrics 12 (1970); Tibshirani, JRSS B 58 (1996)
"""

from __future__ import annotations

from typing import final

import numpy as np

from dnn_cli.base.types import Array
from dnn_cli.nn.execution.arena import Arena, aligned_zeros
from dnn_cli.nn.execution.blocks import block_length, blocks_of


@final
class Penalty:
    """λ₁ sum |w| + λ₂/2 sum w²."""

    def __init__(self, arena: Arena, l1: float, l2: float) -> None:
        self.l1, self.l2 = l1, l2
        segments = [s for s in arena.segments() if s.decay_factor != 0.0]  # of weights
        longest = max((block_length(s.stop - s.start) for s in segments), default=0)
        scratch = aligned_zeros(longest, arena.params.dtype)
        self._blocks: list[tuple[Array, Array, Array, float]] = []
        for segment in segments:
            for piece in blocks_of(segment.start, segment.stop):
                views = arena.params[piece], arena.grads[piece]
                u = scratch[: piece.stop - piece.start]
                self._blocks.append((*views, u, segment.decay_factor))

    def value(self) -> float:
        """The price of the present weights."""
        total = 0.0
        for w, _, u, factor in self._blocks:
            if self.l1:
                np.absolute(w, out=u)
                total += factor * self.l1 * float(np.add.reduce(u))
            if self.l2:
                total += factor * self.l2 / 2.0 * float(np.dot(w, w))
        return total

    def add_gradient(self) -> float:
        """Add the gradient to that of the loss; the price of the present weights."""
        total = 0.0
        for w, dw, u, factor in self._blocks:
            if self.l1:
                np.sign(w, out=u)
                total += factor * self.l1 * float(np.dot(u, w))
                np.multiply(u, factor * self.l1, out=u)
                np.add(dw, u, out=dw)
            if self.l2:
                total += factor * self.l2 / 2.0 * float(np.dot(w, w))
                np.multiply(w, factor * self.l2, out=u)
                np.add(dw, u, out=dw)
        return total
