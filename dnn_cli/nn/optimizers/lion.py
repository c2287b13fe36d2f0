"""Lion: steps of one size in the direction of the sign of the momentum.

Formula    p := p - α sign(β₁ m + (1 - β₁) g)
           m := β₂ m + (1 - β₂) g
Cost       8 passes over a block in cache, and half of Adam's state
Why        a step is larger than Adam's: take a learning rate 3 to 10 times smaller, and a weight
           decay as many times larger
Source     Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023; its defaults
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.nn.execution.arena import Arena
from dnn_cli.nn.optimizer import OPTIMIZERS, Block, Optimizer, OptimizerSpec


@OPTIMIZERS.register("lion")
@dataclass(frozen=True, slots=True, kw_only=True)
class LionSpec(OptimizerSpec):
    """Lion: the sign of the momentum, with half of Adam's memory."""

    learning_rate: float = option("step size", 1e-4, minimum=0.0)
    beta1: float = option("share of the momentum in the direction", 0.9, minimum=0.0, below=1.0)
    beta2: float = option("memory of the momentum", 0.99, minimum=0.0, below=1.0)

    def build(self, arena: Arena) -> Optimizer:
        """Lion on the parameters of `arena`."""
        return Lion(arena, self.weight_decay, self.beta1, self.beta2)


@final
class Lion(Optimizer):
    """m is a running mean of g, longer than the one that gives the direction."""

    state_names = ("m",)

    def __init__(self, arena: Arena, weight_decay: float, beta1: float, beta2: float) -> None:
        super().__init__(arena, weight_decay)
        self.beta1, self.beta2 = beta1, beta2

    def update(self, block: Block, learning_rate: float) -> None:
        """One block; g - m serves both means: g + β (m - g) = β m + (1 - β) g."""
        p, g, (m,), u = block.p, block.g, block.s, block.u
        np.subtract(g, m, out=g)
        np.multiply(g, 1.0 - self.beta1, out=u)
        np.add(u, m, out=u)
        np.multiply(g, 1.0 - self.beta2, out=g)
        np.add(m, g, out=m)
        np.sign(u, out=g)  # in place it is 7 times slower
        np.multiply(g, learning_rate, out=g)
        np.subtract(p, g, out=p)
