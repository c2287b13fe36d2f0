"""Make `training_constants.json`: losses of small networks trained by PyTorch's optimizers.

Run        by hand, with an interpreter that has PyTorch:
           python tests/golden/make_training_constants.py
Inputs     weights, batch and labels are drawn again by the test, by the lines of `draw` below
Runs       ten steps of a 20-16-12-3 network (relu, softmax cross-entropy) on one batch of 32, in
           float64; the losses are those before each step, without the penalty
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn, optim

torch.set_default_dtype(torch.float64)
SIZES = (20, 16, 12, 3)
Options = dict[str, Any]
Maker = Callable[[Any], optim.Optimizer]


def draw() -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Weights (inputs, outputs) and biases in turn, inputs (32, 20), class numbers (32,)."""
    rng = np.random.Generator(np.random.Philox(2024))
    parameters = []
    for i, j in pairwise(SIZES):
        parameters.append((rng.random((i, j)) - 0.5) * 2.0 * np.sqrt(6.0 / i))
        parameters.append((rng.random(j) - 0.5) * 0.2)
    inputs = (rng.random((32, SIZES[0])) - 0.5) * 3.0
    return parameters, inputs, (rng.random(32) * SIZES[-1]).astype(np.int64)


def sgd(**options: Any) -> Maker:
    return lambda groups: optim.SGD(groups, **options)


# name: our optimizer, PyTorch's with groups (weights with decay, biases without), and the rest
RUNS: dict[str, tuple[Options, Maker, Options]] = {
    "sgd": ({"type": "sgd", "learning_rate": 0.3}, sgd(lr=0.3), {}),
    "sgd decay": (
        {"type": "sgd", "learning_rate": 0.3, "weight_decay": 0.1},
        sgd(lr=0.3),
        {"weight_decay": 0.1},
    ),
    "sgd momentum": (
        {"type": "sgd", "learning_rate": 0.1, "momentum": 0.9},
        sgd(lr=0.1, momentum=0.9),
        {},
    ),
    "sgd nesterov": (
        {"type": "sgd", "learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
        sgd(lr=0.1, momentum=0.9, nesterov=True),
        {},
    ),
    "sgd clip norm": (
        {"type": "sgd", "learning_rate": 0.3, "clip_norm": 0.3},
        sgd(lr=0.3),
        {"clip_norm": 0.3},
    ),
    "sgd clip value": (
        {"type": "sgd", "learning_rate": 0.3, "clip_value": 0.02},
        sgd(lr=0.3),
        {"clip_value": 0.02},
    ),
    "sgd penalties": (
        {"type": "sgd", "learning_rate": 0.3},
        sgd(lr=0.3),
        {"penalty": {"l1": 0.01, "l2": 0.05}},
    ),
    "adagrad": (
        {"type": "adagrad", "learning_rate": 0.05},
        lambda groups: optim.Adagrad(groups, lr=0.05),
        {},
    ),
    "rmsprop": ({"type": "rmsprop"}, lambda groups: optim.RMSprop(groups), {}),
    "adadelta": ({"type": "adadelta"}, lambda groups: optim.Adadelta(groups), {}),
    "adam": (
        {"type": "adam", "learning_rate": 0.01},
        lambda groups: optim.Adam(groups, lr=0.01),
        {},
    ),
    "adam options": (
        {"type": "adam", "learning_rate": 0.02, "beta1": 0.7, "beta2": 0.95, "epsilon": 0.01},
        lambda groups: optim.Adam(groups, lr=0.02, betas=(0.7, 0.95), eps=0.01),
        {},
    ),
    "adamw": (
        {"type": "adamw", "learning_rate": 0.01, "weight_decay": 2.0},
        lambda groups: optim.AdamW(groups, lr=0.01),
        {"weight_decay": 2.0},
    ),
    "adamw defaults": ({"type": "adamw"}, lambda groups: optim.AdamW(groups), {}),
    "nadam": ({"type": "nadam"}, lambda groups: optim.NAdam(groups), {}),
    "nadam decay": (
        {"type": "nadam", "learning_rate": 0.01, "weight_decay": 1.0, "momentum_decay": 0.1},
        lambda groups: optim.NAdam(
            groups, lr=0.01, momentum_decay=0.1, decoupled_weight_decay=True
        ),
        {"weight_decay": 1.0},
    ),
}


def train(make: Maker, rest: Options) -> list[float]:
    parameters, inputs, labels = draw()
    layers: list[nn.Module] = []
    for w, b in zip(parameters[::2], parameters[1::2], strict=True):
        layers += [nn.Linear(*w.shape), nn.ReLU()]
        layers[-2].weight.data = torch.tensor(w.T.copy())
        layers[-2].bias.data = torch.tensor(b)
    network = nn.Sequential(*layers[:-1])
    x, y = torch.tensor(inputs), torch.tensor(labels)
    weights = [p for n, p in network.named_parameters() if n.endswith("weight")]
    biases = [p for n, p in network.named_parameters() if n.endswith("bias")]
    decay = {"weight_decay": rest["weight_decay"]} if "weight_decay" in rest else {}
    free = {"weight_decay": 0.0}  # AdamW's default decay is for weights, so not for these
    optimizer = make([{"params": weights, **decay}, {"params": biases, **free}])
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(x), y)
        price = rest.get("penalty", {"l1": 0.0, "l2": 0.0})
        total = loss + sum(
            price["l1"] * w.abs().sum() + price["l2"] / 2 * w.square().sum() for w in weights
        )
        total.backward()
        gradients = [p.grad for p in network.parameters()]
        if "clip_value" in rest:
            nn.utils.clip_grad_value_(network.parameters(), rest["clip_value"])
        if "clip_norm" in rest:  # by hand: clip_grad_norm_ adds 1e-6 to the norm
            norm = torch.sqrt(sum(g.square().sum() for g in gradients))
            for g in gradients:
                g *= min(1.0, rest["clip_norm"] / norm)
        optimizer.step()
        losses.append(loss.item())
    return losses


def main() -> None:
    parts = {
        "made by": "tests/golden/make_training_constants.py",
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": torch.__version__,
        },
        "cases": {
            name: {
                "optimizer": ours,
                "penalty": rest.get("penalty", {"l1": 0.0, "l2": 0.0}),
                "losses": train(make, rest),
            }
            for name, (ours, make, rest) in RUNS.items()
        },
    }
    path = Path(__file__).with_name("training_constants.json")
    path.write_text(json.dumps(parts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
