"""What another number of epochs means for a learning rate that follows the whole training."""

from __future__ import annotations

from dnn_cli.nn.schedule import Progress
from dnn_cli.training.session import Session

_SAMPLES = 64  # steps at which the two schedules are compared


def length_note(session: Session, epochs: int) -> str:
    """A sentence if the schedule over `epochs` epochs was another than the session's; else empty.

    Found out by asking the schedule itself: its factor is a pure function of progress.
    """
    recipe, new = session.recipe, session.spec.epochs
    if recipe.schedule is None or epochs == new:
        return ""
    factor, a = recipe.schedule.build(), session.train.steps

    def at(step: int, total: int) -> float:
        step = min(step, total * a - 1)
        return factor(Progress(step, total * a, step // a, total, session.monitored))

    common = min(epochs, new) * a
    steps = range(0, common, max(1, common // _SAMPLES))
    if all(at(step, epochs) == at(step, new) for step in steps):
        return ""
    rate = recipe.learning_rate
    before, now = (rate * at(session.step, total) for total in (epochs, new))
    return (
        f"optimizer.schedule ({recipe.schedule.spec_name}) spans the whole training: over {new} "
        f"epochs instead of {epochs} the next learning rate is {now:.3g}, not {before:.3g}, and "
        f"the run is not the one that {new} epochs from the start would have been"
    )
