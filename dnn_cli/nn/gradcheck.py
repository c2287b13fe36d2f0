"""Gradient check: the backward pass against differences of the loss, in float64.

Formula    c(h) = (f(p + h e) - f(p - h e)) / 2h along a parameter e or a direction; the estimate is
           (4 c(h/2) - c(h)) / 3, whose error is of order h⁴ (Richardson)
           error of a slot = ‖gradient - estimate‖ / max(‖gradient‖, ‖estimate‖) over the components
           that were tried; what float64 cannot resolve counts as agreement
Kinks      where relu and its kin bend, a difference is no derivative. With b(h) = the difference of
           the two one-sided quotients, b(h) = 2 b(h/2) on a smooth curve, to order h³, and not
           across a kink: then h shrinks, and after the last h the component is skipped
Cost       4 forward passes a component and h
Why        every learned number is shifted at random first: with γ = 1 and β = 0 a gradient that
           forgets γ would pass. Dropout masks are drawn once and stay
Source     Griewank, Walther, "Evaluating Derivatives" (2008) on differences as a check
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from dnn_cli.base.random import Purpose, stream
from dnn_cli.base.types import Array, Rng, Shape
from dnn_cli.nn.layer import LayerSpec
from dnn_cli.nn.loss import Loss, loss_scratch
from dnn_cli.nn.model import build_network
from dnn_cli.nn.network import Network
from dnn_cli.nn.observation import observe

TOLERANCE = 1e-6
_STEPS = (1e-4, 1e-5, 1e-6)
_ROUNDING = 256 * float(np.finfo(np.float64).eps)  # of f, relative to its size
_SHIFT = 0.1  # deviation of the random shift
_DIRECTIONS = 5  # tried until one crosses no kink

Objective = Callable[[], float]


class Estimate(NamedTuple):
    """A derivative found by differences, and how much of it rounding may have made up."""

    value: float
    noise: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well a gradient agrees with differences over some components."""

    error: float  # relative; infinite where either is not finite
    checked: int
    skipped: int  # components at a kink


@dataclass(frozen=True, slots=True)
class GradientReport:
    """The outcome of a gradient check."""

    slots: Mapping[str, Agreement]
    direction_relative: float | None  # along a random direction; None if every one met a kink
    tolerance: float

    @property
    def per_slot(self) -> dict[str, float]:
        """The relative error of each slot's gradient."""
        return {name: found.error for name, found in self.slots.items()}

    @property
    def worst_relative(self) -> float:
        """The largest relative error of any slot or direction."""
        return max([*self.per_slot.values(), self.direction_relative or 0.0], default=0.0)

    @property
    def checked(self) -> int:
        """Components compared."""
        return sum(found.checked for found in self.slots.values())

    @property
    def skipped(self) -> int:
        """Components left out, because a kink is nearer than the smallest step."""
        return sum(found.skipped for found in self.slots.values())

    @property
    def passed(self) -> bool:
        """Whether something was compared and every error is within the tolerance."""
        return self.checked > 0 and self.worst_relative <= self.tolerance


def check_gradients(
    layers: Sequence[LayerSpec],
    in_shape: Shape,
    loss: Loss,
    inputs: Array,
    targets: Array,
    seed: int = 0,
    *,
    components: int = 20,
    tolerance: float = TOLERANCE,
) -> GradientReport:
    """Check `layers` under `loss` on one batch, at up to `components` numbers of each slot."""
    network = build_network(layers, in_shape, np.float64)
    rng = stream(seed, Purpose.CHECK)
    network.arena.initialize(seed)
    observe(network, inputs, seed)
    shift(network, rng)
    plan = network.plan(len(inputs), train=True)
    scratch = loss_scratch(loss, len(inputs), np.float64)
    plan.x[...] = inputs
    plan.draw(seed, 0)
    assert plan.dy is not None
    loss.value_and_grad(plan.forward(True), targets, plan.dy, scratch)
    plan.backward()

    def objective() -> float:
        return loss.value(plan.forward(True), targets, scratch)

    arena = network.arena
    learned, gradient = arena.params[: arena.learned], arena.grads.copy()
    slots = {}
    for place in arena:
        if place.slot.role != "state":
            numbers = place.view(np.arange(arena.learned)).reshape(-1)
            where = rng.choice(numbers, min(numbers.size, components), replace=False)
            slots[place.name] = compare(objective, learned, gradient, where, tolerance)
    along = _direction(objective, learned, gradient, rng, tolerance)
    return GradientReport(slots, along, tolerance)


def shift(network: Network, rng: Rng) -> None:
    """Move every learned number of `network` off its special first value."""
    for place in network.arena:
        if place.slot.role != "state":
            value = network.arena.value(place.name)
            value += _SHIFT * rng.standard_normal(value.shape)


def compare(
    f: Objective, vector: Array, gradient: Array, where: Array, tolerance: float = TOLERANCE
) -> Agreement:
    """`gradient` against differences of `f` in the components `where` of `vector`."""
    estimates = {int(i): difference(f, vector, int(i), 1.0, tolerance) for i in where}
    found = {i: e for i, e in estimates.items() if e is not None}
    analytic = gradient[list(found)] if found else np.zeros(0)
    error = _relative(analytic, list(found.values()), tolerance)
    return Agreement(error, len(found), len(estimates) - len(found))


def difference(
    f: Objective, vector: Array, where: Any, along: Any, tolerance: float = TOLERANCE
) -> Estimate | None:
    """The derivative of `f` when `vector[where]` moves along `along`; None at a kink."""
    start = np.copy(vector[where])

    def at(distance: float) -> float:
        vector[where] = start + distance * along
        return f()

    middle = at(0.0)
    found = None
    for h in _STEPS:
        wide, wide_bend = _quotients(at(h), middle, at(-h), h)
        narrow, narrow_bend = _quotients(at(h / 2), middle, at(-h / 2), h / 2)
        noise = _ROUNDING * abs(middle) / h
        if abs(wide_bend - 2.0 * narrow_bend) <= 0.1 * tolerance * abs(narrow) + noise:
            found = Estimate((4.0 * narrow - wide) / 3.0, noise)
            break
    vector[where] = start
    return found


def _quotients(above: float, middle: float, below: float, h: float) -> tuple[float, float]:
    """The central difference quotient, and the difference of the one-sided ones."""
    return (above - below) / (2.0 * h), (above - 2.0 * middle + below) / h


def _relative(analytic: Array, estimates: list[Estimate], tolerance: float) -> float:
    """‖analytic - estimates‖ relative to the larger norm, or to what rounding leaves to see."""
    values = np.array([e.value for e in estimates])
    floor = math.hypot(*(e.noise for e in estimates)) / tolerance
    distance = float(np.linalg.norm(analytic - values))
    size = max(float(np.linalg.norm(analytic)), float(np.linalg.norm(values)), floor)
    if not math.isfinite(distance):
        return math.inf
    return distance / size if size else 0.0


def _direction(
    f: Objective, vector: Array, gradient: Array, rng: Rng, tolerance: float
) -> float | None:
    """The relative error along a random direction through all of `vector`."""
    for _ in range(_DIRECTIONS):
        along = rng.standard_normal(len(vector))
        along /= np.linalg.norm(along)
        estimate = difference(f, vector, slice(None), along, tolerance)
        if estimate is not None:
            return _relative(np.array([gradient @ along]), [estimate], tolerance)
    return None
