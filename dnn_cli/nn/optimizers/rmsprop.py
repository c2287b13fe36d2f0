"""RMSprop: steps scaled by the root of a running mean of squared gradients.

Formula    v := ρ v + (1 - ρ) g²
           p := p - α g / (sqrt(v) + ε)
Cost       9 passes over a block in cache
Why        no momentum and no centring: with them it is nearly Adam, which is here too
Source     Tieleman, Hinton, Coursera lecture 6.5, 2012; formula and defaults are PyTorch's
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.nn.execution.arena import Arena
from dnn_cli.nn.optimizer import OPTIMIZERS, Block, Optimizer, OptimizerSpec


@OPTIMIZERS.register("rmsprop")
@dataclass(frozen=True, slots=True, kw_only=True)
class RmspropSpec(OptimizerSpec):
    """RMSprop: gradient descent with a step size of its own for every parameter."""

    learning_rate: float = option("step size", 1e-2, minimum=0.0)
    rho: float = option("memory of the mean of squared gradients", 0.99, minimum=0.0, below=1.0)
    epsilon: float = option("added to the denominator", 1e-8, above=0.0)

    def build(self, arena: Arena) -> Optimizer:
        """RMSprop on the parameters of `arena`."""
        return Rmsprop(arena, self.weight_decay, self.rho, self.epsilon)


@final
class Rmsprop(Optimizer):
    """v is the running mean of g²."""

    state_names = ("v",)

    def __init__(self, arena: Arena, weight_decay: float, rho: float, epsilon: float) -> None:
        super().__init__(arena, weight_decay)
        self.rho, self.epsilon = rho, epsilon

    def update(self, block: Block, learning_rate: float) -> None:
        """One block."""
        p, g, (v,), u = block.p, block.g, block.s, block.u
        np.multiply(g, g, out=u)
        np.multiply(u, 1.0 - self.rho, out=u)
        np.multiply(v, self.rho, out=v)
        np.add(v, u, out=v)
        np.sqrt(v, out=u)
        np.add(u, self.epsilon, out=u)
        np.divide(g, u, out=g)
        np.multiply(g, learning_rate, out=g)
        np.subtract(p, g, out=p)
