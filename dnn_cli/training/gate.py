"""Quality gates: conditions on metrics that make an evaluation fail (`--fail-if 'accuracy<0.9'`).

Grammar    metric operator number, with operator one of < <= > >=; spaces are allowed between
Undefined  a metric that is nan fails every gate on it: what cannot be said is not good enough
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from dnn_cli.base.errors import GateError, Problem, UsageError
from dnn_cli.base.spec import SpecError
from dnn_cli.base.task import Task
from dnn_cli.base.text import listing, nearest, safe_text
from dnn_cli.training.metrics import LOSS, bare_name, direction, find, split_of

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
# The name is greedy: a class may be called `a<b`, so the last operator counts.
_CONDITION = re.compile(
    r"\s*(?P<metric>\S(?:.*\S)?)\s*(?P<sign>[<>]=?)\s*"
    r"(?P<bound>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Condition:
    """When an evaluation fails: `metric` `sign` `bound` holds."""

    metric: str
    sign: str
    bound: float

    def holds(self, value: float) -> bool:
        """Whether the evaluation fails with this value of the metric; nan fails."""
        return math.isnan(value) or _OPERATORS[self.sign](value, self.bound)

    def __str__(self) -> str:
        return f"{safe_text(self.metric)} {self.sign} {self.bound:.15g}"


def parse_condition(text: str) -> Condition:
    """The condition that `text` states.

    Raises:
        UsageError: it is no condition, or no such metric exists.
    """
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise UsageError(
            f"--fail-if `{safe_text(text)}` is not a condition",
            why="a condition is a metric, one of < <= > >=, and a number",
            fix="for instance --fail-if 'accuracy<0.9', in quotes: < and > mean files to a shell",
        )
    condition = Condition(found["metric"], found["sign"], float(found["bound"]))
    split, bare = split_of(condition.metric)
    if split:
        raise UsageError(
            f"--fail-if `{safe_text(text)}`: an evaluation is of one data set",
            fix=f"write {safe_text(bare_name(bare) or bare)} without `{split}.`",
        )
    if not math.isfinite(condition.bound):
        raise UsageError(f"--fail-if `{safe_text(text)}`: the number is too large")
    try:
        direction(condition.metric)
    except SpecError as problem:
        meant = bare_name(condition.metric)
        fix = f"did you mean `{safe_text(meant)}`?" if meant else problem.fix
        raise UsageError(f"--fail-if: {problem}", fix=fix) from None
    return condition


def check_gates(conditions: Iterable[Condition], metrics: Mapping[str, float]) -> None:
    """Pass if no condition holds for `metrics` (`{"accuracy": 0.93, "loss": …}`).

    Raises:
        UsageError: a condition is on a metric that was not measured.
        GateError: at least one condition holds; all of them are listed.
    """
    failed: list[Problem] = []
    for condition in conditions:
        if condition.metric not in metrics:
            close = nearest(condition.metric, metrics)
            raise UsageError(
                f"--fail-if: {safe_text(condition.metric)} was not measured; "
                f"there are {listing(metrics)}",
                fix=f"did you mean `{safe_text(close)}`?" if close else "",
            )
        value = metrics[condition.metric]
        if condition.holds(value):
            failed.append(_failure(condition, value))
    if failed:
        raise GateError(failed, state="the evaluation itself is complete")


def metrics_wanted(conditions: Iterable[Condition], task: Task) -> tuple[str, ...]:
    """The metrics of `task` to measure for these conditions; the loss is known anyway.

    Raises:
        UsageError: one of them does not suit the task, or there is no such class.
    """
    wanted = tuple(dict.fromkeys(c.metric for c in conditions if c.metric != LOSS))
    for name in wanted:
        try:
            find(name, task)
        except SpecError as problem:
            raise UsageError(f"--fail-if: {problem}", fix=problem.fix) from None
    return wanted


def _failure(condition: Condition, value: float) -> Problem:
    name = safe_text(condition.metric)
    if math.isnan(value):
        return Problem(
            f"gate failed: {name} is undefined, so {condition} counts as true",
            why="the data lacks what the metric needs, such as examples of every class",
        )
    return Problem(f"gate failed: {name} is {value:.6g} and {condition} holds")
