"""Numbers that are not finite, vanish or overflow: what the commands do, row by row."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnn_cli.app.build import build
from dnn_cli.base.errors import DivergedError
from dnn_cli.config.load import load_config
from dnn_cli.runs.checkpoint import read_checkpoint
from dnn_cli.runs.recorders import read_records
from dnn_cli.training.loop import Stepper

HUGE = "{type: sgd, learning_rate: 1e30}"
NORMED = "{layers: [batch_norm, {type: dense, units: 4}, relu]}"
FULL = "epochs: 1, batch_size: full"


def account(run: Path = Path("runs/a-001")) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "diverged.json").read_text())
    return found


def metrics(run: str = "runs/a-001") -> list[dict[str, Any]]:
    return list(read_records(Path(run, "metrics.jsonl")))


def weights(run: str = "runs/a-001") -> dict[str, np.ndarray]:
    return dict(read_checkpoint(Path(run, "checkpoints/last.safetensors")).model.tensors)


def test_N01_a_divergence_leaves_the_files_before_it(here, dnn, table, config) -> None:
    table()
    assert dnn("train", config()).code == 0
    kept = ["checkpoints/last.safetensors", "checkpoints/best.safetensors", "model.safetensors"]
    run = here / "runs" / "a-001"
    before = [(run / name).read_bytes() for name in kept]
    found = dnn("resume", "runs/a-001", "training.epochs=9", "optimizer.learning_rate=1e30")
    assert found.code == 8
    said = account()
    assert said["epoch"] == 3 and said["learning_rate"] == 1e30
    assert said["first_not_finite"].startswith("the output of dense_")
    for word in (f"step {said['step']} ", said["first_not_finite"], "gradient norms", "1e+30"):
        assert word in found.err
    assert "the last checkpoint is of step 10" in found.err
    assert [(run / name).read_bytes() for name in kept] == before
    assert dnn("evaluate", "runs/a-001", "t.csv").code == 0


def test_N01_the_update_is_not_applied(here, table, config) -> None:
    table()
    session = build(load_config(config(optimizer="{type: adam, learning_rate: 1e30}"))).session()
    stepper, order = Stepper(session), session.train.order(0)
    arena, state = session.network.arena, session.optimizer.state
    stepper.step(order)
    before = [arena.params.copy(), *(vector.copy() for vector in state.values())]
    with pytest.raises(DivergedError, match="step 2 "):
        stepper.step(order)
    for was, now in zip(before, [arena.params, *state.values()], strict=True):
        np.testing.assert_array_equal(was, now)
    assert session.step == 1


@pytest.mark.parametrize(
    ("given", "scale", "named"),
    [
        ({"optimizer": "{type: sgd, learning_rate: 3e38}", "training": FULL}, 1e2, "dense_1.W"),
        ({"model": NORMED}, 1e25, "batch_norm_1.variance"),
    ],
)
def test_N01_what_an_update_or_a_statistic_overflowed_is_not_kept(
    here, dnn, table, config, given, scale, named
) -> None:
    # The loss of each step is finite: nothing but the parameters shows it.
    table(scale=scale)
    name = config("{source: t.csv, target: y, scale: none}", **given)
    found = dnn("train", name)
    assert found.code == 8, found.err
    assert f"parameter {named} is not finite" in found.err
    assert "nothing was written" not in found.err and "not applied" not in found.err
    assert account()["first_not_finite"] == f"parameter {named}"
    assert not list((here / "runs").rglob("*.safetensors"))


@pytest.mark.parametrize("part", ["valid", "test"])
def test_N01_a_prediction_for_the_other_parts_is_not_finite(here, dnn, table, config, part) -> None:
    table()
    (here / "v.csv").write_text("a,b,y\n1,2,no\n3e38,3e38,yes\n")
    model = "{layers: [{type: dense, units: 4, weights: {type: constant, value: 10.0}}]}"
    data = f"{{source: t.csv, {part}: v.csv, target: y, scale: none}}"
    found = dnn("train", config(data, model))
    assert found.code == 8, found.err
    assert "nothing was written" not in found.err
    if part == "valid":
        assert account()["first_not_finite"] == "a prediction for the validation data"
    else:
        assert "the model was written: runs/a-001/model.safetensors" in found.err
        assert dnn("evaluate", "runs/a-001", "t.csv").code == 0


@pytest.mark.parametrize("threads", [1, 2])
def test_N02_a_gradient_overflows_where_the_loss_does_not(here, dnn, config, threads) -> None:
    # The last rows are large; with two threads the second multiplies them, out of errstate's sight.
    inputs = np.random.Generator(np.random.Philox(1)).normal(size=(512, 64)).astype(np.float32)
    inputs[511] *= 1e25
    inputs[510] = inputs[511]  # of the other class: one of them is wrong
    np.savez(here / "x.npz", x=inputs, y=np.arange(512) % 2)
    layers = [f"{{type: dense, units: 256, weights: {{type: constant, value: {v}}}}}"
              for v in (1e-25, 1e18)]  # fmt: skip
    name = config("{source: x.npz, scale: none}", f"{{layers: [{', '.join(layers)}]}}", FULL)
    found = dnn("train", name, f"training.threads={threads}")
    assert found.code == 8, found.err
    said = account()
    assert said["first_not_finite"].startswith("the gradient of dense_1.")
    assert math.isfinite(said["loss"]) and said["step"] == 1


def test_N02_a_norm_overflows_where_no_gradient_does(here, dnn, config) -> None:
    data = "{source: {type: synthetic, kind: linear, rows: 50, features: 3}}"
    found = dnn("train", config(data, "{layers: []}", "epochs: 99, batch_size: 16",
                                "{type: sgd, learning_rate: 1.5}"))  # fmt: skip
    assert found.code == 8
    assert account()["first_not_finite"] == "the gradient's norm"
    assert math.isfinite(account()["loss"])


@pytest.mark.parametrize(
    ("data", "model", "loss"),
    [
        ("{source: t.csv, target: y, scale: none}", "{hidden: [4]}", "sigmoid_cross_entropy"),
        ("{source: t.csv, target: y, scale: none}", "{hidden: [4]}", "softmax_cross_entropy"),
        ("{source: t.csv, target: a, exclude: [y], scale: none}", "{hidden: [4]}", "huber"),
        ("{source: t.csv, target: a, exclude: [y], scale: none}", "{layers: []}", "auto"),
    ],
)
def test_N04_an_output_that_is_not_finite_is_no_answer(
    here, dnn, table, config, data, model, loss
) -> None:
    table()
    assert dnn("train", config(data, model), f"loss={loss}", "training.epochs=9").code == 0
    for file in here.glob("runs/a-001/*.safetensors"):  # weights that any input overflows
        grow(file)
    rows = [("1", "2"), ("3e38", "3e38"), ("3e38", "-3e38"), ("-3e38", "3e38"), ("-3e38", "-3e38")]
    lines = [f"{a},{b},{('no', 'yes')[i % 2]}" for i, (a, b) in enumerate(rows)]
    (here / "n.csv").write_text("\n".join(["a,b,y", *lines, ""]))
    for kind in ("csv", "jsonl", "npy"):
        found = dnn("predict", "n.csv", "-o", f"p.{kind}")
        assert found.code == 8 and "the prediction of row " in found.err, found.err
        assert not (here / f"p.{kind}").exists()
    found = dnn("predict", "n.csv")
    assert (found.code, found.out) == (8, "")
    for options in ([], ["--json"], ["--fail-if", "loss>1"]):
        found = dnn("evaluate", "runs/a-001", "n.csv", *options)
        assert (found.code, found.out) == (8, "") and "not finite" in found.err


def grow(file: Path) -> None:
    """Multiply the weights of a model file, as a training that went far would have."""
    from dataclasses import replace

    from dnn_cli.runs.model_file import read_model, write_model

    model = read_model(file)
    tensors = {name: (a * 1e4).astype(a.dtype) for name, a in model.tensors.items()}
    file.unlink()
    write_model(file, replace(model, tensors=tensors))


def test_N07_decayed_weights_and_state_do_not_become_subnormal(here, dnn, config) -> None:
    # The inputs of one column are all zero, so that nothing but decay moves its weights.
    lines = [f"0,{i % 7},{('no', 'yes')[i % 2]}" for i in range(40)]
    (here / "t.csv").write_text("\n".join(["zero,a,y", *lines, ""]))
    for optimizer in ("sgd, momentum: 0.9", "adam"):
        rate = f"{{type: {optimizer}, learning_rate: 0.1, weight_decay: 2.0}}"
        name = config("{source: t.csv, target: y, scale: none}", optimizer=rate,
                      training="epochs: 900, batch_size: full, metrics: []")  # fmt: skip
        assert dnn("train", name, "-q", "--run-dir", optimizer[:3]).code == 0
        saved = read_checkpoint(Path(optimizer[:3], "checkpoints/last.safetensors"))
        tiny = np.finfo(np.float32).tiny
        for array in (*saved.model.tensors.values(), *saved.optimizer.values()):
            assert not np.any((array != 0) & (np.abs(array) < tiny))
        assert np.all(saved.model.tensors["dense_1.W"][0] == 0)
