"""The account of a divergence: what was not finite, where it began, and what to try."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dnn_cli.base.errors import DivergedError, Problem
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.training.part import Part
from dnn_cli.training.session import Session

_ROWS_SHOWN = 20
_FAR = 20.0  # scaled inputs beyond it are worth a look: standard deviations, if so scaled


class ReportedDivergenceError(DivergedError):
    """A divergence with its written account, for `diverged.json`."""

    def __init__(self, problem: Problem, account: dict[str, Any], state: str) -> None:
        super().__init__([problem], state=state)
        self.account = account


def diverged(
    session: Session, part: Part, loss: float, learning_rate: float
) -> ReportedDivergenceError:
    """The error to raise when the loss or a gradient of the step under way is not finite.

    Cost       one more forward pass, of all ranks' examples in turn; only ever run once
    """
    s = session
    where = _first_learned(s) or _first_activation(s, part) or _first_gradient(s)
    if where is None:  # then it is the sum of squares that overflowed
        where = "the gradient's norm" if math.isfinite(loss) else "the loss"
    return _reported(
        s, part, s.index, f"{where} is not finite, the loss is {loss:.4g}", learning_rate,
        first_not_finite=where, loss=loss if math.isfinite(loss) else str(loss),
        state="the update was not applied",
    )  # fmt: skip


def require_finite(session: Session, part: Part, learning_rate: float) -> None:
    """Refuse parameters that the step just taken has made infinite.

    An update can overflow, and so can the running statistics of a forward pass whose loss is
    finite: neither shows before the next step, and nothing may be saved until then.

    Cost       two passes over the parameters, before each event and not at each step

    Raises:
        ReportedDivergenceError: names the first parameter.
    """
    params = session.network.arena.params
    if params.size and not np.isfinite([params.min(), params.max()]).all():
        where = _first_parameter(session) or "a parameter"
        raise diverged_after(session, part, where, learning_rate)


def diverged_after(
    session: Session, part: Part, where: str, learning_rate: float
) -> ReportedDivergenceError:
    """The error to raise when `where` is not finite after the step just taken."""
    return _reported(
        session, part, session.index - 1, f"{where} is not finite after it", learning_rate,
        first_not_finite=where,
    )  # fmt: skip


def _reported(
    s: Session,
    part: Part,
    index: int,
    what: str,
    learning_rate: float,
    *,
    state: str = "",
    **found: Any,
) -> ReportedDivergenceError:
    """The account of what was `found` at batch `index` of the epoch."""
    step, start = s.step + 1 + index - s.index, index * s.train.batch_size
    rows = [int(r) for r in s.train.order(s.epoch)[start : start + s.train.batch_size]]
    far = _far_inputs(np.concatenate([plan.x for plan in part.replay(s.epoch, index)]))
    advice = _advice(s, learning_rate, far)
    account = {
        "step": step,
        "epoch": s.epoch + 1,
        **found,
        "learning_rate": learning_rate,
        "gradient_norms_before": s.norms,
        "batch_rows": rows,
        "inputs_far_out": far,
        "try": advice,
    }
    shown = ", ".join(map(str, rows[:_ROWS_SHOWN])) + (", …" if len(rows) > _ROWS_SHOWN else "")
    norms = ", ".join(f"{n:.3g}" for n in s.norms[-5:]) or "none yet"
    problem = Problem(
        f"training diverged at step {step} (epoch {s.epoch + 1}): {what}",
        why=f"gradient norms of the last steps: {norms}; training rows of the batch: {shown}",
        fix="; ".join(advice),
    )
    return ReportedDivergenceError(problem, account, state)


def _finite(a: Array) -> bool:
    return bool(np.isfinite(a).all())


def _first_parameter(s: Session) -> str | None:
    tensors = s.network.arena.tensors()
    return next((f"parameter {name}" for name, a in tensors.items() if not _finite(a)), None)


def _first_learned(s: Session) -> str | None:
    # Not the running statistics: this step's forward pass has changed them already.
    arena = s.network.arena
    learned = (p.name for p in arena if p.slot.role != "state")
    return next((f"parameter {name}" for name in learned if not _finite(arena.value(name))), None)


def _first_activation(s: Session, part: Part) -> str | None:
    for plan in part.replay(s.epoch, s.index):
        if not _finite(plan.x):
            return "the input"
        # In-place layers wrote over what came before them: look after each layer.
        for step in plan.steps:
            step.layer.forward(step.x, step.y, step.ws, True)
            if not _finite(step.y):
                return f"the output of {step.name}"
    return None


def _first_gradient(s: Session) -> str | None:
    names = [p.name for p in s.network.arena if p.slot.role != "state"]
    # Gradients flow from the output back: the last layer is where they begin.
    for name in reversed(names):
        if not _finite(s.network.arena.gradient(name)):
            return f"the gradient of {name}"
    return None


def _far_inputs(x: Array) -> list[dict[str, float]]:
    flat = np.abs(x.reshape(len(x), -1))
    peaks = flat.max(axis=0)
    worst = np.argsort(-peaks, kind="stable")[:5]
    return [{"input": int(i), "largest": float(peaks[i])} for i in worst if peaks[i] > _FAR]


def _named(s: Session, number: int) -> str:
    """An input for a message: its column, or its number from 0."""
    return f"column `{safe_text(s.inputs[number])}`" if s.inputs else f"input {number}"


def _advice(s: Session, learning_rate: float, far: list[dict[str, float]]) -> list[str]:
    found = []
    if far:
        which = ", ".join(_named(s, int(f["input"])) for f in far)
        found.append(f"look at {which}: scaled, there are values beyond {_FAR:g}")
    found.append(f"a smaller optimizer.learning_rate (now {learning_rate:g})")
    if s.recipe.clip_norm is None:
        found.append("optimizer.clip_norm=1")
    return found
