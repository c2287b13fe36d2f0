"""What every layer promises, tried on every layer and activation there is."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from dnn_cli.nn.gradcheck import compare, shift
from dnn_cli.nn.initializer import INITIALIZERS
from dnn_cli.nn.layer import LAYERS, Layer, LayerSpec
from dnn_cli.nn.model import build_network
from dnn_cli.nn.scratch import Scratch

VECTOR, IMAGE = (6,), (3, 2, 4)


def make(name: str, **options: Any) -> LayerSpec:
    return LAYERS.get(name)(**options)


@dataclass(frozen=True)
class Case:
    spec: LayerSpec
    shape: tuple[int, ...] = VECTOR
    batches: tuple[int, ...] = (5,)  # sizes of the gradient check
    stacks: bool = True  # a leading axis of members passes through

    @property
    def layer(self) -> Layer:
        return build_network([self.spec], self.shape).chain.layers[0]


def cases(name: str, *others: dict[str, Any]) -> tuple[Case, ...]:
    """By default on vectors and on images, then with other options on vectors."""
    default = make(name)
    return (Case(default), Case(default, IMAGE), *(Case(make(name, **o)) for o in others))


def block(*layers: LayerSpec, shortcut: tuple[LayerSpec, ...] | None = None) -> LayerSpec:
    return make("residual", layers=layers, shortcut=shortcut)


DENSE, DROP = make("dense", units=6), make("dropout", rate=0.4)
WIDE = INITIALIZERS.get("normal")(deviation=0.3)  # type: ignore[call-arg]
FLAT, NORM = make("flatten"), make("batch_norm")
INNER = block(make("layer_norm"), make("sigmoid"), DROP)
PHOTO = (7, 6, 3)


def on_images(name: str, *options: dict[str, Any]) -> tuple[Case, ...]:
    """Each set of options on images of three channels."""
    return tuple(Case(make(name, **o), PHOTO, stacks=False) for o in options or ({},))


CASES: dict[str, tuple[Case, ...]] = {
    "average_pool2d": on_images(
        "average_pool2d",
        {},
        {"size": 3, "stride": 2, "padding": "same"},
        {"size": (2, 3), "stride": 1},
    ),
    "batch_ensemble": (
        Case(make("batch_ensemble", members=3, units=4), stacks=False),
        Case(
            make("batch_ensemble", members=2, units=3, bias=False, parametrization="ntk"),
            (2, 5),
            stacks=False,
        ),
    ),
    "batch_norm": (Case(NORM, batches=(5, 1, 2)), Case(NORM, IMAGE, batches=(3, 1))),
    "conv2d": (
        *on_images(
            "conv2d",
            {"filters": 4},
            {"filters": 2, "kernel": (2, 3), "stride": 2, "padding": "same", "bias": False},
            {"filters": 2, "kernel": 2, "dilation": (2, 1), "padding": "same"},
        ),
        Case(make("conv2d", filters=3), (5, 5, 9), stacks=False),  # patches along channels
        Case(make("conv2d", filters=3, stride=2, padding="same"), (5, 4, 8), stacks=False),
    ),
    "dense": (
        Case(make("dense", units=4)),
        Case(make("dense", units=3, bias=False)),
        Case(make("dense", units=3, parametrization="ntk")),
        Case(make("dense", units=3), (2, 5), stacks=False),
    ),
    "depthwise_conv2d": on_images(
        "depthwise_conv2d",
        {},
        {"multiplier": 2, "kernel": (3, 2), "stride": (1, 2), "padding": "same", "bias": False},
    ),
    "dropout": (Case(DROP), Case(make("dropout", rate=0.1), IMAGE)),
    "elu": cases("elu", {"alpha": 0.3}),
    "flatten": cases("flatten"),
    "gelu": cases("gelu", {"approximate": "tanh"}),
    "global_average_pool": on_images("global_average_pool"),
    "hard_sigmoid": cases("hard_sigmoid"),
    "layer_norm": cases("layer_norm"),
    "leaky_relu": cases("leaky_relu", {"slope": 0.3}),
    "max_pool2d": on_images(
        "max_pool2d",
        {},
        {"size": 3, "stride": 2, "padding": "same"},
        {"size": (2, 3), "stride": 1},
        {"size": 3, "stride": 4},
    ),
    "member_dense": (
        Case(make("member_dense", units=4), (3, 5), stacks=False),
        Case(
            make("member_dense", units=2, bias=False, parametrization="ntk"), (2, 6), stacks=False
        ),
    ),
    "member_scale": (
        Case(make("member_scale", members=3), stacks=False),
        Case(make("member_scale", members=3), (3, 5), stacks=False),
    ),
    "members": (
        Case(make("members", members=3, layers=(DENSE, make("tanh"), DROP)), stacks=False),
        Case(make("members", members=2, layers=(NORM, FLAT)), IMAGE, stacks=False),
    ),
    "mish": cases("mish"),
    "parametric": tuple(
        Case(make("parametric", activation=make(f)), shape, stacks=False)
        for f, shape in (("selu", VECTOR), ("mish", IMAGE), ("relu", (3, 5)))
    ),
    "periodic": (
        Case(make("periodic"), batches=(50,), stacks=False),
        Case(make("periodic", columns=4, frequencies=5, embedding=2), stacks=False),
    ),
    "periodic_relu": (
        Case(make("periodic_relu", weights=WIDE), batches=(50,), stacks=False),
        Case(
            make("periodic_relu", weights=WIDE, columns=4, frequencies=5, embedding=2, shared=True),
            stacks=False,
        ),
    ),
    "piecewise_linear": (
        Case(make("piecewise_linear"), batches=(50,), stacks=False),
        Case(make("piecewise_linear", columns=4, bins=5, embedding=2), stacks=False),
    ),
    "prelu": cases("prelu", {"slope": -0.5}),
    "relu": cases("relu"),
    "residual": (
        Case(block(make("tanh"), DENSE, make("relu")), stacks=False),
        Case(block(NORM, DENSE, DROP, shortcut=(DENSE,)), stacks=False),
        Case(block(FLAT, make("leaky_relu"), INNER, shortcut=(FLAT,)), IMAGE, stacks=False),
    ),
    "scale": cases("scale"),
    "selu": cases("selu"),
    "sigmoid": cases("sigmoid"),
    "silu": cases("silu"),
    "softplus": cases("softplus"),
    "table": (
        Case(make("table", levels=(0, 0, 3, 2, 1, 20)), batches=(50, 1), stacks=False),
        Case(make("table", levels=(9, 0, 2, 30, 0, 1), onehot_max=0, embedding=3), stacks=False),
        Case(make("table", levels=(8, 0, 2, 0, 0, 1))),
        Case(make("table", levels=(0,) * 6)),
    ),
    "tanh": cases("tanh"),
    "zero_padding": on_images("zero_padding", {}, {"size": (0, 2)}),
}


def every(condition: Callable[[Case], bool] = lambda case: True) -> Any:
    chosen = [
        pytest.param(case, id=f"{name}{i}")
        for name, found in CASES.items()
        for i, case in enumerate(found)
        if condition(case)
    ]
    return pytest.mark.parametrize("case", chosen)


Bencher = Callable[..., Any]


def test_every_layer_and_activation_has_a_case() -> None:
    assert set(LAYERS.names()) == set(CASES)


@every()
def test_gradients_agree_with_differences(case: Case, bench: Bencher) -> None:
    for n in case.batches:
        b = bench(case.spec, case.shape, n)
        dx = b.backward(b.forward())
        gradient = b.grads.copy()
        rng = np.random.default_rng(0)

        def objective(b: Any = b) -> float:
            return float(np.vdot(b.dy, b.forward()))

        parts = {"x": (b.x.reshape(-1), dx.reshape(-1), b.movable)}
        for place in b.network.arena:
            if place.slot.role != "state":
                parts[place.name] = (b.learned, gradient, np.arange(place.start, place.stop))
        for part, (vector, analytic, places) in parts.items():
            where = rng.choice(places, min(places.size, 30), replace=False)
            found = compare(objective, vector, analytic, where, 1e-7)
            assert found.error <= 1e-7, (part, n)
            assert found.checked > 0 and found.skipped <= found.checked / 10, (part, n)


@every()
def test_a_step_reads_nothing_stale(case: Case, bench: Bencher, poison: Bencher) -> None:
    clean, dirty = bench(case.spec, case.shape), bench(case.spec, case.shape)
    y = clean.forward()
    dx = clean.backward(y)
    poison(dirty.plan)
    dirty.plan.x[...] = clean.x
    dirty.plan.draw(3, 0)
    poisoned_y = dirty.forward()
    poison(dirty.plan, keep=True)
    poisoned_dx = dirty.backward(poisoned_y)
    assert np.isfinite(y).all() and np.isfinite(dx).all()
    np.testing.assert_array_equal(poisoned_y, y)
    np.testing.assert_array_equal(poisoned_dx, dx)
    for (_, ws), (_, other) in zip(clean.scratches(), dirty.scratches(), strict=True):
        for slot, gradient in ws.grads.items():
            np.testing.assert_array_equal(other.grads[slot], gradient)


@every()
def test_backward_reads_x_and_y_only_if_it_says_so(case: Case, bench: Bencher) -> None:
    b = bench(case.spec, case.shape)
    y = b.forward()
    dx, gradient = b.backward(y), b.grads.copy()
    layer = b.layer
    if "x" not in layer.reads:
        b.x.fill(np.nan)
    if "y" not in layer.reads:
        y.fill(np.nan)
    np.testing.assert_array_equal(b.backward(y), dx)
    np.testing.assert_array_equal(b.grads, gradient)


@every()
def test_inputs_and_parameters_are_left_alone(case: Case, bench: Bencher) -> None:
    b = bench(case.spec, case.shape)
    before = [a.copy() for a in (b.x, b.dy, b.learned)]
    state = b.network.arena.params.copy()
    b.forward(train=False)
    np.testing.assert_array_equal(b.network.arena.params, state)
    y = b.forward()
    kept = y.copy()
    b.backward(y)
    for array, old in zip((b.x, b.dy, b.learned, y), (*before, kept), strict=True):
        np.testing.assert_array_equal(array, old)


@every(lambda case: case.layer.in_place)
def test_in_place_gives_the_same_numbers(case: Case, bench: Bencher) -> None:
    for train in (True, False):
        b, c = bench(case.spec, case.shape), bench(case.spec, case.shape)
        assert "x" not in b.layer.reads
        y = b.forward(train)
        shared = c.x.reshape(y.shape)
        c.layer.forward(c.x, shared, c.ws, train)
        np.testing.assert_array_equal(shared, y)
        if train:
            dx = b.backward(y)
            down = c.dy.reshape(c.x.shape)
            c.layer.backward(c.x, shared, c.dy, down, c.ws)
            np.testing.assert_array_equal(down, dx)
            np.testing.assert_array_equal(c.grads, b.grads)


@every()
def test_a_small_batch_in_a_large_workspace_equals_a_fresh_one(case: Case, bench: Bencher) -> None:
    fresh, cut = bench(case.spec, case.shape, 4), bench(case.spec, case.shape, 4, cut=9)
    assert len(cut.x) == 4
    for b in (fresh, cut):
        assert b.plan.dy is not None
        b.plan.forward(True)
        b.plan.dy[...] = b.dy
        b.plan.backward()
    np.testing.assert_array_equal(cut.plan.y, fresh.plan.y)
    np.testing.assert_array_equal(cut.plan.dx, fresh.plan.dx)
    np.testing.assert_array_equal(cut.grads, fresh.grads)


@every()
def test_leaving_dx_out_changes_no_gradient(case: Case, bench: Bencher, poison: Bencher) -> None:
    b = bench(case.spec, case.shape)
    b.backward(b.forward())
    gradient = b.grads.copy()
    first = b.network.plan(5, train=True)
    first.x[...] = b.x
    first.draw(3, 0)
    y = first.forward(True)
    poison(first, keep=True)
    step = first.steps[0]
    assert step.dx is None
    step.layer.backward(step.x, y, b.dy, None, step.ws)
    np.testing.assert_array_equal(b.grads, gradient)


@every()
def test_a_step_allocates_nothing_that_grows_with_the_batch(case: Case, bench: Bencher) -> None:
    peaks = []
    for n in (4096, 8192):  # beyond the size of every fixed buffer
        b = bench(case.spec, case.shape, n, np.float32)
        y, dx = np.empty_like(b.plan.y), np.empty_like(b.x)
        for step in range(2):  # the first may fill caches
            tracemalloc.start()
            b.plan.draw(3, step)
            b.layer.forward(b.x, y, b.ws, True)
            b.layer.backward(b.x, y, b.dy, dx, b.ws)
            b.layer.forward(b.x, y, b.ws, False)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 2048
    # NumPy's buffers for casts and broadcasts; for a scalar of float64 they would be 130 KB.
    assert peaks[1] < 100_000


@every()
def test_float32_agrees_with_float64(case: Case, bench: Bencher) -> None:
    double, single = bench(case.spec, case.shape), bench(case.spec, case.shape, dtype=np.float32)
    for place in double.network.arena:
        single.network.arena.value(place.name)[...] = double.network.arena.value(place.name)
    results = []
    for b in (double, single):
        y = b.forward()
        dx = b.backward(y)
        results.append({"y": y, "dx": dx, "eval": b.forward(False), **b.ws.grads})
        for layer, ws in b.scratches():
            kinds = {a.dtype for k, a in ws.items() if layer.needs[k].dtype is None}
            assert kinds <= {b.x.dtype}
    for key, exact in results[0].items():
        assert results[1][key].dtype == np.float32
        scale = np.abs(exact).max()
        np.testing.assert_allclose(results[1][key], exact, rtol=1e-4, atol=1e-4 * scale)


@every()
def test_outside_training_an_example_does_not_depend_on_its_neighbours(
    case: Case, bench: Bencher
) -> None:
    for train in (False, True):
        b = bench(case.spec, case.shape)
        whole = b.forward(train)
        b.x[1:] += 3.0
        if train and not b.layer.examplewise:
            assert not np.allclose(b.forward(train)[0], whole[0])
        else:
            np.testing.assert_array_equal(b.forward(train)[0], whole[0])
            if b.layer.examplewise and not any(layer.random for layer, _ in b.scratches()):
                np.testing.assert_array_equal(b.forward(not train), b.forward(train))


@every(lambda case: case.stacks)
def test_a_leading_axis_of_members_passes_through(case: Case, bench: Bencher) -> None:
    members = [bench(case.spec, case.shape) for _ in range(3)]
    for k, b in enumerate(members):
        rng = np.random.default_rng(k)
        b.x[...], b.dy[...] = rng.normal(size=b.x.shape), rng.normal(size=b.dy.shape)
        shift(b.network, rng)
        b.plan.draw(k, 0)
    first = members[0].ws
    ws = Scratch(
        {k: np.stack([b.ws[k] for b in members]) for k in first},
        {k: np.zeros((3, *g.shape)) for k, g in first.grads.items()},
    )
    slots = [s.name for s in members[0].layer.slots]
    stacked = bench(case.spec, case.shape).layer
    for slot in slots:
        setattr(stacked, slot, np.stack([getattr(b.layer, slot) for b in members]))
    x, dy = (np.stack([getattr(b, part) for b in members]) for part in ("x", "dy"))
    y, dx = np.empty_like(dy), np.empty_like(x)
    stacked.forward(x, y, ws, True)
    stacked.backward(x, y, dy, dx, ws)
    outside = np.empty_like(dy)
    stacked.forward(x, outside, ws, False)
    for k, b in enumerate(members):
        own = b.forward()
        np.testing.assert_allclose(y[k], own, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(dx[k], b.backward(own), rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(outside[k], b.forward(False), rtol=1e-12, atol=1e-13)
        for slot, gradient in b.ws.grads.items():
            np.testing.assert_allclose(ws.grads[slot][k], gradient, rtol=1e-12, atol=1e-13)
        for slot in slots:
            np.testing.assert_allclose(getattr(stacked, slot)[k], getattr(b.layer, slot))
