"""The training loop: one generator of events.

Each step   gather a batch -> forward -> loss and its gradient -> backward -> penalty -> check ->
            clip -> update. One dot product of the gradient with itself gives its norm and finds
            every NaN and infinity before the update is applied.
Stopping    means pulling no further: between two events the session stands at a step boundary
            and can be saved.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from dnn_cli.base.errors import DivergedError
from dnn_cli.base.types import Array, size_of
from dnn_cli.data.dataset import Dataset
from dnn_cli.nn.clipping import clip_norm, clip_value
from dnn_cli.nn.loss import cut_scratch, loss_scratch
from dnn_cli.nn.penalty import Penalty
from dnn_cli.nn.plan import Plan
from dnn_cli.nn.schedule import Progress, Schedule
from dnn_cli.training.diagnosis import diverged, diverged_after, require_finite
from dnn_cli.training.evaluation import Evaluator, canonical, target_buffer
from dnn_cli.training.events import EpochFinished, StepsFinished
from dnn_cli.training.metrics import measure
from dnn_cli.training.session import Session

Clock = Callable[[], float]

_OUTPUTS = 1 << 24  # floats of training outputs kept for the epoch's metrics: 64 MB
_NORMS = 20  # gradient norms kept for the account of a divergence


def fit(
    session: Session, clock: Clock, report_every: float = 0.1
) -> Iterator[StepsFinished | EpochFinished]:
    """Train from where `session` stands to its last epoch.

    Yields an event every `report_every` seconds and one at the end of each epoch.

    Raises:
        DivergedError: a loss or gradient is not finite, and the parameters are those before the
            step; or a parameter is not after it, or a prediction for the validation data.
    """
    stepper = Stepper(session)
    evaluator = (
        Evaluator(session.network, session.loss, session.task, session.workers)
        if session.valid
        else None
    )
    while session.epoch < session.spec.epochs:
        began = reported = clock()
        order = session.train.order(session.epoch)
        while session.index < session.train.steps:
            stepper.step(order)
            now = clock()
            if now - reported >= report_every:
                reported = now
                stepper.require_finite(order)
                yield stepper.report(now - began)
        stepper.require_finite(order)
        metrics = stepper.epoch_metrics(order)
        if evaluator and session.valid:
            metrics |= stepper.valid_metrics(order, evaluator, session.valid)
        yield _finish_epoch(session, metrics, stepper.learning_rate, clock() - began)


class Stepper:
    """Buffers of one training, and the one place where a step is taken."""

    def __init__(self, session: Session) -> None:
        self.session = session
        network, size = session.network, session.train.batch_size
        dtype = network.arena.params.dtype
        self.plan = network.plan(size, train=True, workers=session.workers)
        if session.workers is not None:
            session.optimizer.share(session.workers)
        self.targets = target_buffer(session.train.dataset, size)
        self.scratch = {size: loss_scratch(session.loss, size, dtype)}
        schedule = session.recipe.schedule
        self.schedule: Schedule | None = schedule.build() if schedule else None
        self.learning_rate = session.recipe.learning_rate
        penalty = session.spec.penalty
        self.penalty: Penalty | None = None
        if penalty.l1 or penalty.l2:
            self.penalty = Penalty(network.arena, penalty.l1, penalty.l2)
        self.random = any(layer.random for _, layer in network.chain.walk())
        self._keep_outputs(dtype)

    @np.errstate(over="ignore", invalid="ignore")  # `_update` finds what is not finite
    def step(self, order: Array) -> None:
        """Take one step: batch `session.index` of the epoch whose order is `order`."""
        s = self.session
        m = s.train.fill(order, s.epoch, s.index, self.plan.x, self.targets)
        plan, targets = self.plan.cut(m), self.targets[:m]
        if self.random:
            plan.draw(s.seed, s.step)
        z = plan.forward(True)
        assert plan.dy is not None
        loss = s.loss.value_and_grad(z, targets, plan.dy, self._scratch(m))
        plan.backward()
        self._update(plan, order, loss)
        if s.outputs is not None:
            start = s.index * s.train.batch_size
            s.outputs[start : start + m] = z.reshape(m, -1)
        s.loss_sum += loss * m
        s.index += 1
        s.step += 1

    def _update(self, plan: Plan, order: Array, loss: float) -> None:
        s = self.session
        arena, recipe = s.network.arena, s.recipe
        if self.penalty is not None:
            self.penalty.add_gradient()
        square = float(np.dot(arena.grads, arena.grads))
        if not math.isfinite(square) or not math.isfinite(loss):
            raise diverged(s, plan, order, loss, self.learning_rate)
        norm = math.sqrt(square)
        s.norms.append(norm)
        del s.norms[:-_NORMS]
        if recipe.clip_value is not None:
            clip_value(arena.grads, recipe.clip_value)
        if recipe.clip_norm is not None:
            clip_norm(arena.grads, recipe.clip_norm)
        if self.schedule is not None:
            self.learning_rate = recipe.learning_rate * self.schedule(self._progress())
        s.optimizer.step(self.learning_rate)

    def _progress(self) -> Progress:
        s = self.session
        return Progress(s.step, s.steps, s.epoch, s.spec.epochs, s.monitored)

    def _scratch(self, m: int) -> dict[str, Array]:
        found = self.scratch.get(m)
        if found is None:
            whole = self.scratch[self.session.train.batch_size]
            found = self.scratch[m] = cut_scratch(self.session.loss, whole, m)
        return found

    def _keep_outputs(self, dtype: np.dtype[np.generic]) -> None:
        s = self.session
        shape = (s.train.dataset.rows, size_of(s.network.out_shape))
        if s.task.kind != "reconstruction" and size_of(shape) <= _OUTPUTS and s.outputs is None:
            s.outputs = np.zeros(shape, dtype=dtype)

    def report(self, seconds: float) -> StepsFinished:
        """Where the session stands within its epoch."""
        s = self.session
        examples = min(s.index * s.train.batch_size, s.train.dataset.rows)
        return StepsFinished(
            epoch=s.epoch + 1,
            epochs=s.spec.epochs,
            step=s.step,
            step_in_epoch=s.index,
            steps_per_epoch=s.train.steps,
            examples=examples,
            loss=s.loss_sum / examples,
            gradient_norm=s.norms[-1],
            learning_rate=self.learning_rate,
            seconds=seconds,
        )

    def require_finite(self, order: Array) -> None:
        """Refuse parameters that are not finite, before anyone is told of them or saves them."""
        require_finite(self.session, self.plan, order, self.learning_rate)

    def epoch_metrics(self, order: Array) -> dict[str, float]:
        """Training metrics of the epoch: of the outputs as they were when each batch was seen."""
        s = self.session
        found = {"train.loss": s.loss_sum / s.train.dataset.rows}
        if s.outputs is not None and s.train.dataset.targets is not None:
            shown = s.outputs.copy()
            s.loss.activate(shown, shown)
            targets = s.train.dataset.targets[order]
            names = s.spec.epoch_metrics(s.task)
            measured = measure(names, canonical(shown, s.task), targets, s.task)
            found |= {f"train.{name}": value for name, value in measured.items()}
        return found

    def valid_metrics(self, order: Array, evaluator: Evaluator, data: Dataset) -> dict[str, float]:
        """Loss and metrics on the validation data."""
        s = self.session
        loss, predictions, targets = evaluator.run(data)
        try:
            measured = measure(s.spec.epoch_metrics(s.task), predictions, targets, s.task)
        except DivergedError as error:
            where = "a prediction for the validation data"
            raise diverged_after(s, self.plan, order, where, self.learning_rate) from error
        return {"valid.loss": loss} | {f"valid.{name}": value for name, value in measured.items()}


def _finish_epoch(
    s: Session, metrics: dict[str, float], learning_rate: float, seconds: float
) -> EpochFinished:
    s.epoch += 1
    s.index, s.loss_sum = 0, 0.0
    improved = s.monitor.update(s.epoch, metrics)
    s.monitored.append(s.monitor.signed(metrics))
    return EpochFinished(
        epoch=s.epoch,
        epochs=s.spec.epochs,
        step=s.step,
        metrics=metrics,
        learning_rate=learning_rate,
        examples=s.train.dataset.rows,
        seconds=seconds,
        monitor=s.monitor.metric,
        improved=improved,
        best_epoch=s.monitor.best_epoch,
        best_value=s.monitor.best_value,
    )
