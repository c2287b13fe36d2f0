import math

import pytest

from dnn_cli.console.trace import ROWS, History, Trace


def test_history_stays_small_and_keeps_the_mean():
    history = History()
    for value in range(1 << 14):
        history.append(float(value))
    assert len(history.points) < 256
    assert history.points == sorted(history.points)
    assert sum(history.points) / len(history.points) == pytest.approx((1 << 14) / 2, rel=0.02)


def test_trace_keeps_few_epochs(events):
    trace = Trace()
    for number in range(1, 1001):
        trace.observe(events.epoch(number, epochs=1000))
    assert [e.epoch for e in trace.epochs] == list(range(1001 - ROWS, 1001))
    assert trace.elapsed == pytest.approx(1800.0)


def test_time_left(events):
    trace = Trace()
    assert trace.left() is None
    trace.observe(events.started(epochs=4))
    trace.observe(events.steps(1, step=100, of=400, seconds=1.0, epochs=4))
    assert trace.left() == pytest.approx(4 * 4.0 - 1.0)  # from the steps of the first epoch
    trace.observe(events.epoch(1, epochs=4, seconds=5.0))
    assert trace.left() == pytest.approx(15.0)
    trace.observe(events.steps(2, seconds=2.0, epochs=4))
    assert trace.left() == pytest.approx(13.0)
    trace.observe(events.epoch(2, epochs=4, seconds=10.0))
    assert trace.left() == pytest.approx(2 * (5.0 + 0.2 * 5.0))  # smoothed
    trace.observe(events.steps(3, seconds=500.0, epochs=4))
    assert trace.left() == 0.0


def test_nothing_is_best_before_the_metric_was_ever_finite(events):
    trace = Trace()
    trace.observe(events.epoch(1, best=0, metrics={"valid.loss": math.nan}))
    assert trace.best is None
    trace.observe(events.epoch(2))
    assert trace.best.best_epoch == 2
