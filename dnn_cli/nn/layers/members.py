"""Members of their own: the same layers k times, each with parameters of its own.

Forward    y_nk = layers_k(x_n)
Backward   dx_n = sum_k of what layers_k give for dy_nk
Shapes     x (n, …)   y (n, k, …), … the shape that the layers end in
Memory     each member is a chain with buffers of its own; all read x where it lies
Cost       that of the layers, k times; k is no number of separate trainings, since reading,
           batches and the optimizer are shared
Source     Lakshminarayanan, Pritzel, Blundell, NIPS 2017 (deep ensembles)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.spec import option, require
from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.chain import Chain, build_chain
from dnn_cli.nn.initializer import InitializerSpec
from dnn_cli.nn.layer import LAYERS, READS_X, Layer, LayerSpec, ShapeError
from dnn_cli.nn.scratch import Scratch


@LAYERS.register("members")
@dataclass(frozen=True, slots=True, kw_only=True)
class MembersSpec(LayerSpec):
    """The same layers several times, with parameters of their own."""

    makes_members: ClassVar[bool] = True
    members: int = option("number of members", minimum=1)
    layers: tuple[LayerSpec, ...] = option("the layers of each member")

    def check(self) -> None:
        """A member is at least one layer."""
        require(bool(self.layers), "needs at least one layer", "layers")

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """As many chains as there are members."""
        try:
            chains = tuple(build_chain(self.layers, in_shape, default) for _ in range(self.members))
        except ShapeError as error:
            raise ShapeError(str(error), ("layers", *error.path)) from error
        return Members(in_shape, chains)


@final
class Members(Layer):
    """y_k = layers_k(x)."""

    reads = READS_X

    def __init__(self, in_shape: Shape, chains: tuple[Chain, ...]) -> None:
        super().__init__(in_shape, (len(chains), *chains[0].out_shape))
        self.chains = chains
        self.examplewise = all(layer.examplewise for c in chains for layer in c.layers)

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write what each member makes of x."""
        for k, plan in enumerate(ws.inner):
            np.copyto(y[:, k], plan.forward(train))

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Run each member backward from its part of dy; the sum of their dx."""
        for k, plan in enumerate(ws.inner):
            assert plan.dy is not None
            np.copyto(plan.dy, dy[:, k])
            plan.backward()
            if dx is not None:
                assert plan.dx is not None
                if k == 0:
                    np.copyto(dx, plan.dx)
                else:
                    np.add(dx, plan.dx, out=dx)
