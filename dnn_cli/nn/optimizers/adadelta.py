"""Adadelta: steps in units of the steps before, so that no step size has to be chosen.

Formula    v := ρ v + (1 - ρ) g²
           δ := g sqrt(w + ε) / sqrt(v + ε)
           w := ρ w + (1 - ρ) δ²
           p := p - α δ
Cost       16 passes over a block in cache
Source     Zeiler, arXiv 1212.5701, 2012, with α = 1; defaults are PyTorch's
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array
from dnn_cli.nn.execution.arena import Arena
from dnn_cli.nn.optimizer import OPTIMIZERS, Block, Optimizer, OptimizerSpec


@OPTIMIZERS.register("adadelta")
@dataclass(frozen=True, slots=True, kw_only=True)
class AdadeltaSpec(OptimizerSpec):
    """Adadelta: needs no learning rate; slow to start."""

    learning_rate: float = option("step size", 1.0, minimum=0.0)
    rho: float = option("memory of both running means", 0.9, minimum=0.0, below=1.0)
    epsilon: float = option("added under both roots; sets the first steps", 1e-6, above=0.0)

    def build(self, arena: Arena) -> Optimizer:
        """Adadelta on the parameters of `arena`."""
        return Adadelta(arena, self.weight_decay, self.rho, self.epsilon)


@final
class Adadelta(Optimizer):
    """v and w are the running means of g² and of squared steps."""

    state_names = ("v", "w")

    def __init__(self, arena: Arena, weight_decay: float, rho: float, epsilon: float) -> None:
        super().__init__(arena, weight_decay)
        self.rho, self.epsilon = rho, epsilon

    def update(self, block: Block, learning_rate: float) -> None:
        """One block."""
        p, g, (v, w), u = block.p, block.g, block.s, block.u
        self._remember(v, g, u)
        np.add(v, self.epsilon, out=u)
        np.sqrt(u, out=u)
        np.divide(g, u, out=g)
        np.add(w, self.epsilon, out=u)
        np.sqrt(u, out=u)
        np.multiply(g, u, out=g)
        self._remember(w, g, u)
        np.multiply(g, learning_rate, out=g)
        np.subtract(p, g, out=p)

    def _remember(self, mean: Array, x: Array, scratch: Array) -> None:
        """Mean := ρ mean + (1 - ρ) x²."""
        np.multiply(x, x, out=scratch)
        np.multiply(scratch, 1.0 - self.rho, out=scratch)
        np.multiply(mean, self.rho, out=mean)
        np.add(mean, scratch, out=mean)
