"""Networks of several members: against members by themselves, and against arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dnn_cli.base.spec import SpecError
from dnn_cli.base.task import Task
from dnn_cli.nn.layer import LAYERS, LayerSpec, ShapeError
from dnn_cli.nn.loss import LOSSES, loss_scratch
from dnn_cli.nn.member_loss import MemberLoss, fit_to
from dnn_cli.nn.model import ModelSpec, build_network

TASK = Task("multiclass", 3, ("a", "b", "c"))
RNG = np.random.default_rng


def make(name: str, **options: Any) -> LayerSpec:
    return LAYERS.get(name)(**options)


def outputs(layers: list[LayerSpec], shape: tuple[int, ...], x: np.ndarray, **slots: Any) -> Any:
    network = build_network(layers, shape, np.float64)
    for place in network.arena:
        network.arena.value(place.name)[...] = slots[place.slot.name]
    plan = network.plan(len(x), train=False)
    plan.x[...] = x
    return plan.forward(False).copy()


def test_dense_shares_its_weights_among_members() -> None:
    x, W, b = RNG(0).normal(size=(4, 3, 5)), RNG(1).normal(size=(5, 2)), RNG(2).normal(size=2)
    found = outputs([make("dense", units=2)], (3, 5), x, W=W, b=b)
    np.testing.assert_allclose(found, np.einsum("nki,ij->nkj", x, W) + b, rtol=1e-12)


@pytest.mark.parametrize("shape", [(5,), (3, 5)])
def test_an_ensemble_shares_weights_and_scales_what_goes_in_and_out(shape: tuple[int, ...]) -> None:
    x, W = RNG(0).normal(size=(4, *shape)), RNG(1).normal(size=(5, 2))
    r, s, b = (RNG(k).normal(size=(3, j)) for k, j in ((2, 5), (3, 2), (4, 2)))
    layer = make("batch_ensemble", units=2, members=3)
    found = outputs([layer], shape, x, W=W, r=r, s=s, b=b)
    for k in range(3):
        own = x if len(shape) == 1 else x[:, k]
        np.testing.assert_allclose(found[:, k], s[k] * ((r[k] * own) @ W) + b[k], rtol=1e-12)


def test_the_first_layer_of_an_ensemble_tells_members_apart_and_the_others_begin_alike() -> None:
    layer = make("batch_ensemble", units=4, members=3)
    network = build_network([layer, layer], (5,), np.float64)
    network.arena.initialize(1)
    first, later = (network.arena.value(f"batch_ensemble_{k}.r") for k in (1, 2))
    assert len(np.unique(first)) == first.size
    np.testing.assert_array_equal(later, 1.0)
    for k in (1, 2):
        np.testing.assert_array_equal(network.arena.value(f"batch_ensemble_{k}.s"), 1.0)


def test_a_layer_of_other_members_is_refused() -> None:
    layers = [
        make("batch_ensemble", units=4, members=3),
        make("batch_ensemble", units=4, members=2),
    ]
    with pytest.raises(ShapeError, match="one for each of 2 members"):
        build_network(layers, (5,))


def test_ntk_divides_by_the_root_of_the_inputs() -> None:
    x, W, b = RNG(0).normal(size=(4, 5)), RNG(1).normal(size=(5, 2)), RNG(2).normal(size=2)
    found = outputs([make("dense", units=2, parametrization="ntk")], (5,), x, W=W, b=b)
    np.testing.assert_allclose(found, x @ W / np.sqrt(5.0) + b, rtol=1e-12)


def test_members_of_their_own_are_networks_of_their_own() -> None:
    layers = (make("dense", units=4), make("tanh"), make("dense", units=2))
    network = build_network([make("members", members=3, layers=layers)], (5,), np.float64)
    network.arena.initialize(1)
    x = RNG(0).normal(size=(6, 5))
    plan = network.plan(6, train=False)
    plan.x[...] = x
    found = plan.forward(False)
    assert found.shape == (6, 3, 2)
    for k in range(3):
        alone = build_network(layers, (5,), np.float64)
        prefix = "members_1." if k == 0 else f"members_1.{k}."
        alone.load({p.name: network.arena.value(prefix + p.name) for p in alone.arena})
        one = alone.plan(6, train=False)
        one.x[...] = x
        np.testing.assert_allclose(found[:, k], one.forward(False), rtol=1e-12)
    assert not np.allclose(found[:, 0], found[:, 1])


@pytest.mark.parametrize("name", ["softmax_cross_entropy", "mean_squared_error"])
def test_the_loss_is_the_mean_of_the_members(name: str) -> None:
    task = TASK if name.startswith("softmax") else Task("regression", 3, ("a", "b", "c"))
    one = LOSSES.get(name)().build(task)
    loss = fit_to(one, (4, 3))
    assert isinstance(loss, MemberLoss) and fit_to(one, (3,)) is one
    z = RNG(0).normal(size=(5, 4, 3))
    target = RNG(1).integers(3, size=5) if task.classifies else RNG(1).normal(size=(5, 3))
    dz = np.empty_like(z)
    found = loss.value_and_grad(z, target, dz, loss_scratch(loss, 5, np.float64))
    slopes, values = np.empty_like(z), []
    for k in range(4):
        own, dk = np.ascontiguousarray(z[:, k]), np.empty((5, 3))
        values.append(one.value_and_grad(own, target, dk, loss_scratch(one, 5, np.float64)))
        slopes[:, k] = dk / 4.0
    assert found == pytest.approx(np.mean(values), rel=1e-12)
    np.testing.assert_allclose(dz, slopes, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("name", LOSSES.names())
def test_members_predict_the_mean_of_what_each_predicts(name: str) -> None:
    spec = LOSSES.get(name)()
    tasks = (TASK, Task("binary", 2, ("a", "b")), Task("regression", 3, ("a", "b", "c")))
    for task in tasks:
        try:
            width = spec.width(task)
        except ValueError:
            continue
        loss = fit_to(spec.build(task), (4, width))
        z = RNG(0).normal(0.0, 3.0, size=(6, 4, width))
        shown, pooled = np.empty_like(z), np.empty((6, width))
        loss.activate(z, shown)
        loss.one.activate(loss.pool(z), pooled)
        np.testing.assert_allclose(pooled, shown.mean(axis=1), rtol=1e-9, atol=1e-12)


def test_an_overflow_of_one_member_is_no_certainty() -> None:
    loss = fit_to(
        LOSSES.get("sigmoid_cross_entropy")().build(Task("binary", 2, ("a", "b"))), (2, 1)
    )
    z = np.array([[[np.inf], [0.0]], [[1.0], [0.0]]])
    found = loss.pool(z)
    assert np.isnan(found[0, 0]) and np.isfinite(found[1, 0])


@pytest.mark.parametrize("first", ["member_scale", "batch_ensemble"])
def test_the_output_layer_is_each_members_own_where_the_layers_make_members(first: str) -> None:
    maker = make(first, members=3, **({"units": 6} if first == "batch_ensemble" else {}))
    trunk = (maker, make("dense", units=4, parametrization="ntk"))
    layers = ModelSpec(layers=trunk).complete((5,), 2, "glorot")
    assert layers[-1] == make("member_dense", units=2, parametrization="ntk")
    assert build_network(layers, (5,)).out_shape == (3, 2)


def test_members_wrap_whatever_the_model_is() -> None:
    layers = ModelSpec(hidden=(4,), members=3).complete((5,), 2, "glorot")
    assert [one.spec_name for one in layers] == ["members"]
    assert build_network(layers, (5,)).out_shape == (3, 2)


def test_members_within_members_are_refused() -> None:
    trunk = (make("member_scale", members=3), make("dense", units=4))
    with pytest.raises(ShapeError, match="make members themselves"):
        ModelSpec(layers=trunk, members=2).complete((5,), 2, "glorot")


@pytest.mark.parametrize("name", LOSSES.names())
@pytest.mark.parametrize("k", [3, 5])  # of 5 examples: an axis taken for the other would show
def test_every_loss_of_members_is_the_mean_of_theirs(name: str, k: int) -> None:
    rng = np.random.default_rng(5)
    spec, n = LOSSES.get(name)(), 5
    for task in (
        Task("binary", 2, ("no", "yes")),
        Task("multiclass", 3, ("a", "b", "c")),
        Task("regression", 2, ("a", "b")),
    ):
        try:
            width = spec.width(task)
        except SpecError:
            continue
        one, z = spec.build(task), rng.normal(size=(n, k, width))
        target = rng.integers(0, task.count, n) if task.classifies else rng.random((n, 2)) + 0.1
        loss, dz = fit_to(one, (k, width)), np.full_like(z, np.nan)
        scratch = loss_scratch(loss, n, np.float64)
        value = loss.value_and_grad(z, target, dz, scratch)
        alone = [np.full((n, width), np.nan) for _ in range(k)]
        single = loss_scratch(one, n, np.float64)
        values = [
            one.value_and_grad(np.ascontiguousarray(z[:, m]), target, alone[m], single)
            for m in range(k)
        ]
        assert value == pytest.approx(np.mean(values), rel=1e-12)
        np.testing.assert_allclose(dz, np.stack(alone, axis=1) / k, rtol=1e-12)
        each = [one.each(np.ascontiguousarray(z[:, m]), target, single) for m in range(k)]
        np.testing.assert_allclose(loss.each(z, target, scratch), np.mean(each, axis=0), rtol=1e-12)
        shown, pooled = np.empty_like(z), loss.pool(z)
        loss.activate(z, shown)
        one.activate(pooled, pooled)
        np.testing.assert_allclose(pooled, shown.mean(axis=1), rtol=1e-12)
