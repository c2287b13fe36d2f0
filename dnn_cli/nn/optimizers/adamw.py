"""AdamW: Adam with decoupled weight decay.

Formula    p := p - α λ p, then Adam's update
Why        every optimizer here decays this way, so this one is Adam with λ = 0.01 by default, as
           in PyTorch
Source     Loshchilov, Hutter, ICLR 2019
"""

from __future__ import annotations

from dataclasses import dataclass

from dnn_cli.base.spec import option
from dnn_cli.nn.execution.arena import Arena
from dnn_cli.nn.optimizer import OPTIMIZERS, Optimizer, OptimizerSpec
from dnn_cli.nn.optimizers.adam import Adam


@OPTIMIZERS.register("adamw")
@dataclass(frozen=True, slots=True, kw_only=True)
class AdamwSpec(OptimizerSpec):
    """Adam with weight decay."""

    weight_decay: float = option(
        "decoupled decay of the weights, in units of the learning rate", 0.01, minimum=0.0
    )
    beta1: float = option("memory of the mean of gradients", 0.9, minimum=0.0, below=1.0)
    beta2: float = option("memory of the mean of squared gradients", 0.999, minimum=0.0, below=1.0)
    epsilon: float = option("added to the denominator", 1e-8, above=0.0)

    def build(self, arena: Arena) -> Optimizer:
        """Adam on the parameters of `arena`."""
        return Adam(arena, self.weight_decay, self.beta1, self.beta2, self.epsilon)
