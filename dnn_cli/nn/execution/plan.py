"""A plan: every array that a chain touches for batches of one size, laid out once.

Memory     one buffer an activation (none where a layer runs in place), two gradient buffers used
           in turn, kept scratch, and one block that all other scratch shares
Stages     layers run one after another over the whole batch; a run of layers that treat images
           one by one is a stage of blocks of a few images, small enough to stay in cache. What
           no backward pass reads again exists for one block only
Calls      each pass of each layer is bound to its arrays when the plan is made: what a step runs
           is a list of calls, without those that change a shape and no number
Smaller    batches are leading slices of the same buffers (`cut`), made once a size
Aliasing   a layer runs in place if it may and its input is not needed any more: no layer below
           reads those numbers in backward, and they are not the chain's own input
Skipped    no dx is computed below the first layer that learns: on flattened images that is one
           of the three largest products
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from dnn_cli.base.random import Purpose, key_of, stream
from dnn_cli.base.types import Array, Call
from dnn_cli.nn.layer import Layer
from dnn_cli.nn.scratch import Scratch


@dataclass(slots=True)
class Step:
    """One layer with the arrays it works on. `dy`, `dx` are None where nothing is learned."""

    name: str
    layer: Layer
    x: Array
    y: Array
    dy: Array | None
    dx: Array | None
    ws: Scratch

    def forward(self, train: bool) -> Iterator[Call]:
        """What there is to do from x to y."""
        if not self.layer.keeps_values:  # else y is the memory of x, and dx that of dy
            yield from self.layer.forward_calls(self.x, self.y, self.ws, train)

    def backward(self) -> Iterator[Call]:
        """What there is to do from dy to the slots' gradients and dx."""
        if self.dy is not None and not self.layer.keeps_values:
            yield from self.layer.backward_calls(self.x, self.y, self.dy, self.dx, self.ws)

    def cut(self, n: int) -> Step:
        """The same for the first `n` examples."""
        needs = self.layer.needs
        arrays = {k: a[:n] if needs[k].per_example else a for k, a in self.ws.items()}
        inner = tuple(p.cut(n) for p in self.ws.inner)
        scratch = Scratch(arrays, self.ws.grads, inner, self.ws.ranks)
        dy = None if self.dy is None else self.dy[:n]
        dx = None if self.dx is None else self.dx[:n]
        return Step(self.name, self.layer, self.x[:n], self.y[:n], dy, dx, scratch)

    def over(self, old: Array, new: Array) -> Step:
        """The same with `new` in place of the memory of `old`."""
        x, y = (
            new.reshape(a.shape) if np.may_share_memory(a, old) else a for a in (self.x, self.y)
        )
        return Step(self.name, self.layer, x, y, self.dy, self.dx, self.ws)


@dataclass(slots=True)
class Block:
    """Examples `start` to `stop` on their way through the layers of a stage."""

    start: int
    stop: int
    steps: list[Step]

    def over(self, old: Array, new: Array) -> Block:
        """The same with `new` in place of the memory of `old`, both of the whole batch."""
        part = slice(self.start, self.stop)
        return Block(self.start, self.stop, [s.over(old[part], new[part]) for s in self.steps])

    def cut(self, n: int) -> Block | None:
        """What is left of the block in a batch of `n` examples."""
        if self.start >= n:
            return None
        if self.stop <= n:
            return self
        return Block(self.start, n, [s.cut(n - self.start) for s in self.steps])


@dataclass(slots=True)
class Stage:
    """A run of layers, over the whole batch or block by block.

    The first block writes its gradients where they belong. Each later one writes them to `part`,
    which is then added up: `gradients` are pieces of the network's gradient vector and the pieces
    of `part` that go there.
    """

    blocks: list[Block]
    gradients: list[tuple[Array, Array]]

    def forward(self, train: bool) -> Iterator[Call]:
        """Every layer in order, block by block."""
        for step in self.steps():
            yield from step.forward(train)

    def backward(self) -> Iterator[Call]:
        """Every layer in reverse order, block by block."""
        for index, block in enumerate(self.blocks):
            for step in reversed(block.steps):
                yield from step.backward()
            if index:
                for target, part in self.gradients:
                    yield partial(np.add, target, part, out=target)

    def cut(self, n: int) -> Stage:
        """The stage for the first `n` examples."""
        return Stage([cut for block in self.blocks if (cut := block.cut(n))], self.gradients)

    def over(self, old: Array, new: Array) -> Stage:
        """The same with `new` in place of the memory of `old`."""
        return Stage([block.over(old, new) for block in self.blocks], self.gradients)

    def steps(self) -> Iterator[Step]:
        """Every layer of every block."""
        for block in self.blocks:
            yield from block.steps


@dataclass(slots=True)
class Plan:
    """A chain laid out for batches of `len(x)` examples; write the inputs into `x`."""

    stages: list[Stage]
    x: Array
    y: Array
    dy: Array | None
    dx: Array | None
    random: list[Step]  # over the whole batch: masks are drawn for it at once
    _cuts: dict[int, Plan] = field(default_factory=dict)
    _forward: dict[bool, list[Call]] = field(init=False)
    _backward: list[Call] = field(init=False)

    def __post_init__(self) -> None:
        stages = self.stages
        self._forward = {
            train: [call for stage in stages for call in stage.forward(train)]
            for train in (False, True)
        }
        self._backward = [call for stage in reversed(stages) for call in stage.backward()]

    def forward(self, train: bool) -> Array:
        """Run every layer on `x`; the result is `y`."""
        for call in self._forward[train]:
            call()
        return self.y

    def backward(self) -> None:
        """From `dy` to the gradients of every slot, and `dx` if there is one."""
        for call in self._backward:
            call()

    def over(self, x: Array) -> Plan:
        """The same plan with `x`, which it does not change, in place of its own input buffer.

        Nested plans hold the buffer too: where there are any, `x` is copied into it.
        """
        if any(step.ws.inner for step in self.steps):
            np.copyto(self.x, x)
            return self
        y = x.reshape(self.y.shape) if np.may_share_memory(self.y, self.x) else self.y
        stages = [stage.over(self.x, x) for stage in self.stages]
        return Plan(stages, x, y, self.dy, self.dx, self.random)

    def draw(self, seed: int, step: int, first: int = 0) -> None:
        """Fill the random scratch of this step; `x` is its batch from example `first` on."""
        for s in self.random:
            s.layer.draw(s.ws, stream(seed, Purpose.DRAW, step, key_of(s.name)), first)

    @property
    def steps(self) -> list[Step]:
        """Every layer of every block, in order."""
        return [step for stage in self.stages for step in stage.steps()]

    def cut(self, n: int) -> Plan:
        """The same plan for the first `n` examples of every buffer."""
        if n == len(self.x):
            return self
        if n not in self._cuts:
            self._cuts[n] = Plan(
                [stage.cut(n) for stage in self.stages],
                self.x[:n],
                self.y[:n],
                None if self.dy is None else self.dy[:n],
                None if self.dx is None else self.dx[:n],
                [s.cut(n) for s in self.random],
            )
        return self._cuts[n]
