"""Steps that several ranks share: to rounding those of one, whatever layer looks at the batch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dnn_cli.base.errors import DivergedError
from dnn_cli.base.task import Task
from dnn_cli.data.augment import AugmentSpec
from dnn_cli.data.batches import Batches
from dnn_cli.data.dataset import Dataset
from dnn_cli.data.scaling import Scaling
from dnn_cli.nn.execution.divided import DividedDense, divide, exchanged
from dnn_cli.nn.execution.plan import Plan, Step
from dnn_cli.nn.layer import LAYERS, LayerSpec
from dnn_cli.nn.loss import LOSSES
from dnn_cli.nn.model import build_network
from dnn_cli.nn.optimizer import OPTIMIZERS
from dnn_cli.training.evaluation import Evaluator
from dnn_cli.training.loop import Stepper, fit
from dnn_cli.training.part import Part
from dnn_cli.training.profile import profile_step
from dnn_cli.training.session import Session
from dnn_cli.training.spec import TrainingSpec

ROWS, BATCH = 23, 7  # the last batch has two examples
TASK = Task("multiclass", 3, ("a", "b", "c"))


def make(name: str, **options: Any) -> LayerSpec:
    return LAYERS.get(name)(**options)


DENSE = [make("dense", units=6), make("batch_norm"), make("tanh"), make("dropout", rate=0.3)]
IMAGE = [
    make("conv2d", filters=4, padding="same"),
    make("batch_norm"),
    make("dropout", rate=0.2),
    make("residual", layers=(make("conv2d", filters=4, padding="same"), make("batch_norm"))),
    make("max_pool2d"),
    make("flatten"),
]
TILES = [
    make("conv2d", filters=18, padding="same"),
    make("batch_norm"),
    make("max_pool2d"),
    make("flatten"),
]
DIVIDED = [
    make("dense", units=24),
    make("batch_norm"),
    make("tanh"),
    make("dropout", rate=0.3),
    make("residual", layers=(make("dense", units=24, bias=False), make("tanh"))),
    make("dense", units=16),
    make("tanh"),
]
CASES: dict[str, tuple[list[LayerSpec], tuple[int, ...], AugmentSpec | None]] = {
    "plain": ([make("dense", units=6), make("tanh")], (5,), None),
    "dense": (DENSE, (5,), None),
    "divided": (DIVIDED, (5,), None),
    "image": (IMAGE, (6, 4, 2), None),
    "tiles": (TILES, (6, 4, 2), None),
    "augmented": (IMAGE, (6, 4, 2), AugmentSpec(shift=1, flip=True, noise=0.3, cutout=1)),
    "turned": (IMAGE, (6, 4, 2), AugmentSpec(rotation=20, noise=0.3)),
}


def session_of(case: str, ranks: int, rate: float = 1e-2) -> Session:
    layers, shape, augment = CASES[case]
    dtype = np.float32 if augment else np.float64  # images are changed in float32
    network = build_network([*layers, make("dense", units=3)], shape, dtype)
    network.arena.initialize(1)
    rng = np.random.Generator(np.random.Philox(key=[5, 0]))
    inputs = rng.normal(size=(ROWS, *shape)).astype(dtype)
    data = Dataset(inputs, np.arange(ROWS) % 3, Scaling("none"), TASK)
    recipe = OPTIMIZERS.get("adam")(learning_rate=rate)
    spec = TrainingSpec(epochs=3, batch_size=BATCH)
    return Session(
        name="test",
        seed=2,
        task=TASK,
        network=network,
        loss=LOSSES.get("softmax_cross_entropy")().build(TASK),
        optimizer=recipe.build(network.arena),
        recipe=recipe,
        spec=spec,
        train=Batches(data, BATCH, 3, augment),
        valid=data,
        monitor=spec.build_monitor(True),
        ranks=ranks,
    )


WIDE = [(784, 512, True), (512, 512, True), (784, 256, True), (784, 128, False), (100, 999, False)]


@pytest.mark.parametrize(("inputs", "units", "divided"), WIDE)
def test_wide_layers_are_divided(inputs: int, units: int, divided: bool) -> None:
    network = build_network([make("dense", units=units), make("dense", units=10)], (inputs,))
    found = list(divide(network, 128).values())
    assert [layer.place.name for layer in found] == ["dense_1.W"] * divided
    assert exchanged(network.chain, 128) == 128 * (2 * inputs + units) * divided
    assert not divide(network, 10_000)  # then it is more to hand over activations than to sum dW
    assert not exchanged(network.chain, 10_000)


def test_a_gradient_that_is_divided_is_not_summed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dnn_cli.nn.execution.divided._NARROW", 1)
    session = session_of("divided", 2)
    arena, apart = session.network.arena, {"dense_1.W", "residual_1.dense_1.W", "dense_2.W"}
    summed, divided = np.zeros(arena.learned, bool), divide(session.network, BATCH)
    with Stepper(session) as stepper:
        part = stepper.part
        whole = part.gradients[0]
        for rank in range(2):
            part.ranks.rank = rank
            again = Part(session, part.ranks, part.gradients, divided)
            for total, other in again.addends:
                start = (total.ctypes.data - whole.ctypes.data) // total.itemsize
                assert not summed[start : start + total.size].any()
                assert total.size == other.size
                summed[start : start + total.size] = True
    for place in arena:
        if place.slot.role != "state":
            assert (summed[place.start : place.stop] == (place.name not in apart)).all()


def test_the_profile_of_a_rank_counts_what_it_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dnn_cli.nn.execution.divided._NARROW", 1)
    monkeypatch.setattr("dnn_cli.training.profile._COPY", 1 << 10)
    monkeypatch.setattr("dnn_cli.training.profile._SIDE", 8)
    found = {}
    for case, ranks in (("plain", 1), ("plain", 2), ("divided", 2)):
        session = session_of(case, ranks)
        parts = profile_step(session, time.perf_counter).parts
        names = [(part.phase, part.name) for part in parts]
        assert len(set(names)) == len(names) and ("backward", "dense_1") in names
        learned = session.network.arena.grads.nbytes
        (update,) = (part.bytes for part in parts if part.name == "sum and norm")
        found[case, ranks] = update / learned
    # One pass for the norm; of half the vector one, and two arrays in and one out for the sum.
    assert found["plain", 1] == 1.0
    assert found["plain", 2] == pytest.approx(2.0, rel=0.15)  # pieces are whole cache lines
    assert 0.45 < found["divided", 2] < 1.0  # hardly more than the norm


def is_divided(stepper: Stepper) -> list[bool]:
    """Of each dense layer in order, nested ones where they stand."""

    def walk(plan: Plan) -> Iterator[Step]:
        for step in plan.steps:
            yield step
            for inner in step.ws.inner:
                yield from walk(inner)

    return [
        isinstance(step.layer, DividedDense)
        for step in walk(stepper.part.plan)
        if "dense" in step.name.rpartition(".")[2]
    ]


@pytest.mark.parametrize("ranks", [2, 3, 5])
@pytest.mark.parametrize("case", CASES)
def test_ranks_change_nothing_but_rounding(
    case: str, ranks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if case == "divided":
        monkeypatch.setattr("dnn_cli.nn.execution.divided._NARROW", 1)
    alone, shared = session_of(case, 1), session_of(case, ranks)
    exact = 1e-9 if alone.network.arena.params.dtype == np.float64 else 1e-3
    with Stepper(alone) as one, Stepper(shared) as several:
        for _ in range(alone.train.steps):
            one.advance(lambda: 0.0, due=0.0)
            several.advance(lambda: 0.0, due=0.0)
            assert shared.norms[-1] == pytest.approx(alone.norms[-1], rel=exact)
        assert not any(is_divided(one))
        assert is_divided(several)[:-1] == [case == "divided"] * (len(is_divided(several)) - 1)
    assert shared.loss_sum == pytest.approx(alone.loss_sum, rel=exact)
    assert alone.outputs is not None and shared.outputs is not None
    np.testing.assert_allclose(shared.outputs, alone.outputs, rtol=exact, atol=exact)
    if exact < 1e-6:  # in float32 Adam turns the sign of a rounding error into a whole step
        tensors = shared.network.arena.tensors()
        for name, array in alone.network.arena.tensors().items():
            np.testing.assert_allclose(tensors[name], array, rtol=1e-6, atol=1e-7, err_msg=name)


@pytest.mark.parametrize("case", ["image", "divided"])
def test_a_training_on_ranks_goes_on_bit_for_bit(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dnn_cli.nn.execution.divided._NARROW", 1)
    whole, first = session_of(case, 2), session_of(case, 2)
    wanted = list(fit(whole, lambda: 0.0))
    with Stepper(first) as stepper:
        for _ in range(3):
            stepper.advance(lambda: 0.0, due=0.0)
    second = session_of(case, 2)
    second.network.arena.params[...] = first.network.arena.params
    second.optimizer.load(first.optimizer.state, first.optimizer.steps)
    for name in ("step", "index", "loss_sum", "norms"):
        setattr(second, name, getattr(first, name))
    second.outputs = None if first.outputs is None else first.outputs.copy()
    assert list(fit(second, lambda: 0.0)) == wanted  # metrics of training data among them
    assert second.network.arena.params.tobytes() == whole.network.arena.params.tobytes()
    assert second.monitored == whole.monitored


def test_training_metrics_of_a_network_that_stands_still_are_those_of_an_evaluation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dnn_cli.training.loop._ROWS", 5)
    session = session_of("plain", 1, rate=0.0)
    session.spec = replace(session.spec, epochs=1, metrics=("log_loss", "accuracy"))
    *_, end = fit(session, lambda: 0.0)
    for name in ("loss", "log_loss", "accuracy"):
        assert end.metrics[f"train.{name}"] == pytest.approx(end.metrics[f"valid.{name}"], rel=1e-9)


def test_a_divergence_in_another_rank_is_accounted_for() -> None:
    session = session_of("dense", 2)
    session.train.dataset.inputs[session.train.order(0)[BATCH - 1]] = np.inf
    with Stepper(session) as stepper, pytest.raises(DivergedError, match="the input"):
        stepper.advance(lambda: 0.0, due=0.0)


def test_evaluating_on_ranks_gives_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dnn_cli.training.evaluation._WORTH", 1)
    session = session_of("image", 1)
    found = []
    for ranks in (1, 3):
        evaluator = Evaluator(session.network, session.loss, session.task, ranks)
        found.append(evaluator.run(session.train.dataset))
    (loss, predictions, targets), (shared_loss, shared, same) = found
    assert shared_loss == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(shared, predictions, rtol=1e-12)
    np.testing.assert_array_equal(targets, same)
    assert predictions.shape == (ROWS, 3)


@pytest.mark.parametrize("case", ["dense", "image"])
def test_evaluating_reads_inputs_where_they_are_and_changes_none(case: str) -> None:
    session = session_of(case, 1)
    data, network = session.train.dataset, session.network
    before = data.inputs.copy()
    evaluator = Evaluator(network, session.loss, session.task)
    evaluator.plan.x.fill(np.nan)
    found = evaluator.predict(data)
    assert np.isnan(evaluator.plan.x).all() == (case == "dense")  # nested plans need the buffer
    apart = Dataset(np.asfortranarray(before), data.targets, data.scaling, TASK)
    np.testing.assert_array_equal(found, evaluator.predict(apart))
    np.testing.assert_array_equal(data.inputs, before)
