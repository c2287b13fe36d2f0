"""Numbers that are not finite, vanish or overflow: what the commands do, row by row."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnn_cli.app.build import build
from dnn_cli.base.errors import DivergedError
from dnn_cli.base.task import Task
from dnn_cli.config.load import load_config
from dnn_cli.data.statistics import ByteStatistics
from dnn_cli.nn.schedule import SCHEDULES, Progress
from dnn_cli.runs.checkpoint import read_checkpoint
from dnn_cli.runs.model_file import read_model, write_model
from dnn_cli.runs.recorders import read_records
from dnn_cli.training.loop import Stepper
from dnn_cli.training.metrics import measure

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
    stepper = Stepper(session)
    arena, state = session.network.arena, session.optimizer.state
    stepper.advance(lambda: 0.0, due=0.0)
    before = [arena.params.copy(), *(vector.copy() for vector in state.values())]
    with pytest.raises(DivergedError, match="step 2 "):
        stepper.advance(lambda: 0.0, due=0.0)
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
    model = read_model(file)
    tensors = {name: (a * 1e4).astype(a.dtype) for name, a in model.tensors.items()}
    file.unlink()
    write_model(file, replace(model, tensors=tensors))


@pytest.mark.parametrize("size", ["1", "3", "39", "40", "1000", "full"])
def test_N05_batches_of_one_partial_and_larger_than_the_data(dnn, table, config, size) -> None:
    table()
    model = "{layers: [{type: dense, units: 4}, batch_norm, relu]}"
    found = dnn("train", config(model=model, training=f"epochs: 2, batch_size: {size}"))
    assert found.code == 0, found.err
    steps = {"1": 40, "3": 14, "39": 2}.get(size, 1)
    summary = json.loads(Path("runs/a-001/summary.json").read_text())
    assert summary["steps"] == 2 * steps
    assert all(math.isfinite(v) for line in metrics() for v in line.values()
               if isinstance(v, float))  # fmt: skip
    if size in ("1000", "full"):
        assert dnn("train", config(model=model, training="epochs: 2, batch_size: 40")).code == 0
        assert metrics("runs/a-001") == metrics("runs/a-002")


@pytest.mark.parametrize("scale", ["standard", "minmax", "robust", "unit", "none"])
def test_N06_constant_and_zero_columns_divide_by_nothing(here, dnn, config, scale) -> None:
    lines = [f"0,5,{i % 7},{('no', 'yes')[i % 2]}" for i in range(40)]
    (here / "t.csv").write_text("\n".join(["zero,five,a,y", *lines, ""]))
    model = "{layers: [{type: dense, units: 4}, batch_norm, relu, layer_norm]}"
    found = dnn("train", config(f"{{source: t.csv, target: y, scale: {scale}}}", model))
    assert found.code == 0, found.err
    if scale != "none":
        assert "column `zero`: unused, left out (always 0)" in found.err
        assert "column `five`: unused, left out (always 5)" in found.err
    (here / "n.csv").write_text("zero,five,a\n0,5,3\n9,5,3\n")
    first, second = dnn("predict", "n.csv", "--proba").out.splitlines()[1:]
    assert first == second  # what it was not taught about says nothing


@pytest.mark.parametrize(
    ("model", "optimizer", "learns"),
    [
        ("{hidden: [4]}", "{type: adam, learning_rate: 0.0}", False),
        ("{hidden: [4]}", "{type: sgd, learning_rate: 0.0, weight_decay: 1e30}", False),
        ("{layers: [{type: dense, units: 4, weights: zeros}, relu]}",
         "adam", True),  # no unit ever fires: only the output's bias learns
    ],
)  # fmt: skip
def test_N06_nothing_to_learn(dnn, table, config, model, optimizer, learns) -> None:
    table()
    found = dnn("train", config(model=model, optimizer=optimizer))
    assert found.code == 0, found.err
    first, second = (line["train.loss"] for line in metrics())
    assert math.isfinite(first) and (abs(first - second) > 1e-6) == learns


def test_N06_a_decay_that_overshoots_diverges(dnn, table, config) -> None:
    table()
    rate = "{type: sgd, learning_rate: 1.0, weight_decay: 1e30}"
    found = dnn("train", config(optimizer=rate, training="epochs: 9, batch_size: 8"))
    assert found.code == 8 and "a smaller optimizer.learning_rate" in found.err


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


def test_N08_float16_inputs_teach_what_float32_inputs_do(here, dnn, config) -> None:
    inputs = np.random.Generator(np.random.Philox(2)).normal(size=(40, 3)).astype(np.float16)
    for name, kind in (("a", np.float16), ("b", np.float32)):
        np.savez(here / f"{name}.npz", x=inputs.astype(kind), y=np.arange(40) % 3)
        assert dnn("train", config(f"{{source: {name}.npz}}", name=f"{name}.yaml")).code == 0
    assert metrics("runs/a-001") == metrics("runs/b-001")


def test_N08_sums_of_bytes_are_not_of_bytes() -> None:
    found = ByteStatistics(np.full((70_000, 30, 30), 255, np.uint8)[:, :, :4])
    mean, deviation = found.moments
    assert (float(mean), float(deviation)) == (255.0, 0.0)


def test_N08_examples_beyond_the_integers_of_float32_are_counted() -> None:
    rows = 2**24 + 3
    predictions = np.broadcast_to(np.array([0.25, 0.75], np.float32), (rows, 2))
    targets = np.ones(rows, np.int8)
    targets[:2] = 0
    found = measure(["accuracy"], predictions, targets, Task("binary", 2, ("no", "yes")))
    assert found == {"accuracy": (rows - 2) / rows}


def test_N08_the_loss_of_an_epoch_is_summed_in_float64(here, dnn, config) -> None:
    rng = np.random.Generator(np.random.Philox(4))
    np.savez(here / "x.npz", x=rng.normal(size=(4000, 2)), y=rng.integers(0, 2, 4000))
    still = "{type: sgd, learning_rate: 0.0}"
    name = config("{source: x.npz}", training="epochs: 1, batch_size: 1, metrics: []",
                  optimizer=still)  # fmt: skip
    assert dnn("train", name).code == 0
    shown = json.loads(dnn("evaluate", "runs/a-001", "--split", "train", "--json").out)
    assert metrics()[0]["train.loss"] == pytest.approx(shown["metrics"]["loss"], rel=2e-7)


def test_N09_what_rounding_depends_on_is_recorded(dnn, table, config) -> None:
    table()
    assert dnn("train", config(), "training.threads=2").code == 0
    found = json.loads(Path("runs/a-001/environment.json").read_text())
    assert found["threads"] == 2 and found["cpu"]["model"]
    assert found["blas"]["name"] and found["blas"]["architecture"] and found["numpy"]
    assert load_config("runs/a-001/resolved.yaml").spec.training.threads == 2


@pytest.mark.parametrize("name", SCHEDULES.names())
def test_N10_schedules_after_a_billion_steps(name: str) -> None:
    given = {"every_epochs": 1} if name == "step" else {}
    schedule = SCHEDULES.get(name)(warmup=0.1, **given).build()
    for step in (10**9, 2**53 + 1):
        factor = schedule(Progress(step, 2 * step, 10**6, 2 * 10**6, [0.5]))
        assert type(factor) is float and 0.0 <= factor <= 1.0


ONE_CLASS = "a,b,y\n1,2,no\n2,3,no\n"  # no curve, no area
NOT_VARIED = "a,b,y\n1,2,7.5\n2,3,7.5\n"


@pytest.mark.parametrize(
    ("rows", "more", "option", "where"),
    [
        (ONE_CLASS, "", "early_stopping: {metric: valid.auc, patience: 2}", "metric"),
        (ONE_CLASS, "", "monitor: valid.f1.yes", "monitor"),
        (ONE_CLASS, "", "stop_when: {valid.average_precision: 0.9}", "stop_when"),
        (ONE_CLASS, "optimizer: {type: adam, schedule: reduce_on_plateau}\n",
         "monitor: valid.auc", "monitor"),
        (NOT_VARIED, "", "early_stopping: {metric: valid.r2}", "metric"),
        (NOT_VARIED, "", "monitor: valid.explained_variance", "monitor"),
    ],
)  # fmt: skip
def test_N11_a_watched_metric_without_a_value_is_refused(
    here, dnn, rows, more, option, where
) -> None:
    labels = ("no", "yes") if rows is ONE_CLASS else ("1.5", "2.5")
    rows_of = [f"{i * i},{i % 3},{labels[i % 2]}\n" for i in range(20)]
    (here / "t.csv").write_text("a,b,y\n" + "".join(rows_of))
    (here / "v.csv").write_text(rows)
    data = "data: {source: t.csv, valid: v.csv, target: y}\n"
    (here / "a.yaml").write_text(f"{data}{more}training: {{epochs: 9, {option}}}\n")
    line = 3 if more else 2
    for command in ("check", "train"):
        found = dnn(command, "a.yaml")
        assert (found.code, found.out) == (3, "")
        assert "has no value, whatever is learned: " in found.err, found.err
        assert f"a.yaml:{line}:" in found.err and f"{where}" in found.err
        assert "fix: use valid.loss, or other validation rows" in found.err
        assert not Path("runs").exists()


def test_N11_a_metric_without_a_value_that_nothing_depends_on_is_told(here, dnn, table) -> None:
    table()
    (here / "v.csv").write_text(ONE_CLASS)
    data = "data: {source: t.csv, valid: v.csv, test: v.csv, target: y}\n"
    (here / "a.yaml").write_text(f"{data}training: {{epochs: 2, metrics: [auc]}}\n")
    found = dnn("train", "a.yaml")
    assert found.code == 0, found.err
    why = "no row is of class yes"
    assert f"valid.auc has no value: {why}\n" in found.err
    [line] = [line for line in found.err.splitlines() if line.startswith("test: ")]
    assert f"  auc nan ({why})  " in f"{line}  "
    summary = json.loads(Path("runs/a-001/summary.json").read_text())
    assert summary["notes"] == {"valid.auc": why, "test.auc": why}
    assert summary["test_metrics"]["auc"] is summary["best_metrics"]["valid.auc"] is None
    assert summary["best_epoch"] > 0
    lines = Path("runs/a-001/metrics.jsonl").read_text()
    assert "NaN" not in lines and len(lines.splitlines()) == 2


@pytest.mark.parametrize(("suffix", "said"), [("csv", "look at column `big`"), ("npz", "input 1:")])
def test_a_divergence_names_the_inputs_that_lie_far_out(here, dnn, suffix: str, said: str) -> None:
    big = [1e30 if i == 3 else float(i) for i in range(40)]
    rows = [f"{i / 40},{b},{i % 2}" for i, b in enumerate(big)]
    (here / "t.csv").write_text("\n".join(["small,big,y", *rows, ""]))
    x = np.stack([np.arange(40) / 40, np.array(big)], axis=1)
    np.savez(here / "t.npz", x=x, y=np.arange(40) % 2)
    target = ", target: y" if suffix == "csv" else ""
    (here / "t.yaml").write_text(
        f"data: {{source: t.{suffix}{target}, scale: none}}\ntraining: {{epochs: 3}}\n"
        "optimizer: {type: sgd, learning_rate: 1}\n"
    )
    found = dnn("train", "t.yaml")
    assert found.code == 8 and said in found.err, found.err
