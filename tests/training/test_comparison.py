"""What is said of a network beside baselines: what it is worth, and what to watch instead."""

from __future__ import annotations

import numpy as np
import pytest

from dnn_cli.base.task import Task
from dnn_cli.training.comparison import Comparison, advice, main_metric, measured
from dnn_cli.training.spec import EarlyStoppingSpec, TrainingSpec
from dnn_cli.training.truth import Truth

BINARY = Task("binary", 2, ("no", "y\x1bes"))
LINE = Task("regression", 1, ("price",))
RARE, EVEN = np.array([0.992, 0.008]), np.array([0.45, 0.55])
Y = (np.arange(1000) < 8).astype(np.int64)
SPEC = TrainingSpec()
LEARN = "try more training.epochs, or another optimizer.learning_rate"


def compared(network: float, constant: float, name: str = "accuracy", **more: object) -> Comparison:
    made: dict[str, object] = {
        "task": BINARY,
        "part": "test",
        "answer": RARE,
        "network": {name: network},
        "constant": {name: constant},
        "linear": None,
        **more,
    }
    return Comparison(**made)  # type: ignore[arg-type]


def probabilities(of_yes: np.ndarray) -> np.ndarray:
    return np.stack([1 - of_yes, of_yes], axis=1)


def test_the_line_names_what_each_reaches() -> None:
    both = {"accuracy": 0.994, "auc": 0.93, "f1": 0.2}
    found = compared(0.995, 0.992, linear=both)
    assert found.line() == (
        "baselines (test): always 'no' accuracy 0.9920; linear model accuracy 0.9940, auc 0.9300"
    )
    found = compared(0.995, 0.992, part="valid", answer=EVEN)
    assert found.line() == (
        "baselines (valid): this network accuracy 0.9950; always 'y\\x1bes' accuracy 0.9920"
    )
    one_class = {"accuracy": 1.0, "auc": np.nan}
    said = compared(1.0, 1.0, linear=one_class).line()
    assert said.endswith("linear model accuracy 1.0000")
    numbers = compared(1.5, 2.5, "r2", task=LINE, answer=np.zeros(1))
    assert numbers.line() == "baselines (test): always the mean r2 2.5000"
    labels = compared(0.5, 0.5, task=Task("multilabel", 2), answer=RARE)
    assert "always the same labels accuracy 0.5000" in labels.line()


def test_N12_one_answer_for_every_row_is_said_so() -> None:
    p = probabilities(np.linspace(0.0, 0.49, 1000))
    said = compared(0.992, 0.992).warning(p, Y, "accuracy", "watch auc")
    assert said == (
        "the network answers 'no' for every row, as a constant would: "
        "0.9920 is the share of 'no'; watch auc"
    )
    said = compared(0.008, 0.992).warning(p[:, ::-1], Y, "accuracy", "watch auc")
    assert "answers 'y\\x1bes' for every row" in said and "0.0080 is the share" in said
    # By another metric the same network may be good.
    good = compared(0.97, 0.5, "auc")
    assert good.warning(p, Y, "auc", "") == ""


def test_N12_no_better_than_a_constant_is_said_so() -> None:
    p = probabilities(np.linspace(0.0, 1.0, 1000))
    said = compared(0.991, 0.992).warning(p, Y, "accuracy", LEARN)
    assert said == (f"the network is no better than always 'no' (0.9920): accuracy 0.9910; {LEARN}")
    assert compared(0.993, 0.992).warning(p, Y, "accuracy", "") == ""
    assert compared(0.2, np.nan, "f1").warning(p, Y, "f1", "") == ""
    error = "root_mean_squared_error"
    for mine, told in ((1.5, True), (1.25, True), (1.0, False)):
        found = compared(mine, 1.25, error, task=LINE, answer=np.zeros(1))
        said = found.warning(np.zeros((5, 1)), np.zeros((5, 1)), error, LEARN)
        assert ("no better than always the mean (1.2500)" in said) == told


@pytest.mark.parametrize(
    ("spec", "task", "answer", "names", "main"),
    [
        (SPEC, BINARY, EVEN, ("accuracy",), "accuracy"),
        (SPEC, BINARY, RARE, ("accuracy", "auc"), "accuracy"),
        (TrainingSpec(metrics=("f1", "auc")), BINARY, RARE, ("f1", "auc"), "f1"),
        (TrainingSpec(metrics=()), BINARY, EVEN, ("accuracy",), "accuracy"),
        (TrainingSpec(monitor="valid.f1.no"), BINARY, EVEN, ("accuracy", "f1.no"), "f1.no"),
        (SPEC, Task("multiclass", 30), np.eye(30)[0], ("accuracy",), "accuracy"),
        (SPEC, LINE, np.ones(1), ("root_mean_squared_error", "r2"), "root_mean_squared_error"),
    ],
)
def test_what_is_measured(
    spec: TrainingSpec, task: Task, answer: np.ndarray, names: tuple[str, ...], main: str
) -> None:
    assert measured(spec, task, answer) == names
    assert main_metric(spec.monitored(has_valid=True), names) == main


def test_what_to_watch_is_an_option_that_exists() -> None:
    some, none = Truth(Y, BINARY), Truth(Y * 0, BINARY)
    both = {"train": some, "valid": some}
    watch = "watch auc (training.monitor=valid.auc)"
    assert advice(SPEC, "accuracy", RARE, both) == watch
    assert advice(SPEC, "accuracy", RARE, {"train": some}) == watch.replace("valid", "train")
    early = TrainingSpec(early_stopping=EarlyStoppingSpec(metric="valid.loss"))
    assert "(training.early_stopping.metric=valid.auc)" in advice(early, "accuracy", RARE, both)
    early = TrainingSpec(early_stopping=EarlyStoppingSpec())
    assert advice(early, "accuracy", RARE, both) == watch
    for spec, main, answer, truths in (
        (SPEC, "auc", RARE, both),  # is watched already
        (SPEC, "accuracy", EVEN, both),
        (SPEC, "accuracy", RARE, {"train": some, "valid": none}),  # has no value there
    ):
        assert advice(spec, main, answer, truths) == LEARN
    numbers = {"train": Truth(np.zeros((3, 1)), LINE)}
    assert advice(SPEC, "r2", np.ones(1), numbers) == LEARN
