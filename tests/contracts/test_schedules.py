"""What every schedule promises."""

from __future__ import annotations

from typing import Any

import pytest

from dnn_cli.nn.schedule import SCHEDULES, Progress, ScheduleSpec

REQUIRED: dict[str, dict[str, Any]] = {"step": {"every_epochs": 2}}
HISTORY = [1.0, 0.9, 0.95, 0.8] + [0.85] * 20
every = pytest.mark.parametrize("name", SCHEDULES.names())


def spec_of(name: str, **options: Any) -> ScheduleSpec:
    return SCHEDULES.get(name)(**REQUIRED.get(name, {}), **options)


def course(spec: ScheduleSpec, epochs: int, per_epoch: int) -> list[float]:
    factor, steps = spec.build(), epochs * per_epoch
    return [
        factor(Progress(t, steps, t // per_epoch, epochs, HISTORY[: t // per_epoch]))
        for t in range(steps)
    ]


@every
@pytest.mark.parametrize(("epochs", "per_epoch"), [(1, 1), (2, 1), (1, 3), (12, 5)])
@pytest.mark.parametrize("warmup", [0.0, 0.3, 0.99])
def test_factors_are_floats_above_zero_and_at_most_one(
    name: str, epochs: int, per_epoch: int, warmup: float
) -> None:
    found = course(spec_of(name, warmup=warmup), epochs, per_epoch)
    assert all(type(f) is float for f in found)
    assert all(0.0 < f <= 1.0 for f in found)


@every
def test_it_is_a_pure_function(name: str) -> None:
    spec = spec_of(name, warmup=0.2)
    first = course(spec, 12, 5)
    factor = spec.build()
    again = [
        factor(Progress(t, 60, t // 5, 12, list(HISTORY[: t // 5]))) for t in reversed(range(60))
    ]
    assert again[::-1] == first == course(spec_of(name, warmup=0.2), 12, 5)


@every
def test_warmup_rises_along_a_line_and_the_rest_begins_where_it_ends(name: str) -> None:
    warmed, plain = course(spec_of(name, warmup=0.2), 10, 10), spec_of(name).build()
    assert warmed[:20] == pytest.approx([(t + 1) / 21 for t in range(20)])
    rest = [plain(Progress(t - 20, 80, t // 10, 10, HISTORY[: t // 10])) for t in range(20, 100)]
    assert warmed[20:] == rest
