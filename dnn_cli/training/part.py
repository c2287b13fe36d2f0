"""What one rank does of every step: its examples of each batch, its piece of the vectors.

Each step   `gradient` of the rank's examples, of the mean loss over the whole batch -> `sum` of
            all ranks' gradients -> the optimizer's step. One rank alone does all of it
Memory      every rank has activations for its own examples, and a gradient that all can read
Divided     the gradient of a W that ranks divide (`nn/execution/divided.py`) is written by all of
            them where the sum will be, and is not summed
Equal       to rounding, whatever the number of ranks: masks and changes of images are drawn by
            the example's place in the batch, and batch_norm adds up what all ranks have
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.types import Array, size_of
from dnn_cli.nn.execution.blocks import piece_of, without
from dnn_cli.nn.execution.divided import Divided
from dnn_cli.nn.execution.plan import Plan
from dnn_cli.nn.execution.ranks import Ranks, share_of
from dnn_cli.nn.loss import cut_scratch, loss_scratch, weighted_value_and_grad
from dnn_cli.nn.schedule import Progress
from dnn_cli.training.evaluation import target_buffer
from dnn_cli.training.session import Session

# The places of a part's phases. Their numbers: epoch, batch and step; none; the learning rate, and
# the share of the weight decay if that is not all of it.
GRADIENT, SUM, UPDATE = range(3)


def rows_of(size: int, ranks: int) -> int:
    """The most examples of a batch of up to `size` that are one rank's part."""
    return max(-(-size // ranks), min(size, ranks))


def widest_sum(session: Session) -> int:
    """The longest vector that a layer adds up over the ranks."""
    layers = (layer for _, layer in session.network.chain.walk() if not layer.examplewise)
    return max((2 * size_of(slot.shape) for layer in layers for slot in layer.slots), default=0)


@dataclass(frozen=True, slots=True)
class Share:
    """A rank's examples of every batch of `whole`: which, and its arrays cut to them."""

    whole: int
    first: int
    stop: int
    plan: Plan
    outputs: Array  # the plan's (n, j)
    targets: Array
    scratch: Mapping[str, Array]  # of the loss


@final
class Part:
    """A rank's part of the steps of `session`; `gradients` are those of all ranks."""

    def __init__(
        self, session: Session, ranks: Ranks, gradients: Sequence[Array], divided: Divided
    ) -> None:
        self.session, self.ranks, self.gradients = session, ranks, gradients
        network, size = session.network, rows_of(session.train.batch_size, ranks.count)
        piece = piece_of(gradients[0].size, ranks.rank, ranks.count)
        whole = [(layer.place.start, layer.place.stop) for layer in divided.values()]
        apart = without(piece, whole)
        self.total = gradients[0][piece]
        self.addends = [(gradients[0][run], other[run]) for run in apart for other in gradients[1:]]
        session.optimizer.take(piece)  # by the gradient of rank 0, which will be the sum
        network.arena.grads = gradients[ranks.rank]
        self.plan = network.plan(size, train=True, ranks=ranks, divided=divided)
        self.targets = target_buffer(session.train.dataset, size)
        self.scratch = loss_scratch(session.loss, size, network.arena.params.dtype)
        self.random = any(layer.random for _, layer in network.chain.walk())
        self.scheduled = [layer for _, layer in network.chain.walk() if layer.scheduled]
        self.weights: Array | None = None  # of the examples that were filled in last
        self.phases = self.gradient, self.sum, session.optimizer.step
        self._shares: dict[int, Share | None] = {}

    def gradient(self, epoch: float, index: float, step: float) -> float:
        """Write the gradient of batch `index`; the rank's part of the batch's mean loss."""
        s, number = self.session, int(index)
        share = self.share(number)
        if share is None:
            self.gradients[self.ranks.rank].fill(0.0)
            return 0.0
        self.fill(share, int(epoch), number)
        if self.random:
            for layer in self.scheduled:
                layer.follow(Progress(int(step), s.steps, int(epoch), s.spec.epochs, s.monitored))
            share.plan.draw(s.seed, int(step), share.first)
        share.plan.forward(True)
        loss = self.loss(share)
        share.plan.backward()
        if s.outputs is not None:
            start = number * s.train.batch_size
            s.outputs[start + share.first : start + share.stop] = share.outputs
        return loss

    def loss(self, share: Share) -> float:
        """This rank's part of the batch's mean loss, and its gradient at the outputs."""
        plan, ranks = share.plan, self.ranks
        assert plan.dy is not None
        objective, targets, scratch = self.session.loss, share.targets, share.scratch
        if self.weights is None:
            loss = objective.value_and_grad(plan.y, targets, plan.dy, scratch)
        else:
            loss = weighted_value_and_grad(
                objective, plan.y, targets, self.weights, plan.dy, scratch
            )
        if ranks.alone:
            return loss
        np.multiply(plan.dy, ranks.own / ranks.whole, out=plan.dy)
        return loss * ranks.own / ranks.whole

    def share(self, index: int) -> Share | None:
        """What this rank has of batch `index`; None where the batch is so small that it has none.

        Made once a size: each name looked up in a step is brought back from beyond the caches.
        """
        whole = self.session.train.rows(index)
        if whole not in self._shares:
            self._shares[whole] = self._share(whole, self.ranks.rank)
        return self._shares[whole]

    def _share(self, whole: int, rank: int) -> Share | None:
        first, stop = share_of(whole, rank, self.ranks.count)
        own = stop - first
        if not own:
            return None
        plan, scratch = self.plan.cut(own), cut_scratch(self.session.loss, self.scratch, own)
        outputs = plan.y.reshape(own, -1)
        return Share(whole, first, stop, plan, outputs, self.targets[:own], scratch)

    def fill(self, share: Share, epoch: int, index: int) -> None:
        """Gather the examples of `share` in batch `index`."""
        ranks = self.ranks
        ranks.own, ranks.whole = share.stop - share.first, share.whole
        train = self.session.train
        train.fill(epoch, index, share.plan.x, share.targets, share.first)
        if train.dataset.weights is not None:
            self.weights = train.weights(epoch, index, share.first, ranks.own)

    def replay(self, epoch: int, index: int) -> Iterator[Plan]:
        """The plan of this rank filled with the examples of one rank after the other.

        Nobody waits meanwhile: what each plan holds counts as the whole batch.
        """
        s = self.session
        for rank in range(self.ranks.count):
            share = self._share(s.train.rows(index), rank)
            if share is not None:
                self.fill(share, epoch, index)
                self.ranks.whole = self.ranks.own
                if self.random:
                    share.plan.draw(s.seed, s.step, share.first)
                yield share.plan

    def sum(self) -> float:
        """Let the gradient of rank 0 be the sum of all, in this rank's piece; its squared norm."""
        for total, other in self.addends:
            np.add(total, other, out=total)
        return float(np.dot(self.total, self.total))
