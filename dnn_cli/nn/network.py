"""A network: a chain of layers, the vector that holds their parameters, and plans to run it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from dnn_cli.base.types import Array, Shape, size_of
from dnn_cli.nn.chain import Chain
from dnn_cli.nn.execution.arena import Arena, aligned_zeros
from dnn_cli.nn.execution.layout import lay_out
from dnn_cli.nn.execution.plan import Plan
from dnn_cli.nn.execution.ranks import Ranks
from dnn_cli.nn.execution.spans import BLOCK_BYTES
from dnn_cli.nn.layer import Layer


class Network:
    """Layers with memory: forward and backward passes for batches of any size.

    Shapes     input (n, *in_shape), output (n, *out_shape)
    """

    def __init__(self, chain: Chain, dtype: Any = np.float32) -> None:
        self.chain = chain
        self.in_shape: Shape = chain.in_shape
        self.out_shape: Shape = chain.out_shape
        self.arena = Arena(chain.slots(), dtype)
        for name, layer in chain.walk():
            for slot in layer.slots:
                setattr(layer, slot.name, self.arena.value(f"{name}.{slot.name}"))

    @property
    def parameters(self) -> int:
        """The number of learned parameters, padding left out."""
        return sum(size_of(p.slot.shape) for p in self.arena if p.slot.role != "state")

    def plan(
        self,
        n: int,
        *,
        train: bool,
        wants_dx: bool = False,
        ranks: Ranks | None = None,
        divided: Mapping[Layer, Layer] = MappingProxyType({}),
        block_bytes: int = BLOCK_BYTES,
    ) -> Plan:
        """Buffers for batches of up to `n` examples; write the inputs into `plan.x`.

        `ranks`: the batch is a part of one that they compute together. `divided`: the layers that
        compute their part of it in place of others.
        """
        dtype = self.arena.params.dtype
        x = aligned_zeros(n * size_of(self.in_shape), dtype).reshape(n, *self.in_shape)
        return lay_out(
            self.chain,
            self.arena,
            x,
            train=train,
            wants_dx=wants_dx,
            ranks=ranks,
            divided=divided,
            block_bytes=block_bytes,
        )

    def load(self, tensors: Mapping[str, Array]) -> None:
        """Set every slot from an array of its name.

        Raises:
            ValueError: a slot is missing, or has another shape; the message names it.
        """
        expected = {p.name: p.slot.shape for p in self.arena}
        for name, shape in expected.items():
            found = tensors.get(name)
            if found is None:
                raise ValueError(f"tensor {name} is missing")
            if found.shape != shape:
                raise ValueError(f"tensor {name} has shape {found.shape}, expected {shape}")
        for name in expected:
            self.arena.value(name)[...] = tensors[name]
