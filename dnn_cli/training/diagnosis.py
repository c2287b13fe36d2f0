"""The account of a divergence: what was not finite, where it began, and what to try."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dnn_cli.base.errors import DivergedError, Problem
from dnn_cli.base.types import Array
from dnn_cli.nn.plan import Plan
from dnn_cli.training.session import Session

_ROWS_SHOWN = 20
_FAR = 20.0  # scaled inputs beyond it are worth a look: standard deviations, if so scaled


class ReportedDivergenceError(DivergedError):
    """A divergence with its written account, for `diverged.json`."""

    def __init__(self, problem: Problem, account: dict[str, Any]) -> None:
        super().__init__([problem], state="the update was not applied")
        self.account = account


def diverged(
    session: Session, plan: Plan, order: Array, loss: float, learning_rate: float
) -> ReportedDivergenceError:
    """The error to raise when the loss or a gradient of this step is not finite.

    Cost       one more forward pass through the plan's buffers; only ever run once
    """
    s = session
    start = s.index * s.train.batch_size
    rows = [int(r) for r in order[start : start + len(plan.x)]]
    where = _first_parameter(s) or _first_activation(plan) or _first_gradient(s) or "the loss"
    far = _far_inputs(plan.x)
    advice = _advice(s, learning_rate, far)
    account = {
        "step": s.step + 1,
        "epoch": s.epoch + 1,
        "loss": loss if math.isfinite(loss) else str(loss),
        "first_not_finite": where,
        "learning_rate": learning_rate,
        "gradient_norms_before": s.norms,
        "batch_rows": rows,
        "inputs_far_out": far,
        "try": advice,
    }
    shown = ", ".join(map(str, rows[:_ROWS_SHOWN])) + (", …" if len(rows) > _ROWS_SHOWN else "")
    norms = ", ".join(f"{n:.3g}" for n in s.norms[-5:]) or "none yet"
    problem = Problem(
        f"training diverged at step {s.step + 1} (epoch {s.epoch + 1}): "
        f"{where} is not finite, the loss is {loss:.4g}",
        why=f"gradient norms of the last steps: {norms}; training rows of the batch: {shown}",
        fix="; ".join(advice),
    )
    return ReportedDivergenceError(problem, account)


def _finite(a: Array) -> bool:
    return bool(np.isfinite(a).all())


def _first_parameter(s: Session) -> str | None:
    tensors = s.network.arena.tensors()
    return next((f"parameter {name}" for name, a in tensors.items() if not _finite(a)), None)


def _first_activation(plan: Plan) -> str | None:
    if not _finite(plan.x):
        return "the input"
    # In-place layers wrote over what came before them: run once more, looking after each layer.
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


def _advice(s: Session, learning_rate: float, far: list[dict[str, float]]) -> list[str]:
    found = []
    if far:
        columns = ", ".join(str(f["input"]) for f in far)
        found.append(f"look at input columns {columns}, whose scaled values reach beyond {_FAR:g}")
    found.append(f"a smaller optimizer.learning_rate (now {learning_rate:g})")
    if s.recipe.clip_norm is None:
        found.append("optimizer.clip_norm=1")
    return found
