"""How many epochs a budget of time has room for, settled before the first of them.

Epochs     min(epochs, 0.9 budget / (steps t + v)), 1 at the least: t is the median of some steps,
           v a pass over the validation rows, measured in a session of their own
Equal      a clock has a part in it, so the number is written into resolved.yaml, and the budget
           taken out: to resume the run, or to train resolved.yaml again, asks no clock
Why        an end that is known beforehand is one that schedules reach; a training that is cut off
           (`max_time`) stops at a rate that was to fall still
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from dnn_cli.app.build import Built
from dnn_cli.app.say import Say
from dnn_cli.training.evaluation import Evaluator
from dnn_cli.training.loop import Stepper
from dnn_cli.training.session import Session
from dnn_cli.training.spec import seconds_of

_STEPS = 20  # timed after the first ones, which take longer
_FIRST = 3
_SHARE = 0.9  # of the budget, the rest is for saving and for scores


def within_budget(
    built: Built, session: Session, say: Say, clock: Callable[[], float] = time.perf_counter
) -> Built:
    """`built`, and the spec of `session`, with epochs for the budget in the place of a budget."""
    budget = built.spec.training.budget
    if budget is None:
        return built
    seconds = _epoch_seconds(built, session.ranks, clock)
    most = built.spec.training.epochs
    epochs = epochs_within(most, seconds_of(budget, "budget"), seconds)
    cut = f" instead of {most}" if epochs < most else ""
    say(f"budget: {epochs} epochs{cut} of about {seconds:.2g} s fit into {budget}")
    if epochs * seconds > seconds_of(budget, "budget"):
        say("budget: one epoch takes longer than all of it")
    session.spec = replace(session.spec, epochs=epochs, budget=None)
    training = replace(built.spec.training, epochs=epochs, budget=None)
    return replace(built, spec=replace(built.spec, training=training))


def epochs_within(most: int, budget: float, seconds: float) -> int:
    """Epochs of so many `seconds` that fit into a budget, `most` at the most."""
    return max(1, min(most, int(_SHARE * budget / max(seconds, 1e-9))))


def _epoch_seconds(built: Built, ranks: int, clock: Callable[[], float]) -> float:
    """What an epoch takes, by some steps of a session that is thrown away."""
    session = built.session()
    session.ranks = ranks
    taken: list[float] = []
    with Stepper(session) as stepper:
        for _ in range(_FIRST + _STEPS):
            session.index %= session.train.steps
            began = clock()
            stepper.advance(clock, due=0.0)
            taken.append(clock() - began)
    step = sorted(taken[_FIRST:])[_STEPS // 2]
    began = clock()
    if session.valid is not None:
        Evaluator(session.network, session.loss, session.task, ranks).run(session.valid)
    return step * session.train.steps + clock() - began
