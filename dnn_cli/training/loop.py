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
from dnn_cli.base.types import size_of
from dnn_cli.data.dataset import Dataset
from dnn_cli.nn.clipping import clip_norm, clip_value
from dnn_cli.nn.execution.arena import shared_zeros
from dnn_cli.nn.execution.divided import divide
from dnn_cli.nn.execution.ranks import Phases, Ranks
from dnn_cli.nn.penalty import Penalty
from dnn_cli.nn.schedule import Progress, Schedule
from dnn_cli.training.diagnosis import diverged, diverged_after, require_finite
from dnn_cli.training.evaluation import Evaluator, canonical
from dnn_cli.training.events import EpochFinished, StepsFinished
from dnn_cli.training.metrics import measure
from dnn_cli.training.part import GRADIENT, SUM, UPDATE, Part, widest_sum
from dnn_cli.training.session import Session

Clock = Callable[[], float]

_OUTPUTS = 1 << 24  # floats of training outputs kept for the epoch's metrics: 64 MB
_ROWS = 8192  # outputs activated at once, in cache: 60,000 of 10 classes in 3.1 ms, not 4.1
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
    evaluator = (
        Evaluator(session.network, session.loss, session.task, session.ranks)
        if session.valid
        else None
    )
    with Stepper(session) as stepper:
        while session.epoch < session.spec.epochs:
            began = now = clock()
            while session.index < session.train.steps:
                due = now + report_every
                now = stepper.advance(clock, due)
                if now >= due:
                    stepper.require_finite()
                    yield stepper.report(now - began)
            stepper.require_finite()
            metrics = stepper.epoch_metrics()
            if evaluator and session.valid:
                metrics |= stepper.valid_metrics(evaluator, session.valid)
            yield _finish_epoch(session, metrics, stepper.learning_rate, clock() - began)


class Stepper:
    """The ranks of one training, and the one place where a step is taken."""

    def __init__(self, session: Session) -> None:
        self.session = session
        arena = session.network.arena
        schedule = session.recipe.schedule
        self.schedule: Schedule | None = schedule.build() if schedule else None
        fading = session.recipe.decay_schedule
        self.decay_schedule: Schedule | None = fading.build() if fading else None
        self.learning_rate = session.recipe.learning_rate
        penalty = session.spec.penalty
        self.penalty: Penalty | None = None
        if penalty.l1 or penalty.l2:
            self.penalty = Penalty(arena, penalty.l1, penalty.l2)
        self._keep_outputs(arena.params.dtype)
        others = [shared_zeros(arena.learned, arena.grads.dtype) for _ in range(1, session.ranks)]
        gradients = [arena.grads, *others]
        divided = divide(session.network, session.train.batch_size) if others else {}

        def part(ranks: Ranks) -> Phases:
            self.part = Part(session, ranks, gradients, divided)  # in each rank's own process
            return self.part.phases

        self.ranks = Ranks(session.ranks, part, widest_sum(session), arena.params.dtype)

    def __enter__(self) -> Stepper:
        return self

    def __exit__(self, *error: object) -> None:
        self.ranks.stop()

    @np.errstate(over="ignore", invalid="ignore")  # `_step` finds what is not finite
    def advance(self, clock: Clock, due: float) -> float:
        """Take steps until the time is `due`, one at least, or the epoch ends; the time then."""
        s = self.session
        while True:
            self._step()
            now = clock()
            if now >= due or s.index == s.train.steps:
                return now

    def _step(self) -> None:
        """Batch `session.index` of the epoch under way."""
        s, recipe, run = self.session, self.session.recipe, self.ranks.run
        arena = s.network.arena
        loss = run(GRADIENT, s.epoch, s.index, s.step)
        square = run(SUM)
        if self.penalty is not None:
            self.penalty.add_gradient()
            square = float(np.dot(arena.grads, arena.grads))
        if not math.isfinite(square) or not math.isfinite(loss):
            raise diverged(s, self.part, loss, self.learning_rate)
        s.norms.append(math.sqrt(square))
        del s.norms[:-_NORMS]
        if recipe.clip_value is not None:
            clip_value(arena.grads, recipe.clip_value)
        if recipe.clip_norm is not None:
            clip_norm(arena.grads, recipe.clip_norm)
        if self.schedule is not None:
            self.learning_rate = recipe.learning_rate * self.schedule(self._progress())
        if self.decay_schedule is None:
            run(UPDATE, self.learning_rate)
        else:
            run(UPDATE, self.learning_rate, self.decay_schedule(self._progress()))
        s.loss_sum += loss * self.ranks.whole
        s.index += 1
        s.step += 1

    def _progress(self) -> Progress:
        s = self.session
        return Progress(s.step, s.steps, s.epoch, s.spec.epochs, s.monitored)

    def _keep_outputs(self, dtype: np.dtype[np.generic]) -> None:
        """Make room for the outputs of an epoch where every rank can write; keep what is there."""
        s = self.session
        shape = (s.train.dataset.rows, size_of(s.network.out_shape))
        if s.task.kind == "reconstruction" or size_of(shape) > _OUTPUTS:
            return
        outputs = shared_zeros(size_of(shape), dtype).reshape(shape)
        if s.outputs is not None:
            outputs[...] = s.outputs
        s.outputs = outputs

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

    def require_finite(self) -> None:
        """Refuse parameters that are not finite, before anyone is told of them or saves them."""
        require_finite(self.session, self.part, self.learning_rate)

    def epoch_metrics(self) -> dict[str, float]:
        """Training metrics of the epoch: of the outputs as they were when each batch was seen."""
        s = self.session
        found = {"train.loss": s.loss_sum / s.train.dataset.rows}
        if s.outputs is not None and s.train.dataset.targets is not None:
            outputs = s.outputs.reshape(-1, *s.network.out_shape)
            pieces = [slice(start, start + _ROWS) for start in range(0, len(outputs), _ROWS)]
            shown = np.empty((len(outputs), s.network.out_shape[-1]), outputs.dtype)
            for piece in pieces:
                s.loss.one.activate(s.loss.pool(outputs[piece]), shown[piece])
            order, weights = s.train.order(s.epoch), s.train.dataset.weights
            targets = s.train.dataset.targets[order]
            weights = None if weights is None else weights[order]
            names, restored = s.spec.epoch_metrics(s.task), s.train.dataset.target_scaling.restored
            predictions = restored(canonical(shown, s.task))
            measured = measure(names, predictions, restored(targets), s.task, weights)
            found |= {f"train.{name}": value for name, value in measured.items()}
        return found

    def valid_metrics(self, evaluator: Evaluator, data: Dataset) -> dict[str, float]:
        """Loss and metrics on the validation data."""
        s = self.session
        loss, predictions, targets = evaluator.run(data)
        try:
            names = s.spec.epoch_metrics(s.task)
            measured = measure(names, predictions, targets, s.task, data.weights)
        except DivergedError as error:
            where = "a prediction for the validation data"
            raise diverged_after(s, self.part, where, self.learning_rate) from error
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
