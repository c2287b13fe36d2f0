"""Schedules against PyTorch's, and at the ends of a run."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from dnn_cli.nn.schedule import SCHEDULES, Progress

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "schedule_constants.json").read_text(encoding="utf-8")
)["cases"]


@pytest.mark.parametrize("name", GOLDEN)
def test_factors_are_pytorchs(name: str) -> None:
    case = GOLDEN[name]
    options, steps = dict(case["schedule"]), len(case["factors"])
    factor = SCHEDULES.get(options.pop("type"))(**options).build()
    history = case.get("monitored", [])
    found = [factor(Progress(t, steps, t, steps, history[:t])) for t in range(steps)]
    np.testing.assert_allclose(found, case["factors"], rtol=1e-12, atol=1e-15)


def test_every_schedule_has_constants() -> None:
    covered = {case["schedule"]["type"] for case in GOLDEN.values()}
    assert covered | {"constant", "coslog4", "flat_cos"} == set(SCHEDULES.names())


def at(name: str, share: float) -> float:
    """The factor after a `share` of a million steps."""
    return SCHEDULES.get(name)().factor(Progress(round(share * 1_000_000), 1_000_000, 0, 1))


def test_coslog4_falls_to_nothing_at_the_published_places() -> None:
    for share in (0.0, 1 / 15, 3 / 15, 7 / 15, 1.0):
        assert at("coslog4", share) == pytest.approx(0.0, abs=1e-6)
    for k in range(4):  # and is whole in the middle of each cycle, on the logarithmic axis
        assert at("coslog4", (2 ** (k + 0.5) - 1) / 15) == pytest.approx(1.0, abs=1e-9)


def test_flat_cos_is_flat_and_then_half_a_cosine() -> None:
    assert [at("flat_cos", share) for share in (0.0, 0.25, 0.5)] == [1.0, 1.0, 1.0]
    assert at("flat_cos", 0.75) == pytest.approx(0.5)
    assert at("flat_cos", 2 / 3) == pytest.approx(0.75, abs=1e-5)
    assert at("flat_cos", 1.0) == pytest.approx(0.0)


def plateau(history: list[float], **options: float) -> float:
    spec = SCHEDULES.get("reduce_on_plateau")(decay=0.5, patience=1, **options)
    return spec.factor(Progress(0, 10, len(history), 10, history))


def test_a_plateau_counts_what_is_not_a_number_as_no_improvement() -> None:
    assert plateau([1.0, math.nan]) == 1.0
    assert plateau([1.0, math.nan, math.nan]) == 0.5
    assert plateau([math.nan, 1.0, 0.9, 0.8]) == 1.0
    assert plateau([math.inf, math.inf]) == 0.5


def test_a_plateau_treats_negated_metrics_alike() -> None:
    assert plateau([-0.5, -0.5, -0.5]) == 0.5
    assert plateau([-0.5, -0.504, -0.504], threshold=0.01) == 0.5
    assert plateau([-0.5, -0.506, -0.506], threshold=0.01) == 1.0


def test_a_plateau_ends_at_its_final_share() -> None:
    assert plateau([1.0] * 50, final=0.2) == 0.2


def test_a_grown_history_is_replayed_even_if_it_is_the_same_list() -> None:
    history = [1.0]
    factor = SCHEDULES.get("reduce_on_plateau")(patience=0).build()
    progress = Progress(0, 10, 0, 10, history)
    assert factor(progress) == 1.0
    history.append(1.0)
    assert factor(progress) == pytest.approx(0.1)


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 10])
@pytest.mark.parametrize("peak", [0.1, 0.25, 0.5, 0.9])
def test_one_cycle_ends_at_the_last_step_of_the_shortest_run(peak: float, steps: int) -> None:
    spec = SCHEDULES.get("one_cycle")(peak=peak, final=0.01)
    found = [spec.factor(Progress(t, steps, 0, 1)) for t in range(steps)]
    assert found[-1] == pytest.approx(0.01)
    assert max(found) <= 1.0


@pytest.mark.parametrize("name", ["step", "exponential"])
def test_falls_wait_for_the_end_of_an_epoch(name: str) -> None:
    spec = SCHEDULES.get(name)(decay=0.5, **({"every_epochs": 1} if name == "step" else {}))
    found = [spec.factor(Progress(t, 12, t // 4, 3)) for t in range(12)]
    assert found == [1.0] * 4 + [0.5] * 4 + [0.25] * 4
