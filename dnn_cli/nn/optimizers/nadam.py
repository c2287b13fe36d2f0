"""Nadam: Adam with Nesterov's momentum, which grows over the first steps.

Formula    μₜ = β₁ (1 - 0.96^(t ψ) / 2),  Mₜ = μ₁ ⋯ μₜ
           m := β₁ m + (1 - β₁) g
           v := β₂ v + (1 - β₂) g²
           p := p - α ((1 - μₜ) / (1 - Mₜ) g + μₜ₊₁ / (1 - Mₜ₊₁) m) / (sqrt(v / (1 - β₂ᵗ)) + ε)
Memory     the state is the running sums m / (1 - β₁) and v / (1 - β₂), as in Adam
Cost       12 passes over a block in cache
Source     Dozat, ICLR workshop 2016; formula and defaults are PyTorch's
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.nn.execution.arena import Arena
from dnn_cli.nn.optimizer import OPTIMIZERS, Block, Optimizer, OptimizerSpec


@OPTIMIZERS.register("nadam")
@dataclass(frozen=True, slots=True, kw_only=True)
class NadamSpec(OptimizerSpec):
    """Adam with Nesterov's momentum."""

    learning_rate: float = option("step size", 2e-3, minimum=0.0)
    beta1: float = option("memory of the mean of gradients", 0.9, minimum=0.0, below=1.0)
    beta2: float = option("memory of the mean of squared gradients", 0.999, minimum=0.0, below=1.0)
    epsilon: float = option("added to the denominator", 1e-8, above=0.0)
    momentum_decay: float = option("how fast the momentum grows to beta1", 4e-3, minimum=0.0)

    def build(self, arena: Arena) -> Optimizer:
        """Nadam on the parameters of `arena`."""
        return Nadam(
            arena, self.weight_decay, self.beta1, self.beta2, self.epsilon, self.momentum_decay
        )


@final
class Nadam(Optimizer):
    """m and v are the running sums of g and g²."""

    state_names = ("m", "v")

    def __init__(
        self,
        arena: Arena,
        weight_decay: float,
        beta1: float,
        beta2: float,
        epsilon: float,
        momentum_decay: float,
    ) -> None:
        super().__init__(arena, weight_decay)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self.momentum_decay = momentum_decay
        self.counted, self.product = 0, 1.0  # M of that step
        self.fresh = self.mean = self.root = 1.0

    def begin(self, step: int) -> None:
        """The factors of g and m, and what turns sqrt(v) into the root of a mean without bias."""
        self._count(step)
        momentum = self._momentum(step + 1)
        self.fresh = (1.0 - self._momentum(step)) / (1.0 - self.product)
        self.mean = (1.0 - self.beta1) * momentum / (1.0 - self.product * momentum)
        self.root = math.sqrt((1.0 - self.beta2) / (1.0 - self.beta2**step))

    def _count(self, step: int) -> None:
        """Bring M up to `step`: one factor a step, or all again after a checkpoint was loaded."""
        if step <= self.counted:
            self.counted, self.product = 0, 1.0
        for t in range(self.counted + 1, step + 1):
            self.product *= self._momentum(t)
            if self.product < 1e-30:  # 1 - M is 1 from here on
                break
        self.counted = step

    def _momentum(self, step: int) -> float:
        return self.beta1 * (1.0 - 0.5 * math.pow(0.96, step * self.momentum_decay))

    def update(self, block: Block, learning_rate: float) -> None:
        """One block."""
        p, g, (m, v), u = block.p, block.g, block.s, block.u
        np.multiply(m, self.beta1, out=m)
        np.add(m, g, out=m)
        np.multiply(g, g, out=u)
        np.multiply(v, self.beta2, out=v)
        np.add(v, u, out=v)
        np.multiply(m, learning_rate * self.mean / self.root, out=u)
        np.multiply(g, learning_rate * self.fresh / self.root, out=g)
        np.add(g, u, out=g)
        np.sqrt(v, out=u)
        np.add(u, self.epsilon / self.root, out=u)
        np.divide(g, u, out=g)
        np.subtract(p, g, out=p)
