"""What a layer finds when it runs: scratch, gradients, plans of the layers within it, and ranks.

Plans and ranks are protocols: what a layer needs of them, and no more. `execution` has both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from dnn_cli.base.types import Array


class InnerPlan(Protocol):
    """A chain within a layer, laid out for the layer's batch: `execution.plan.Plan`."""

    y: Array
    dy: Array | None
    dx: Array | None

    def forward(self, train: bool) -> Array:
        """From the layer's x to `y`."""

    def backward(self) -> None:
        """From `dy` to the gradients of the chain's slots, and `dx` if there is one."""

    def cut(self, n: int) -> InnerPlan:
        """The same for the first `n` examples."""


class RankGroup(Protocol):
    """The processes that compute a part of a batch each: `execution.ranks.Ranks`.

    `own` and `whole` are the examples of the batch under way in this rank and in all of them.
    """

    rank: int
    own: int
    whole: int

    @property
    def alone(self) -> bool:
        """Whether the batch is all in this rank."""

    def part(self, count: int) -> slice:
        """What is this rank's of `count` things."""

    def sum(self, vector: Array) -> None:
        """Replace `vector` by its sum over all ranks; every rank has to call this."""

    def meet(self) -> None:
        """Go on when every rank has come so far; every rank has to call this."""


class Scratch(dict[str, Array]):
    """What a layer finds in `ws`: its arrays cut to the batch, its gradients, nested plans.

    `ranks`: those that compute a part of the batch each, for layers that look at all of it.
    """

    __slots__ = ("grads", "inner", "ranks")

    def __init__(
        self,
        arrays: Mapping[str, Array],
        grads: dict[str, Array] | None = None,
        inner: tuple[InnerPlan, ...] = (),
        ranks: RankGroup | None = None,
    ) -> None:
        super().__init__(arrays)
        self.grads = {} if grads is None else grads
        self.inner, self.ranks = inner, ranks

    @property
    def first(self) -> bool:
        """Whether this rank is the one that changes what all of them share."""
        return self.ranks is None or self.ranks.rank == 0

    def whole(self, rows: int) -> int:
        """Rows of the whole batch, `rows` of which belong to the examples of this rank."""
        if self.ranks is None or not self.ranks.own:
            return rows
        return rows // self.ranks.own * self.ranks.whole

    def sum(self, vector: Array) -> None:
        """Replace `vector` by its sum over all ranks."""
        if self.ranks is not None:
            self.ranks.sum(vector)
