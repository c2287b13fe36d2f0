"""Adagrad: steps scaled by the root of the sum of all squared gradients so far.

Formula    s := s + g²
           p := p - α g / (sqrt(s) + ε)
Cost       7 passes over a block in cache
Source     Duchi, Hazan, Singer, JMLR 12 (2011); formula and defaults are PyTorch's
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.nn.execution.arena import Arena
from dnn_cli.nn.optimizer import OPTIMIZERS, Block, Optimizer, OptimizerSpec


@OPTIMIZERS.register("adagrad")
@dataclass(frozen=True, slots=True, kw_only=True)
class AdagradSpec(OptimizerSpec):
    """Adagrad: for rare features; its steps only shrink."""

    learning_rate: float = option("step size", 1e-2, minimum=0.0)
    epsilon: float = option("added to the denominator", 1e-10, above=0.0)

    def build(self, arena: Arena) -> Optimizer:
        """Adagrad on the parameters of `arena`."""
        return Adagrad(arena, self.weight_decay, self.epsilon)


@final
class Adagrad(Optimizer):
    """s is the sum of g²."""

    state_names = ("s",)

    def __init__(self, arena: Arena, weight_decay: float, epsilon: float) -> None:
        super().__init__(arena, weight_decay)
        self.epsilon = epsilon

    def update(self, block: Block, learning_rate: float) -> None:
        """One block."""
        p, g, (s,), u = block.p, block.g, block.s, block.u
        np.multiply(g, g, out=u)
        np.add(s, u, out=s)
        np.sqrt(s, out=u)
        np.add(u, self.epsilon, out=u)
        np.divide(g, u, out=g)
        np.multiply(g, learning_rate, out=g)
        np.subtract(p, g, out=p)
