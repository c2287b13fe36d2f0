"""Makes layer_constants.json with PyTorch 2.13 in float64; run by hand, never by the tests."""

import json
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

torch.set_default_dtype(torch.float64)
torch.manual_seed(20)

GRID = [0.0, 1e-9, 1e-4, 0.01, 0.3, 0.5, 1.0, 1.7, 2.5, 3.5, 5.0, 7.0, 12.0, 19.0, 40.0, 100.0, 1e4]
X = [-v for v in reversed(GRID[1:])] + GRID[1:]  # not 0, where some have no derivative

ACTIVATIONS = {
    "relu": ({}, functional.relu),
    "leaky_relu": ({"slope": 0.2}, lambda x: functional.leaky_relu(x, 0.2)),
    "elu": ({"alpha": 1.3}, lambda x: functional.elu(x, 1.3)),
    "selu": ({}, functional.selu),
    "gelu": ({}, functional.gelu),
    "gelu tanh": ({"approximate": "tanh"}, lambda x: functional.gelu(x, approximate="tanh")),
    "silu": ({}, functional.silu),
    "mish": ({}, functional.mish),
    "softplus": ({}, functional.softplus),
    "tanh": ({}, torch.tanh),
    "sigmoid": ({}, torch.sigmoid),
    # functional.hardsigmoid has 1/6 rounded to float32 in its derivative
    "hard_sigmoid": ({}, lambda x: functional.relu6(x + 3) / 6),
    "prelu": ({"slope": -0.3}, lambda x: functional.prelu(x, torch.tensor([-0.3]))),
}


def activation(options, function):
    x = torch.tensor(X, requires_grad=True)
    y = function(x)
    y.sum().backward()
    return {"options": options, "y": y.tolist(), "slope": x.grad.tolist()}


def layer(module, x, *, channels_last=False, steps=3):
    """Outputs, gradients and buffers of `steps` training batches, then an output in eval mode."""
    into = (lambda a: a.movedim(-1, 1)) if channels_last else (lambda a: a)
    back = (lambda a: a.movedim(1, -1)) if channels_last else (lambda a: a)
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    found = {"parameters": [p.tolist() for p in module.parameters()], "steps": []}
    for step in range(steps):
        batch = (torch.randn(x) * (1.0 + step) + step).requires_grad_()
        dy = torch.randn(x)
        module.zero_grad()
        y = back(module(into(batch)))
        y.backward(dy)
        found["steps"].append(
            {
                "x": batch.tolist(),
                "y": y.tolist(),
                "dy": dy.tolist(),
                "dx": batch.grad.tolist(),
                "grads": [p.grad.tolist() for p in module.parameters()],
                "buffers": [b.tolist() for b in module.buffers() if b.ndim],
            }
        )
    module.eval()
    found["eval"] = back(module(into(batch))).tolist()
    return found


if __name__ == "__main__":
    constants = {
        "made_with": f"torch {torch.__version__}",
        "x": X,
        "activations": {name: activation(*case) for name, case in ACTIVATIONS.items()},
        "batch_norm": layer(nn.BatchNorm1d(3, momentum=0.2), (5, 3)),
        "batch_norm images": layer(nn.BatchNorm2d(2), (3, 2, 2, 2), channels_last=True),
        "layer_norm": layer(nn.LayerNorm(4, eps=1e-3), (3, 4), steps=1),
        "layer_norm images": layer(nn.LayerNorm(3), (2, 2, 2, 3), steps=1),
    }
    path = Path(__file__).with_name("layer_constants.json")
    path.write_text(json.dumps(constants, indent=1) + "\n", encoding="utf-8")
