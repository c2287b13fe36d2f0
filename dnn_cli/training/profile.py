"""Where the time of a training step goes, beside what this processor could do.

Measured   each part alone within whole steps, the smallest of several: what is left when nothing
           disturbs it. Parts add up to less than a step, the rest is the interpreter
Ranks      where several share a step, the parts are those of one of them
Limit      a product of 512 x 512 x 512 in float32 gives the product rate, a copy of 64 MB the
           memory rate; the products' share of a step says how far it is from its own limit
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from dnn_cli.training.loop import Stepper
from dnn_cli.training.part import Part
from dnn_cli.training.session import Session

Clock: TypeAlias = Callable[[], float]
Phase: TypeAlias = Literal["gather", "draw", "forward", "loss", "backward", "update"]

_REPEATS = 30
_TIMED = 0.3  # seconds of steps that an epoch is reckoned from
_SIDE = 512  # of the square product that measures the product rate
_COPY = 1 << 24  # floats of the copy that measures the memory rate


@dataclass(frozen=True, slots=True)
class PhaseRow:
    """One part of a step; `operations` are floating-point operations, `bytes` those touched."""

    phase: Phase
    name: str
    seconds: float
    operations: int
    bytes: int


@dataclass(frozen=True, slots=True)
class StepProfile:
    """A step of `rows` examples, in parts; rates in operations and bytes a second."""

    rows: int
    ranks: int
    step_seconds: float
    parts: tuple[PhaseRow, ...]
    product_rate: float
    copy_rate: float

    @property
    def product_seconds(self) -> float:
        """What the products alone would take at the processor's product rate."""
        return sum(part.operations for part in self.parts) / self.product_rate


@np.errstate(over="ignore", invalid="ignore")  # the other ranks' part of a sum is an old one
def profile_step(session: Session, clock: Clock) -> StepProfile:
    """Take some steps of `session`, which is used up, and time their parts."""
    with Stepper(session) as stepper:
        whole = _smallest(lambda: _take(stepper, clock), clock)
    part = stepper.part
    best: dict[tuple[Phase, str], float] = {}
    for _ in range(_REPEATS):
        for key, seconds in _parts(part, clock).items():
            best[key] = min(best.get(key, seconds), seconds)
    traffic = _traffic(part)
    parts = tuple(
        PhaseRow(phase, name, seconds, *traffic.get((phase, name), (0, 0)))
        for (phase, name), seconds in best.items()
    )
    rows = session.train.rows(0)
    return StepProfile(rows, part.ranks.count, whole, parts, product_rate(clock), copy_rate(clock))


@np.errstate(over="ignore", invalid="ignore")
def time_steps(session: Session, clock: Clock) -> list[float]:
    """The seconds of some steps of `session`, which is used up: of `_TIMED` seconds, one at least.

    The first one, in which memory is touched for the first time, does not count.
    """
    seconds: list[float] = []
    with Stepper(session) as stepper:
        end = clock() + _TIMED
        while len(seconds) < 2 or (clock() < end and len(seconds) <= _REPEATS):
            if session.index == session.train.steps:
                session.index = 0
            began = clock()
            stepper.advance(clock, due=0.0)
            seconds.append(clock() - began)
    return seconds[1:]


def product_rate(clock: Clock) -> float:
    """Floating-point operations a second of a large product, on the threads that are set."""
    a = np.ones((_SIDE, _SIDE), np.float32)
    out = np.empty_like(a)
    return 2.0 * _SIDE**3 / _smallest(lambda: np.matmul(a, a, out=out), clock)


def copy_rate(clock: Clock) -> float:
    """Bytes a second, read and written, of a copy that no cache holds."""
    a, b = np.ones(_COPY, np.float32), np.empty(_COPY, np.float32)
    return 2.0 * a.nbytes / _smallest(lambda: np.copyto(b, a), clock)


def _take(stepper: Stepper, clock: Clock) -> None:
    stepper.session.index = 0
    stepper.advance(clock, due=0.0)


def _smallest(action: Callable[[], object], clock: Clock) -> float:
    found = float("inf")
    for _ in range(_REPEATS):
        began = clock()
        action()
        found = min(found, clock() - began)
    return found


def _parts(part: Part, clock: Clock) -> dict[tuple[Phase, str], float]:
    """The seconds of everything that one rank does in a step."""
    s = part.session
    found: dict[tuple[Phase, str], float] = {}

    def timed(phase: Phase, name: str, action: Callable[[], object]) -> None:
        began = clock()
        action()
        found[phase, name] = found.get((phase, name), 0.0) + clock() - began

    share = part.share(0)
    assert share is not None  # the first batch is the largest, and this rank the first
    plan = share.plan
    timed("gather", "batch", lambda: part.fill(share, s.epoch, 0))
    if part.random:
        timed("draw", "masks", lambda: plan.draw(s.seed, s.step))
    for one in plan.steps:
        for call in one.forward(True):
            timed("forward", one.name, call)
    timed("loss", "", lambda: part.loss(share))
    for one in reversed(plan.steps):
        for call in one.backward():
            timed("backward", one.name, call)
    timed("update", "sum and norm", part.sum)
    timed("update", "optimizer", lambda: s.optimizer.step(s.recipe.learning_rate))
    return found


def _traffic(part: Part) -> dict[tuple[Phase, str], tuple[int, int]]:
    """Operations and bytes of each part: arrays in and out, each counted once."""
    s, plan, ranks = part.session, part.plan.cut(part.ranks.own), part.ranks.count
    found: dict[tuple[Phase, str], tuple[int, int]] = {}

    def add(phase: Phase, name: str, operations: int, octets: int) -> None:
        before = found.get((phase, name), (0, 0))
        found[phase, name] = (before[0] + operations, before[1] + octets)

    add("gather", "batch", 0, plan.x.nbytes + plan.x.size * s.train.dataset.inputs.itemsize)
    for one in plan.steps:
        products = 2 * one.layer.operations() * len(one.x)
        weights = sum(gradient.nbytes for gradient in one.ws.grads.values())
        values = one.x.nbytes + one.y.nbytes
        add("forward", one.name, products, values + weights)
        passes = (1 if weights else 0) + (1 if one.dx is not None else 0)
        add("backward", one.name, products * passes, values * passes + weights)
    learned = s.network.arena.grads.nbytes
    summed = sum(total.nbytes for total, _ in part.addends)
    add("update", "sum and norm", 0, part.total.nbytes + 3 * summed)
    add("update", "optimizer", 0, learned * (3 + 2 * len(s.optimizer.state)) // ranks)
    return found
