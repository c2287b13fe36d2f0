"""Gates: what can be said, what fails, and how it is told."""

from __future__ import annotations

import math

import pytest

from dnn_cli.base.errors import GateError, UsageError
from dnn_cli.base.task import Task
from dnn_cli.training.gate import Condition, check_gates, metrics_wanted, parse_condition

TASK = Task("binary", 2, ("no", "yes"))


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("accuracy<0.9", Condition("accuracy", "<", 0.9)),
        (" accuracy  <=  .9 ", Condition("accuracy", "<=", 0.9)),
        ("loss>1e-3", Condition("loss", ">", 0.001)),
        ("r2 >= -1.", Condition("r2", ">=", -1.0)),
        ("f1.a<b<0.5", Condition("f1.a<b", "<", 0.5)),
        ("f1.> 3<0.5", Condition("f1.> 3", "<", 0.5)),
        ("recall.big cat<=0.5", Condition("recall.big cat", "<=", 0.5)),
    ],
)
def test_conditions(text: str, condition: Condition) -> None:
    assert parse_condition(text) == condition


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("accuracy", "is not a condition"),
        ("accuracy=0.9", "is not a condition"),
        ("accuracy==0.9", "is not a condition"),
        ("accuracy<ninety", "is not a condition"),
        ("accuracy<nan", "is not a condition"),
        ("accuracy<1e999", "too large"),
        ("<0.9", "is not a condition"),
        ("", "is not a condition"),
        ("accuracy<__import__('os')", "is not a condition"),
        ("valid.accuracy<0.9", "write accuracy without `valid.`"),
        ("acuracy<0.9", "did you mean `accuracy`?"),
        ("\x1b[31mx<0.9", "\\x1b[31mx"),
    ],
)
def test_what_is_no_condition(text: str, part: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_condition(text)
    (problem,) = caught.value.problems
    assert part in f"{problem.what} {problem.why} {problem.fix}" and "\x1b" not in problem.what
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "value", "fails"),
    [
        ("accuracy<0.9", 0.9, False),
        ("accuracy<0.9", 0.8999, True),
        ("accuracy<=0.9", 0.9, True),
        ("loss>0.5", 0.5, False),
        ("loss>0.5", 0.51, True),
        ("loss>=0.5", 0.5, True),
        ("auc<0.5", math.nan, True),
        ("auc>0.5", math.nan, True),
    ],
)
def test_evaluation(text: str, value: float, fails: bool) -> None:
    condition = parse_condition(text)
    assert condition.holds(value) is fails
    if not fails:
        check_gates([condition], {condition.metric: value})
        return
    with pytest.raises(GateError) as caught:
        check_gates([condition], {condition.metric: value})
    assert caught.value.exit_code == 11
    assert caught.value.state == "the evaluation itself is complete"


def test_all_failures_are_told() -> None:
    conditions = [parse_condition(t) for t in ("accuracy<0.9", "loss>9", "f1<0.5", "accuracy<0.95")]
    with pytest.raises(GateError) as caught:
        check_gates(conditions, {"accuracy": 0.87312345, "loss": 0.3, "f1": math.nan})
    assert [p.what for p in caught.value.problems] == [
        "gate failed: accuracy is 0.873123 and accuracy < 0.9 holds",
        "gate failed: f1 is undefined, so f1 < 0.5 counts as true",
        "gate failed: accuracy is 0.873123 and accuracy < 0.95 holds",
    ]
    assert metrics_wanted(conditions, TASK) == ("accuracy", "f1")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("r2<0.5", "r2 does not suit a binary task"),
        ("f1.maybe<0.5", "there is no `maybe`"),
        ("f1.\x1b[2J<0.5", "there is no `\\x1b[2J`"),
        ("accuracy.yes<0.5", "no value for one class"),
    ],
)
def test_metrics_that_the_task_does_not_have(text: str, part: str) -> None:
    with pytest.raises(UsageError) as caught:
        metrics_wanted([parse_condition(text)], TASK)
    assert part in caught.value.problems[0].what


def test_a_metric_that_was_not_measured() -> None:
    with pytest.raises(UsageError, match="recall was not measured") as caught:
        check_gates([parse_condition("recall<0.5")], {"recall_macro": 1.0, "loss": 0.0})
    assert caught.value.problems[0].fix == "did you mean `recall_macro`?"
