"""Stochastic gradient descent, plain, with momentum, or with Nesterov's momentum.

Formula    plain      p := p - α g
           momentum   v := μ v + g;  p := p - α v
           nesterov   v := μ v + g;  p := p - α (g + μ v)
Cost       2, 4 and 6 passes over a block in cache
Why        α multiplies the velocity, not the gradient in it, so that a schedule acts at once; this
           and the defaults are PyTorch's, but for its α: a gradient has no fixed size as steps of
           Adam have, and at 0.001 the digits learn nothing in 40 epochs; 0.01 is Keras's
Source     Robbins, Monro, 1951; Polyak, 1964; Nesterov, 1983, in the form of Sutskever, Martens,
           Dahl, Hinton, ICML 2013
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.spec import option, require
from dnn_cli.nn.execution.arena import Arena
from dnn_cli.nn.optimizer import OPTIMIZERS, Block, Optimizer, OptimizerSpec


@OPTIMIZERS.register("sgd")
@dataclass(frozen=True, slots=True, kw_only=True)
class SgdSpec(OptimizerSpec):
    """Stochastic gradient descent."""

    learning_rate: float = option("step size", 1e-2, minimum=0.0)
    momentum: float = option("memory of past gradients", 0.0, minimum=0.0, below=1.0)
    nesterov: bool = option("look ahead along the velocity", False)

    def check(self) -> None:
        """Nesterov's form is one of momentum."""
        fits = self.momentum > 0.0 or not self.nesterov
        require(fits, "needs momentum", "nesterov", fix="set momentum, for example to 0.9")

    def build(self, arena: Arena) -> Optimizer:
        """Gradient descent on the parameters of `arena`."""
        if self.nesterov:
            return Nesterov(arena, self.weight_decay, self.momentum)
        if self.momentum:
            return Momentum(arena, self.weight_decay, self.momentum)
        return Sgd(arena, self.weight_decay)


@final
class Sgd(Optimizer):
    """Straight down."""

    def update(self, block: Block, learning_rate: float) -> None:
        """One block."""
        np.multiply(block.g, learning_rate, out=block.g)
        np.subtract(block.p, block.g, out=block.p)


@final
class Momentum(Optimizer):
    """A heavy ball."""

    state_names = ("velocity",)

    def __init__(self, arena: Arena, weight_decay: float, momentum: float) -> None:
        super().__init__(arena, weight_decay)
        self.momentum = momentum

    def update(self, block: Block, learning_rate: float) -> None:
        """One block."""
        p, g, (v,) = block.p, block.g, block.s
        np.multiply(v, self.momentum, out=v)
        np.add(v, g, out=v)
        np.multiply(v, learning_rate, out=g)
        np.subtract(p, g, out=p)


@final
class Nesterov(Optimizer):
    """A heavy ball that looks ahead."""

    state_names = ("velocity",)

    def __init__(self, arena: Arena, weight_decay: float, momentum: float) -> None:
        super().__init__(arena, weight_decay)
        self.momentum = momentum

    def update(self, block: Block, learning_rate: float) -> None:
        """One block."""
        p, g, (v,), u = block.p, block.g, block.s, block.u
        np.multiply(v, self.momentum, out=v)
        np.add(v, g, out=v)
        np.multiply(v, self.momentum, out=u)
        np.add(g, u, out=g)
        np.multiply(g, learning_rate, out=g)
        np.subtract(p, g, out=p)
