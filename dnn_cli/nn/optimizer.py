"""Optimizers: they know vectors, not layers, losses or schedules.

A step runs block by block, so that all passes over a block of parameters, gradients and state
happen while it is in cache: for each block decoupled weight decay, then the update formula.

Why        what decays towards zero, state and weights, is cut to zero before it becomes subnormal:
           where a unit has died, Adam's m would stay at 6e-45 for ever and a decayed weight at
           7e-43, and arithmetic on such numbers is 20 times slower (a product of which a tenth of
           the weights are such: 18 times)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from dnn_cli.base.registry import Registry
from dnn_cli.base.spec import Spec, option
from dnn_cli.base.types import Array
from dnn_cli.nn.execution.arena import Arena, aligned_zeros, shared_zeros
from dnn_cli.nn.execution.blocks import block_length, blocks_of
from dnn_cli.nn.schedule import ScheduleSpec

_SWEEP = 128  # steps between two searches for what has vanished: momentum 0.9 shrinks it to 1.4e-6
_MARGIN = 2.0**24  # vanished: smaller than this many of the smallest normal numbers


class Block(NamedTuple):
    """Views of one piece of every vector."""

    p: Array  # parameters
    g: Array  # gradients, and scratch: but padding, 0 in every vector, has to stay 0
    s: tuple[Array, ...]  # the optimizer's state vectors, in the order of `state_names`
    u: Array  # scratch, in cache from the last block
    learning_rate_factor: float
    decay_factor: float


class Optimizer(ABC):
    """Turns gradients into changes of the parameters. Subclasses are final.

    `state` and `steps` are exactly what a checkpoint stores. State vectors start at zero.
    Slots with a learning-rate factor of 0 are left alone.
    """

    state_names: ClassVar[tuple[str, ...]] = ()

    def __init__(self, arena: Arena, weight_decay: float = 0.0) -> None:
        learned, dtype = arena.learned, arena.params.dtype
        self.steps = 0
        self.weight_decay = weight_decay
        self._arena = arena
        self.state = {name: shared_zeros(learned, dtype) for name in self.state_names}
        self._vanished = _MARGIN * float(np.finfo(dtype).tiny)
        self.take(slice(0, learned))

    def take(self, own: slice) -> None:
        """Change no more than a piece of the vectors: others, which share them, do the rest."""
        arena, self._blocks = self._arena, list[Block]()
        runs = [
            (max(start, own.start), min(stop, own.stop), rate, decay)
            for start, stop, rate, decay in _runs(arena, self.weight_decay != 0.0)
            if rate != 0.0
        ]
        longest = max((block_length(stop - start) for start, stop, _, _ in runs), default=0)
        u = aligned_zeros(longest, arena.params.dtype)
        for start, stop, rate, decay in runs:
            for piece in blocks_of(start, stop):
                state = tuple(v[piece] for v in self.state.values())
                views = arena.params[piece], arena.grads[piece], state
                self._blocks.append(Block(*views, u[: piece.stop - piece.start], rate, decay))

    def step(self, learning_rate: float, decay_share: float = 1.0) -> None:
        """One update of every learned parameter from the gradients in the arena, using them up.

        `decay_share` is the share of the weight decay that is in force.
        """
        decay = self.weight_decay * decay_share
        self.steps += 1
        self.begin(self.steps)
        for block in self._blocks:
            rate = learning_rate * block.learning_rate_factor
            if decay and block.decay_factor:
                shrink = 1.0 - rate * decay * block.decay_factor
                np.multiply(block.p, shrink, out=block.p)
            self.update(block, rate)
        if self.steps % _SWEEP == 0:
            for block in self._blocks:
                self._sweep(block)

    def load(self, state: Mapping[str, Array], steps: int) -> None:
        """Continue from the `state` and `steps` of another optimizer of the same kind.

        Raises:
            ValueError: a vector is missing or has another length; the message names it.
        """
        for name, vector in self.state.items():
            found = state.get(name)
            if found is None:
                raise ValueError(f"optimizer state {name} is missing")
            if found.shape != vector.shape:
                raise ValueError(
                    f"optimizer state {name} has shape {found.shape}, expected {vector.shape}"
                )
        for name, vector in self.state.items():
            vector[...] = state[name]
        self.steps = steps

    def _sweep(self, block: Block) -> None:
        """Set state and parameters that have all but vanished to zero."""
        for v in (*block.s, block.p):
            np.absolute(v, out=block.u)
            np.greater(block.u, self._vanished, out=block.g, casting="unsafe")
            np.multiply(v, block.g, out=v)

    def begin(self, step: int) -> None:  # noqa: B027 (a hook: most optimizers need none)
        """Numbers that hold for the whole step (bias corrections); the default has none."""

    @abstractmethod
    def update(self, block: Block, learning_rate: float) -> None:
        """Change `block.p` in place; allocate nothing."""


def _runs(arena: Arena, decays: bool) -> list[tuple[int, int, float, float]]:
    """(start, stop, rate factor, decay factor) of runs that are updated alike.

    Neighbouring segments that differ only in a decay that is not used are one run.
    """
    found: list[tuple[int, int, float, float]] = []
    for segment in arena.segments():
        rate, decay = segment.learning_rate_factor, segment.decay_factor if decays else 0.0
        if found and found[-1][2:] == (rate, decay):
            found[-1] = (found[-1][0], segment.stop, rate, decay)
        else:
            found.append((segment.start, segment.stop, rate, decay))
    return found


OPTIMIZERS: Registry[OptimizerSpec]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerSpec(Spec):
    """What YAML says of an optimizer. Weight decay is decoupled in all of them.

    p := p - learning_rate · weight_decay · p on weights (not biases), beside the update: with
    plain gradient descent this equals an L2 penalty, with adaptive methods it does not
    (Loshchilov, Hutter, ICLR 2019). For the penalty itself there is `training.penalty`.
    """

    registry: ClassVar[Registry[OptimizerSpec]]

    learning_rate: float = option("step size", 1e-3, minimum=0.0)
    weight_decay: float = option(
        "decoupled decay of the weights, in units of the learning rate", 0.0, minimum=0.0
    )
    clip_norm: float | None = option(
        "scale the whole gradient down to this L2 norm if it is longer", None, above=0.0
    )
    clip_value: float | None = option(
        "cut each component of the gradient to [-v, v]", None, above=0.0
    )
    schedule: ScheduleSpec | None = option("how the learning rate changes; null: constant", None)
    decay_schedule: ScheduleSpec | None = option(
        "how the weight decay changes; null: constant", None
    )

    @abstractmethod
    def build(self, arena: Arena) -> Optimizer:
        """The optimizer of the parameters in `arena`."""


OPTIMIZERS = Registry("optimizer", "dnn_cli.nn.optimizers")
OptimizerSpec.registry = OPTIMIZERS
