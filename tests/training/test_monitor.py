"""Which epoch is best, when patience ends, and that both survive a resume."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import pytest

from dnn_cli.base.errors import CheckpointError
from dnn_cli.base.spec import SpecError
from dnn_cli.training.monitor import Monitor, StopWhen

NAN = math.nan


def feed(monitor: Monitor, values: Sequence[float], start: int = 1) -> list[bool]:
    return [
        monitor.update(epoch, {monitor.metric: value, "train.loss": 0.0})
        for epoch, value in enumerate(values, start)
    ]


@pytest.mark.parametrize(
    ("metric", "values", "improved", "best"),
    [
        ("valid.loss", [3, 2, 2, 1, 5], [True, True, False, True, False], (4, 1)),
        ("valid.accuracy", [0.5, 0.4, 0.6, 0.6], [True, False, True, False], (3, 0.6)),
        ("valid.loss", [NAN, 2, NAN, 1], [False, True, False, True], (4, 1)),
        ("valid.loss", [math.inf, -math.inf, 7], [False, False, True], (3, 7)),
        ("valid.f1.cat", [0.1, 0.2], [True, True], (2, 0.2)),
    ],
)
def test_N11_the_best_epoch_is_the_earliest_of_equals(
    metric: str, values: list[float], improved: list[bool], best: tuple[int, float]
) -> None:
    monitor = Monitor(metric)
    assert feed(monitor, values) == improved
    assert (monitor.best_epoch, monitor.best_value) == best
    assert not monitor.exhausted  # no patience, no end


def test_N11_no_epoch_is_best_without_a_finite_value() -> None:
    monitor = Monitor("valid.auc", patience=2)
    feed(monitor, [NAN, NAN])
    assert monitor.best_epoch == 0 and math.isnan(monitor.best_value) and monitor.exhausted


def test_patience_counts_epochs_without_getting_better() -> None:
    monitor = Monitor("valid.loss", patience=2)
    assert not monitor.exhausted
    ends = []
    for epoch, value in enumerate([5, 4, 4, 3, 3, 3, 1], 1):
        monitor.update(epoch, {"valid.loss": value})
        ends.append(monitor.exhausted)
    assert ends == [False, False, False, False, False, True, False]


def test_small_gains_are_best_but_do_not_renew_patience_until_they_add_up() -> None:
    monitor = Monitor("valid.loss", patience=3, min_delta=0.25)
    assert feed(monitor, [1.0, 0.875, 0.75]) == [True, True, True]
    assert monitor.waited == 2  # 1.0 - 0.75 is not more than min_delta
    feed(monitor, [0.625], 4)
    assert monitor.waited == 0 and not monitor.exhausted
    feed(monitor, [0.5, 0.5, 0.5], 5)
    assert monitor.exhausted and monitor.best_epoch == 5


def test_N11_mode_may_overrule_the_metric() -> None:
    monitor = Monitor("valid.loss", "max")
    assert feed(monitor, [1, 2, 1.5]) == [True, True, False]
    assert monitor.signed({"valid.loss": 2.0}) == -2.0
    assert Monitor("valid.loss").signed({"valid.loss": 2.0}) == 2.0
    assert Monitor("valid.accuracy").signed({"valid.accuracy": 0.5}) == -0.5


@pytest.mark.parametrize("cut", range(6))
def test_resuming_changes_nothing(cut: int) -> None:
    values = [NAN, 3.0, 2.9, 2.8, 2.8, 2.7]
    whole, first = (Monitor("valid.loss", "auto", 2, 0.125) for _ in range(2))
    feed(whole, values)
    feed(first, values[:cut])
    second = Monitor("valid.loss", "auto", 2, 0.125)
    second.restore(json.loads(json.dumps(first.state(), allow_nan=False)))
    feed(second, values[cut:], cut + 1)
    assert second.state() == whole.state() and second.exhausted == whole.exhausted


def test_a_state_of_another_metric_is_refused() -> None:
    state = Monitor("valid.loss").state()
    with pytest.raises(CheckpointError, match=r"watched valid\.loss \(min\)"):
        Monitor("valid.accuracy").restore(state)
    with pytest.raises(CheckpointError):
        Monitor("valid.loss", "max").restore(state)


def test_thresholds_are_reached_in_the_better_direction() -> None:
    stop = StopWhen({"train.loss": 0.01, "valid.accuracy": 0.99})
    assert stop.reached({"train.loss": 0.02, "valid.accuracy": 0.98}) is None
    assert stop.reached({"train.loss": NAN, "valid.accuracy": NAN}) is None
    assert stop.reached({"train.loss": 0.01, "valid.accuracy": 0.5}) == "train.loss 0.01 <= 0.01"
    text = stop.reached({"train.loss": 0.5, "valid.accuracy": 0.99})
    assert text == "valid.accuracy 0.99 >= 0.99"


def test_unknown_metrics_are_refused_at_once() -> None:
    for make in (lambda: Monitor("valid.lss"), lambda: StopWhen({"valid.lss": 1.0})):
        with pytest.raises(SpecError, match="unknown metric"):
            make()
