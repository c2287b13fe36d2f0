"""Make `loss_constants.json`: values and gradients of PyTorch's losses on inputs in the file.

Run by hand, with an interpreter that has PyTorch: python tests/golden/make_loss_constants.py
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

torch.set_default_dtype(torch.float64)
Options = dict[str, Any]
Rule = Callable[[Tensor, Tensor], Tensor]


def losses() -> Iterator[tuple[str, str, int, Options, Rule, Any]]:
    """Name, task and its count, our loss, PyTorch's as function of (z, t), targets."""
    labels = torch.tensor([0, 2, 1, 1, 2, 0])
    rows = torch.softmax(torch.linspace(-2.0, 2.0, 18).reshape(6, 3).sin() * 2.0, dim=1)
    yes = torch.tensor([0, 1, 1, 0, 1, 0])
    many = (torch.arange(18).reshape(6, 3) % 4 == 1).double()
    numbers = torch.linspace(-3.0, 3.0, 18).reshape(6, 3).cos() * 2.0
    weights = torch.tensor([0.5, 2.0, 1.25])
    weighted = {"a": 0.5, "b": 2.0, "c": 1.25}
    soft = "softmax_cross_entropy"

    def softmax(**options: Any) -> Rule:
        # The sum over n: PyTorch's mean divides by the sum of the weights.
        return lambda z, t: nn.functional.cross_entropy(z, t, reduction="sum", **options) / len(z)

    yield "softmax", "multiclass", 3, {"type": soft}, softmax(), labels
    yield "softmax rows", "multiclass", 3, {"type": soft}, softmax(), rows
    yield (
        "softmax smoothed",
        "multiclass",
        3,
        {"type": soft, "label_smoothing": 0.1},
        softmax(label_smoothing=0.1),
        labels,
    )
    yield (
        "softmax weighted",
        "multiclass",
        3,
        {"type": soft, "class_weights": weighted},
        softmax(weight=weights),
        labels,
    )
    for name, target in (("numbers", labels), ("rows", rows)):
        yield (
            f"softmax smoothed and weighted {name}",
            "multiclass",
            3,
            {"type": soft, "label_smoothing": 0.3, "class_weights": weighted},
            softmax(label_smoothing=0.3, weight=weights),
            target,
        )

    def binary(z: Tensor, t: Tensor, **options: Any) -> Tensor:
        return nn.functional.binary_cross_entropy_with_logits(
            z, t.reshape(z.shape).double(), **options
        )

    cross = "sigmoid_cross_entropy"
    yield "sigmoid", "binary", 2, {"type": cross}, binary, yes
    yield "sigmoid many", "multilabel", 3, {"type": cross}, binary, many
    yield (
        "sigmoid weighted and smoothed",
        "multilabel",
        3,
        {"type": cross, "positive_weight": 2.5, "label_smoothing": 0.2},
        lambda z, t: binary(z, 0.8 * t + 0.1, pos_weight=torch.tensor(2.5)),
        many,
    )

    squared = "mean_squared_error"
    yield "squared", "regression", 3, {"type": squared}, nn.functional.mse_loss, numbers
    yield (
        "squared tanh",
        "regression",
        3,
        {"type": squared, "activation": "tanh"},
        lambda z, t: nn.functional.mse_loss(z.tanh(), t),
        numbers,
    )
    yield (
        "squared binary",
        "binary",
        2,
        {"type": squared},
        lambda z, t: nn.functional.mse_loss(z.sigmoid(), t.reshape(z.shape).double()),
        yes,
    )
    yield (
        "squared classes",
        "multiclass",
        3,
        {"type": squared, "activation": "sigmoid"},
        lambda z, t: nn.functional.mse_loss(z.sigmoid(), nn.functional.one_hot(t, 3).double()),
        labels,
    )
    yield (
        "absolute",
        "regression",
        3,
        {"type": "mean_absolute_error"},
        nn.functional.l1_loss,
        numbers,
    )
    yield "huber", "regression", 3, {"type": "huber"}, nn.functional.huber_loss, numbers
    yield (
        "huber delta",
        "regression",
        3,
        {"type": "huber", "delta": 0.4},
        lambda z, t: nn.functional.huber_loss(z, t, delta=0.4),
        numbers,
    )

    yield from of_amounts((numbers + 2.1).abs() * (torch.arange(18).reshape(6, 3) % 5 > 0))
    levels = torch.tensor([0.05, 0.5, 0.8])

    def pinball(z: Tensor, t: Tensor) -> Tensor:
        e = t[:, :, None] - z.reshape(6, 3, 3)
        return torch.maximum(levels * e, (levels - 1.0) * e).mean()

    quantiles = {"type": "quantile", "quantiles": levels.tolist()}
    yield "quantile", "regression", 9, quantiles, pinball, numbers
    for gamma in (0.0, 0.5, 2.0):
        focal = {"type": "focal", "gamma": gamma}
        yield f"focal {gamma}", "multiclass", 3, focal, softmax_focal(gamma), labels
        yield f"focal binary {gamma}", "binary", 2, focal, sigmoid_focal(gamma), yes
    yield "focal many", "multilabel", 3, focal, sigmoid_focal(2.0), many
    yield (
        "balanced softmax",
        "multiclass",
        3,
        {"type": "balanced_softmax", "shares": {"a": 0.7, "b": 0.05, "c": 0.25}},
        lambda z, t: nn.functional.cross_entropy(z + torch.tensor([0.7, 0.05, 0.25]).log(), t),
        labels,
    )


def softmax_focal(gamma: float) -> Rule:
    def loss(z: Tensor, t: Tensor) -> Tensor:
        log = nn.functional.log_softmax(z, dim=1).gather(1, t[:, None])[:, 0]
        return -((1.0 - log.exp()) ** gamma * log).mean()

    return loss


def sigmoid_focal(gamma: float) -> Rule:
    def loss(z: Tensor, t: Tensor) -> Tensor:
        cost = nn.functional.binary_cross_entropy_with_logits(
            z, t.reshape(z.shape).double(), reduction="none"
        )
        return ((1.0 - (-cost).exp()) ** gamma * cost).mean()

    return loss


def of_amounts(amounts: Tensor) -> Iterator[tuple[str, str, int, Options, Rule, Any]]:
    """Half the deviances; PyTorch's own Poisson loss lacks the part of the targets alone."""

    def poisson(z: Tensor, t: Tensor) -> Tensor:
        return nn.functional.poisson_nll_loss(z, t) + (torch.xlogy(t, t) - t).mean()

    def gamma(z: Tensor, t: Tensor) -> Tensor:
        return (z - t.log() + t * (-z).exp() - 1.0).mean()

    def tweedie(p: float) -> Rule:
        def loss(z: Tensor, t: Tensor) -> Tensor:
            own = t ** (2 - p) / ((1 - p) * (2 - p))
            return (own - t * ((1 - p) * z).exp() / (1 - p) + ((2 - p) * z).exp() / (2 - p)).mean()

        return loss

    yield "poisson", "regression", 3, {"type": "poisson"}, poisson, amounts
    yield "gamma", "regression", 3, {"type": "gamma"}, gamma, amounts + 0.1
    for power in (1.1, 1.5, 1.9):
        ours = {"type": "tweedie", "power": power}
        yield f"tweedie {power}", "regression", 3, ours, tweedie(power), amounts


def loss_case(task: str, count: int, ours: Options, rule: Rule, target: Tensor) -> Options:
    z = torch.linspace(-4.0, 5.0, 6 * (1 if task == "binary" else count)).reshape(6, -1)
    z = (z * 1.7).sin() * 3.0
    z.requires_grad_()
    value = rule(z, target)
    value.backward()
    return {
        "task": task,
        "count": count,
        "loss": ours,
        "z": z.tolist(),
        "target": target.tolist(),
        "value": value.item(),
        "grad": z.grad.tolist(),
    }


def main() -> None:
    parts = {
        "made by": "tests/golden/make_loss_constants.py",
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "cases": {case[0]: loss_case(*case[1:]) for case in losses()},
    }
    path = Path(__file__).with_name("loss_constants.json")
    path.write_text(json.dumps(parts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
