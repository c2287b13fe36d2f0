"""What dropout drops, how often, and that the expectation is kept."""

from __future__ import annotations

import numpy as np
import pytest

from dnn_cli.base.random import Purpose, stream
from dnn_cli.base.spec import SpecError
from dnn_cli.nn.execution.plan import Plan
from dnn_cli.nn.layer import LAYERS
from dnn_cli.nn.layers.dropout import Dropout
from dnn_cli.nn.model import build_network
from dnn_cli.nn.schedule import SCHEDULES, Progress
from dnn_cli.nn.scratch import Scratch


def plan_of(rate: float, n: int = 1000, units: int = 1000) -> Plan:
    return build_network([LAYERS.get("dropout")(rate=rate)], (units,)).plan(n, train=True)


def mask(plan: Plan, seed: int = 0, step: int = 0) -> np.ndarray:
    plan.draw(seed, step)
    return plan.steps[0].ws["mask"].copy()


@pytest.mark.parametrize("rate", [0.001, 0.1, 0.5, 0.9])
def test_the_share_dropped_is_the_rate_and_the_mean_is_kept(rate: float) -> None:
    drawn = mask(plan_of(rate))
    spread = np.sqrt(rate * (1 - rate) / drawn.size)
    assert (drawn == 0.0).mean() == pytest.approx(rate, abs=5 * spread + 1 / 131_072)
    assert drawn.mean() == pytest.approx(1.0, abs=5 * spread / (1 - rate))
    kept = np.unique(drawn[drawn > 0])
    assert len(kept) == 1 and kept[0] == pytest.approx(1 / (1 - rate), rel=2e-4 / (1 - rate))


def test_numbers_are_dropped_independently() -> None:
    dropped = mask(plan_of(0.3)) == 0.0
    for first, second in (
        (dropped[:, 1:], dropped[:, :-1]),
        (dropped[1:], dropped[:-1]),
        (dropped, mask(plan_of(0.3), step=1) == 0.0),
        (dropped, mask(plan_of(0.3), seed=1) == 0.0),
    ):
        assert (first & second).mean() == pytest.approx(0.09, abs=0.002)


def test_rate_0_keeps_all_and_a_rate_just_below_1_keeps_some_number_finite() -> None:
    np.testing.assert_array_equal(mask(plan_of(0.0)), 1.0)
    assert np.isfinite(mask(plan_of(0.9999999))).all()
    with pytest.raises(SpecError, match="less than 1"):
        LAYERS.get("dropout")(rate=1.0)


def test_a_mask_depends_on_seed_step_and_name_and_not_on_the_batch() -> None:
    plan = plan_of(0.5, n=64, units=7)
    whole = mask(plan, seed=3, step=9)
    np.testing.assert_array_equal(mask(plan, seed=3, step=9), whole)
    np.testing.assert_array_equal(mask(plan.cut(10), seed=3, step=9), whole[:10])


def test_the_rate_may_follow_a_schedule() -> None:
    plan = plan_of(0.5)
    layer = plan.steps[0].layer
    assert isinstance(layer, Dropout)
    layer.rate = 0.0
    np.testing.assert_array_equal(mask(plan), 1.0)


def test_a_rate_that_follows_a_schedule_is_that_of_the_step() -> None:
    flat_cos = SCHEDULES.get("flat_cos")()
    spec = LAYERS.get("dropout")(rate=0.4, schedule=flat_cos)
    layer = build_network([spec], (1000,)).chain.layers[0]
    ws = Scratch({"mask": np.empty((50, 1000), np.float32)})
    for step, rate in ((0, 0.4), (50, 0.4), (75, 0.2), (99, 0.4 * 9.866e-4)):
        layer.follow(Progress(step, 100, 0, 1))
        layer.draw(ws, stream(1, Purpose.DRAW, step), 0)
        assert np.mean(ws["mask"] == 0.0) == pytest.approx(rate, abs=0.01)
        assert ws["mask"].mean() == pytest.approx(1.0, abs=0.01)


def test_a_rate_follows_no_metric() -> None:
    plateau = SCHEDULES.get("reduce_on_plateau")()
    with pytest.raises(SpecError, match="progress alone"):
        LAYERS.get("dropout")(rate=0.4, schedule=plateau)
