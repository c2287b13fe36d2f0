"""Make `schedule_constants.json`: factors of PyTorch's schedules, step by step.

Run by hand, with an interpreter that has PyTorch: python tests/golden/make_schedule_constants.py
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import optim
from torch.optim import lr_scheduler

Options = dict[str, Any]


def rates(make: Callable[[optim.Optimizer], Any], steps: int) -> list[float]:
    optimizer = optim.SGD([torch.zeros(1)], lr=1.0)
    schedule = make(optimizer)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


def plateau(mode: str, metrics: list[float], **options: Any) -> list[float]:
    optimizer = optim.SGD([torch.zeros(1)], lr=1.0)
    schedule = lr_scheduler.ReduceLROnPlateau(optimizer, mode, **options)
    found = []
    for metric in metrics:
        found.append(optimizer.param_groups[0]["lr"])
        schedule.step(metric)
    return [*found, optimizer.param_groups[0]["lr"]]


def schedules() -> dict[str, Options]:
    """Factors at each step (one step an epoch), for our schedule of that run length."""
    down = [1.0, 0.8, 0.79995, 0.8, 0.81, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.4999, 0.4999, 0.3, 0.31]
    up = [0.1, 0.5, 0.50001, 0.5, 0.49, 0.7, 0.7, 0.7, 0.7, 0.7, 0.9, 0.9, 0.9, 0.9]
    waiting = {"decay": 0.5, "patience": 2, "final": 0.2}
    theirs = {"factor": 0.5, "patience": 2, "min_lr": 0.2}
    found: dict[str, tuple[Options, list[float]]] = {
        "step": (
            {"type": "step", "every_epochs": 4, "decay": 0.3},
            rates(lambda o: lr_scheduler.StepLR(o, 4, 0.3), 20),
        ),
        "exponential": (
            {"type": "exponential", "decay": 0.9},
            rates(lambda o: lr_scheduler.ExponentialLR(o, 0.9), 20),
        ),
        "polynomial": (
            {"type": "polynomial", "power": 2.0},
            rates(lambda o: lr_scheduler.PolynomialLR(o, 20, 2.0), 20),
        ),
        "line": ({"type": "polynomial"}, rates(lambda o: lr_scheduler.PolynomialLR(o, 20), 20)),
        "line to a tenth": (
            {"type": "polynomial", "final": 0.1},
            rates(lambda o: lr_scheduler.LinearLR(o, 1.0, 0.1, 20), 20),
        ),
        "cosine": (
            {"type": "cosine", "final": 0.05},
            rates(lambda o: lr_scheduler.CosineAnnealingLR(o, 20, 0.05), 20),
        ),
        "cosine cycles": (
            {"type": "cosine", "final": 0.05, "cycles": 4},
            rates(lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 5, 1, 0.05), 20),
        ),
        "one cycle": (
            {"type": "one_cycle"},
            rates(lambda o: lr_scheduler.OneCycleLR(o, 1.0, 20, cycle_momentum=False), 20),
        ),
        "one cycle options": (
            {"type": "one_cycle", "peak": 0.45, "start": 0.1, "final": 0.02},
            rates(
                lambda o: lr_scheduler.OneCycleLR(
                    o,
                    1.0,
                    20,
                    pct_start=0.45,
                    div_factor=10.0,
                    final_div_factor=5.0,
                    cycle_momentum=False,
                ),
                20,
            ),
        ),
    }
    cases = {name: {"schedule": s, "factors": f} for name, (s, f) in found.items()}
    for mode, metrics in (("min", down), ("max", up)):
        cases[f"plateau {mode}"] = {
            "schedule": {"type": "reduce_on_plateau", **waiting},
            "monitored": [m if mode == "min" else -m for m in metrics],
            "factors": plateau(mode, metrics, **theirs),
        }
    return cases


def main() -> None:
    parts = {
        "made by": "tests/golden/make_schedule_constants.py",
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "cases": schedules(),
    }
    path = Path(__file__).with_name("schedule_constants.json")
    path.write_text(json.dumps(parts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
