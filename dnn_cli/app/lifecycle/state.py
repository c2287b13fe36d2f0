"""A training as a checkpoint, and a checkpoint as a training: the two directions side by side.

Everything that the next step depends on is in the file; what is not is a pure function of it
(random streams, schedules, bias corrections). No clock is, so that an interrupted and an
uninterrupted run end with equal checkpoints. What is read back must fit together in every
number: a state that does not is refused, never repaired.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dnn_cli.app.build import Built
from dnn_cli.base.errors import CheckpointError
from dnn_cli.base.text import listing, safe_text
from dnn_cli.base.types import Array, size_of
from dnn_cli.config.resolve import resolve
from dnn_cli.runs.checkpoint import Checkpoint
from dnn_cli.runs.environment import versions
from dnn_cli.runs.model_file import ModelFile, require_tensors
from dnn_cli.training.events import EpochFinished
from dnn_cli.training.session import Session

LAST, BEST = "last", "best"  # kinds of checkpoints
_EMPTY = hashlib.sha256().hexdigest()
_OUTPUTS = "outputs"  # beside the optimizer's vectors
_KINDS: Mapping[str, type] = {
    "kind": str,
    "facts": dict,
    "step": int,
    "epoch": int,
    "index": int,
    "loss_sum": float,
    "outputs": int,
    "monitored": list,
    "norms": list,
    "optimizer_steps": int,
    "monitor": dict,
    "metrics": dict,
    "best_epoch": int,
    "best_metrics": dict,
    "log_bytes": int,
    "log_sha256": str,
}


@dataclass(slots=True)
class Best:
    """The weights of the best epoch so far; epoch 0 is none yet."""

    vector: Array
    metrics: dict[str, float] = field(default_factory=dict)
    epoch: int = 0

    def take(self, session: Session, event: EpochFinished) -> None:
        """Keep the present weights."""
        self.vector[...] = session.network.arena.params
        self.metrics = dict(event.metrics)
        self.epoch = event.epoch


@dataclass(slots=True)
class Standing:
    """How far a run has come, beside its session. As it is made: a run that has not begun."""

    best: Best
    metrics: dict[str, float] = field(default_factory=dict)  # of the last finished epoch
    log_bytes: int = 0  # of metrics.jsonl
    log_sha256: str = _EMPTY


def last_checkpoint(
    built: Built, session: Session, standing: Standing, facts: Mapping[str, Any]
) -> Checkpoint:
    """The whole training, between two steps."""
    arena, best = session.network.arena, standing.best
    vectors = dict(session.optimizer.state)
    outputs = 0
    if session.outputs is not None and session.index:
        outputs = _seen(session)
        vectors[_OUTPUTS] = session.outputs[:outputs]
    state = {
        "kind": LAST,
        "facts": facts,
        "step": session.step,
        "epoch": session.epoch,
        "index": session.index,
        "loss_sum": session.loss_sum,
        "outputs": outputs,
        "monitored": session.monitored,
        "norms": session.norms,
        "optimizer_steps": session.optimizer.steps,
        "monitor": session.monitor.state(),
        "metrics": standing.metrics,
        "best_epoch": best.epoch,
        "best_metrics": best.metrics,
        "log_bytes": standing.log_bytes,
        "log_sha256": standing.log_sha256,
    }
    weights = arena.tensors(best.vector) if best.epoch else {}
    return Checkpoint(model_of(built, session, arena.params, {}), state, vectors, weights)


def best_checkpoint(built: Built, session: Session, best: Best) -> Checkpoint:
    """The best model by itself: enough to evaluate and predict, not to go on training."""
    model = model_of(built, session, best.vector, best.metrics)
    return Checkpoint(model, {"kind": BEST, "epoch": best.epoch})


def model_of(
    built: Built,
    session: Session,
    vector: Array,
    metrics: Mapping[str, float],
    settled: Mapping[str, Any] | None = None,
) -> ModelFile:
    """The model whose weights are `vector`; `settled` are fields that only its end brings."""
    schema = built.prepared.schema
    return ModelFile(
        tensors=session.network.arena.tensors(vector),
        name=built.name,
        layers=[resolve(layer) for layer in built.layers],
        input_shape=schema.input_shape,
        loss=resolve(built.loss_spec),
        schema=schema.to_json(),
        schema_arrays=schema.arrays(),
        seed=built.spec.seed,
        metrics=metrics,
        versions=versions(),
        **(settled or {}),
    )


def restore(checkpoint: Checkpoint, origin: Path, session: Session, standing: Standing) -> None:
    """Put a training that has not begun where `checkpoint` stands.

    Raises:
        CheckpointError: it does not fit the network, the optimizer or the monitored metric, or
            its parts do not fit each other.
    """
    state = checkpoint.state
    require_kinds(state, origin)
    arena = session.network.arena
    shapes = {place.name: place.slot.shape for place in arena}
    require_tensors(checkpoint.model.tensors, shapes, str(origin))
    require_tensors(checkpoint.best, shapes if state["best_epoch"] else {}, str(origin))
    try:
        session.monitor.restore(state["monitor"])
        _restore_vectors(checkpoint, session)
        _restore_numbers(state, session)
        metrics, best_metrics = _metrics(state["metrics"]), _metrics(state["best_metrics"])
    except (KeyError, TypeError, ValueError) as error:
        raise _unfit(origin, safe_text(error)) from error
    for name, values in checkpoint.model.tensors.items():
        arena.value(name)[...] = values
    for name, values in arena.tensors(standing.best.vector).items():
        values[...] = checkpoint.best.get(name, arena.value(name))
    standing.best.epoch, standing.best.metrics = state["best_epoch"], best_metrics
    standing.metrics = metrics
    standing.log_bytes, standing.log_sha256 = state["log_bytes"], state["log_sha256"]
    for complaint in _complaints(session, standing):
        raise _unfit(origin, complaint)


def require_kinds(state: Mapping[str, Any], origin: Path) -> None:
    """Refuse a state that lacks an item, has one too many, or one of the wrong kind."""
    if state.get("kind") == BEST:
        raise CheckpointError(
            f"{safe_text(origin)} holds the best model, but no training to continue",
            where=safe_text(origin),
        )
    wrong = [name for name, kind in _KINDS.items() if type(state.get(name)) is not kind]
    wrong += state.keys() - _KINDS.keys()
    wrong += ["kind"] if state.get("kind") != LAST else []
    if wrong:
        raise _unfit(origin, f"missing, unknown or of the wrong kind: {listing(wrong)}")


def _restore_vectors(checkpoint: Checkpoint, session: Session) -> None:
    """The optimizer's vectors, and the outputs of an epoch that is under way."""
    state, vectors = checkpoint.state, dict(checkpoint.optimizer)
    outputs = vectors.pop(_OUTPUTS, None)
    if vectors.keys() != session.optimizer.state.keys():
        raise ValueError(
            f"it holds the optimizer state {listing(vectors) or 'none'}, "
            f"this optimizer needs {listing(session.optimizer.state) or 'none'}"
        )
    session.optimizer.load(vectors, state["optimizer_steps"])
    session.index = state["index"]
    width = size_of(session.network.out_shape)
    if (0 if outputs is None else len(outputs)) != state["outputs"]:
        raise ValueError("the outputs of the epoch under way are not there, or should not be")
    if outputs is not None:
        if outputs.shape != (_seen(session), width):
            raise ValueError(f"the outputs of the epoch under way have shape {outputs.shape}")
        rows, dtype = session.train.dataset.rows, session.network.arena.params.dtype
        session.outputs = np.zeros((rows, width), dtype)
        session.outputs[: len(outputs)] = outputs


def _restore_numbers(state: Mapping[str, Any], session: Session) -> None:
    session.step, session.epoch = state["step"], state["epoch"]
    session.loss_sum = state["loss_sum"]
    session.monitored, session.norms = _floats(state["monitored"]), _floats(state["norms"])


def _floats(values: Iterable[Any]) -> list[float]:
    found = list(values)
    if not all(type(value) in (int, float) for value in found):
        raise ValueError("something stands in the place of a number")
    return [float(value) for value in found]


def _metrics(values: Mapping[str, Any]) -> dict[str, float]:
    return dict(zip(values, _floats(values.values()), strict=True))


def _complaints(session: Session, standing: Standing) -> list[str]:
    """What contradicts itself in a restored training."""
    s, best = session, standing.best
    contradictions = {
        "step, epoch and index": s.step != s.epoch * s.train.steps + s.index or s.step < 0,
        "index and the steps of an epoch": not 0 <= s.index < s.train.steps,
        "the optimizer's steps and step": s.optimizer.steps != s.step,
        "loss_sum and index": not math.isfinite(s.loss_sum) or (s.loss_sum != 0.0 and not s.index),
        "monitored and epoch": len(s.monitored) != s.epoch,
        "norms and step": bool(s.norms) != (s.step > 0),
        "metrics and epoch": bool(standing.metrics) != (s.epoch > 0),
        "the best epoch and the monitor": best.epoch != s.monitor.best_epoch,
        "the best epoch and its metrics": bool(best.metrics) != (best.epoch > 0),
        "the best epoch and epoch": not 0 <= best.epoch <= s.epoch,
    }
    return [f"{what} contradict each other" for what, found in contradictions.items() if found]


def _seen(session: Session) -> int:
    """Examples of the present epoch that were trained on already."""
    return min(session.index * session.train.batch_size, session.train.dataset.rows)


def _unfit(origin: Path, why: str) -> CheckpointError:
    return CheckpointError(
        f"the training in {safe_text(origin)} cannot be continued",
        where=safe_text(origin),
        why=why,
        fix="use another copy of the run; its best model can still be evaluated",
    )
