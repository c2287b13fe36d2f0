"""What one rank does of every step: its examples of each batch, its piece of the vectors.

Each step   `gradient` of the rank's examples, of the mean loss over the whole batch -> `sum` of
            all ranks' gradients -> `update` of the parameters. One rank alone does all of it.
Memory      every rank has activations for its own examples, and a gradient that all can read
Equal       to rounding, whatever the number of ranks: masks and changes of images are drawn by
            the example's place in the batch, and batch_norm adds up what all ranks have
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import final

import numpy as np

from dnn_cli.base.types import Array, size_of
from dnn_cli.nn.loss import cut_scratch, loss_scratch
from dnn_cli.nn.optimizer import block_length
from dnn_cli.nn.plan import Plan
from dnn_cli.nn.ranks import Ranks, share_of
from dnn_cli.training.evaluation import target_buffer
from dnn_cli.training.session import Session


class Phase(IntEnum):
    """What ranks are told to do, with which numbers."""

    GRADIENT = 0  # epoch, batch, step
    SUM = 1
    UPDATE = 2  # learning rate


def rows_of(size: int, ranks: int) -> int:
    """The most examples of a batch of up to `size` that are one rank's part."""
    return max(-(-size // ranks), min(size, ranks))


def widest_sum(session: Session) -> int:
    """The longest vector that a layer adds up over the ranks."""
    layers = (layer for _, layer in session.network.chain.walk() if not layer.examplewise)
    return max((2 * size_of(slot.shape) for layer in layers for slot in layer.slots), default=0)


@final
class Part:
    """A rank's part of the steps of `session`; `gradients` are those of all ranks."""

    def __init__(self, session: Session, ranks: Ranks[Part], gradients: Sequence[Array]) -> None:
        self.session, self.ranks, self.gradients = session, ranks, gradients
        network, size = session.network, rows_of(session.train.batch_size, ranks.count)
        network.arena.grads = gradients[ranks.rank]
        self.plan = network.plan(size, train=True, ranks=ranks)
        self.targets = target_buffer(session.train.dataset, size)
        self.scratch = {size: loss_scratch(session.loss, size, network.arena.params.dtype)}
        self.random = any(layer.random for _, layer in network.chain.walk())
        length = block_length(gradients[0].size)
        blocks = share_of(-(-gradients[0].size // length), ranks.rank, ranks.count)
        self.piece = slice(*(edge * length for edge in blocks))
        self._epoch = -1
        self._rows: Array | None = None

    def __call__(self, phase: int, numbers: Sequence[float]) -> float:
        """Do this rank's part of `phase`."""
        if phase == Phase.GRADIENT:
            return self.gradient(*map(int, numbers))
        if phase == Phase.SUM:
            return self.sum()
        self.update(numbers[0])
        return 0.0

    def order(self, epoch: int) -> Array:
        """The rows of the training data in the order of `epoch`."""
        if self._rows is None or epoch != self._epoch:
            self._epoch, self._rows = epoch, self.session.train.order(epoch)
        return self._rows

    def gradient(self, epoch: int, index: int, step: int) -> float:
        """Write the gradient of batch `index`; the rank's part of the batch's mean loss."""
        s, ranks = self.session, self.ranks
        plan, first = self.fill(epoch, index, ranks.rank)
        if plan is None:
            self.gradients[ranks.rank].fill(0.0)
            return 0.0
        if self.random:
            plan.draw(s.seed, step, first)
        z = plan.forward(True)
        loss = self.loss(plan)
        plan.backward()
        if s.outputs is not None:
            start = index * s.train.batch_size + first
            s.outputs[start : start + ranks.own] = z.reshape(ranks.own, -1)
        return loss

    def loss(self, plan: Plan) -> float:
        """This rank's part of the batch's mean loss, and its gradient at the outputs."""
        own, whole = self.ranks.own, self.ranks.whole
        assert plan.dy is not None
        loss = self.session.loss.value_and_grad(
            plan.y, self.targets[:own], plan.dy, self._scratch(own)
        )
        if own == whole:
            return loss
        np.multiply(plan.dy, own / whole, out=plan.dy)
        return loss * own / whole

    def fill(self, epoch: int, index: int, rank: int) -> tuple[Plan | None, int]:
        """Gather what is the part of `rank` in batch `index`: its plan, and its first example.

        No plan where the batch is so small that the rank has no part in it.
        """
        train = self.session.train
        whole = train.rows(index)
        first, stop = share_of(whole, rank, self.ranks.count)
        self.ranks.own, self.ranks.whole = stop - first, whole
        if first == stop:
            return None, first
        train.fill(self.order(epoch), epoch, index, self.plan.x, self.targets, first, stop)
        return self.plan.cut(stop - first), first

    def replay(self, epoch: int, index: int) -> Iterator[Plan]:
        """The plan of this rank filled with the examples of one rank after the other.

        Nobody waits meanwhile: what each plan holds counts as the whole batch.
        """
        for rank in range(self.ranks.count):
            plan, first = self.fill(epoch, index, rank)
            if plan is not None:
                self.ranks.whole = self.ranks.own
                if self.random:
                    plan.draw(self.session.seed, self.session.step, first)
                yield plan

    def sum(self) -> float:
        """Let the gradient of rank 0 be the sum of all, in this rank's piece; its squared norm."""
        total, *others = (gradient[self.piece] for gradient in self.gradients)
        for other in others:
            np.add(total, other, out=total)
        return float(np.dot(total, total))

    def update(self, learning_rate: float) -> None:
        """Change this rank's piece of the parameters."""
        self.session.optimizer.step(learning_rate, self.ranks.rank, self.ranks.count)

    def _scratch(self, m: int) -> dict[str, Array]:
        found = self.scratch.get(m)
        if found is None:
            whole = self.scratch[len(self.plan.x)]
            found = self.scratch[m] = cut_scratch(self.session.loss, whole, m)
        return found
