"""Make `tabular_constants.json`: layers and networks for tables, written with PyTorch.

Run        by hand, with an interpreter that has PyTorch (1.13 was used):
           python tests/golden/make_tabular_constants.py
Layers     parameters, x and dy drawn at random; y, dx and the gradient of every parameter
Networks   a small RealMLP, TabM-mini and TabM: ten steps of AdamW on one batch of 24 with learning
           rates and decays by parameter and by step; the losses before each step, the outputs
           and the parameters after the last one
Precision  float64; every backward pass is that of autograd
"""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

torch.set_default_dtype(torch.float64)
generator = torch.Generator().manual_seed(16)
Parameters = dict[str, Tensor]
BINS = [[-1.0, -0.2, 0.1, 0.7], [-2.0, -0.5, 0.5, 1.5]]  # edges of two columns


def normal(*shape: int, deviation: float = 1.0) -> Tensor:
    return torch.randn(*shape, generator=generator) * deviation


def bins(x: Tensor) -> Tensor:
    """What x comes to within the bins of its column: below the first and above the last too."""
    columns = []
    for number, edges in zip(x.T, torch.tensor(BINS), strict=True):
        e = (number[:, None] - edges[:-1]) / edges.diff()
        first, last = e[:, :1].clamp(max=1.0), e[:, -1:].clamp(min=0.0)
        columns.append(torch.cat([first, e[:, 1:-1].clamp(0.0, 1.0), last], dim=1))
    return torch.stack(columns, dim=1)


def piecewise_linear(x: Tensor, p: Parameters) -> Tensor:
    numbers = x[:, : len(BINS)]
    return torch.cat([torch.einsum("nct,cte->nce", bins(numbers), p["W"]).flatten(1), x], dim=1)


def periodic(x: Tensor, p: Parameters) -> Tensor:
    numbers = x[:, : len(p["w"])]
    wave = torch.cos(2.0 * math.pi * numbers[:, :, None] * p["w"] + p["s"])
    z = torch.einsum("nch,che->nce", wave, p["W"]) + p["b"]
    return torch.cat([z.flatten(1), x], dim=1)


def periodic_relu(x: Tensor, p: Parameters) -> Tensor:
    numbers = x[:, : len(p["w"])]
    angles = 2.0 * math.pi * numbers[:, :, None] * p["w"]
    waves = torch.cat([torch.cos(angles), torch.sin(angles)], dim=2)
    if len(p["W"]) == 1:  # one linear layer for all columns
        z = functional.linear(waves, p["W"][0].T, p["b"][0])
    else:
        z = torch.einsum("nch,che->nce", waves, p["W"]) + p["b"]
    return torch.cat([functional.relu(z).flatten(1), x], dim=1)


def scale(x: Tensor, p: Parameters) -> Tensor:
    return x * p["s"]


def member_scale(x: Tensor, p: Parameters) -> Tensor:
    return (x[:, None, :] if x.ndim == 2 else x) * p["r"]


def dense(x: Tensor, p: Parameters) -> Tensor:
    return functional.linear(x, p["W"].T, p.get("b"))


def ntk_dense(x: Tensor, p: Parameters) -> Tensor:
    return functional.linear(x, p["W"].T / math.sqrt(x.shape[-1]), p.get("b"))


def member_dense(x: Tensor, p: Parameters) -> Tensor:
    return torch.einsum("nki,kij->nkj", x, p["W"]) + p["b"]


def ntk_member_dense(x: Tensor, p: Parameters) -> Tensor:
    return torch.einsum("nki,kij->nkj", x, p["W"] / math.sqrt(x.shape[-1])) + p["b"]


def batch_ensemble(x: Tensor, p: Parameters) -> Tensor:
    x = x[:, None, :] if x.ndim == 2 else x
    return functional.linear(x * p["r"], p["W"].T) * p["s"] + p["b"]


def parametric(f: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Parameters], Tensor]:
    return lambda x, p: x + p["a"] * (f(x) - x)


NTK = {"parametrization": "ntk"}
Layer = tuple[str, dict[str, Any], Callable[[Tensor, Parameters], Tensor], Parameters]


def embeddings() -> dict[str, Layer]:
    wave = {
        "w": normal(2, 5),
        "W": normal(2, 5, 3),
        "s": normal(2, 5),
        "b": normal(2, 3),
    }
    return {
        "piecewise_linear": (
            "piecewise_linear",
            {"columns": 2, "bins": 3, "embedding": 3},
            piecewise_linear,
            {"W": normal(2, 3, 3)},
        ),
        "periodic": (
            "periodic",
            {"columns": 2, "frequencies": 5, "embedding": 3},
            periodic,
            wave,
        ),
    }


def layers() -> dict[str, tuple[Layer, tuple[int, ...]]]:
    """Each layer and the shape of the examples it is tried on."""
    four, pair = {"units": 4}, {"W": normal(5, 4), "b": normal(4)}
    own = {"W": normal(3, 5, 4), "b": normal(3, 4)}
    ensemble = {"W": normal(5, 4), "b": normal(3, 4), "r": normal(3, 5), "s": normal(3, 4)}
    shared = {"units": 4, "members": 3}
    found: dict[str, tuple[Layer, tuple[int, ...]]] = {
        "scale": (("scale", {}, scale, {"s": normal(5)}), (5,)),
        "ntk dense": (("dense", {**four, **NTK}, ntk_dense, pair), (5,)),
        "ntk dense of members": (("dense", {**four, **NTK}, ntk_dense, pair), (3, 5)),
        "member_scale": (
            ("member_scale", {"members": 3}, member_scale, {"r": normal(3, 5)}),
            (5,),
        ),
        "member_scale of members": (
            ("member_scale", {"members": 3}, member_scale, {"r": normal(3, 5)}),
            (3, 5),
        ),
        "member_dense": (("member_dense", four, member_dense, own), (3, 5)),
        "ntk member_dense": (("member_dense", {**four, **NTK}, ntk_member_dense, own), (3, 5)),
        "batch_ensemble": (("batch_ensemble", shared, batch_ensemble, ensemble), (5,)),
        "batch_ensemble of members": (
            ("batch_ensemble", shared, batch_ensemble, ensemble),
            (3, 5),
        ),
    }
    for name, layer in embeddings().items():
        found[name] = (layer, (4,))
    for name, f in (("selu", functional.selu), ("mish", functional.mish)):
        options = {"activation": name}
        found[f"parametric {name}"] = (
            ("parametric", options, parametric(f), {"a": normal(5)}),
            (5,),
        )
    for name, columns in (("periodic_relu", 2), ("periodic_relu shared", 1)):
        options = {"columns": 2, "frequencies": 5, "embedding": 3, "shared": columns == 1}
        pair = {"w": normal(2, 5), "W": normal(columns, 10, 3), "b": normal(columns, 3)}
        found[name] = (("periodic_relu", options, periodic_relu, pair), (4,))
    return found


def lists(tensors: Parameters) -> dict[str, Any]:
    return {name: tensor.tolist() for name, tensor in tensors.items()}


def one_layer(layer: Layer, shape: tuple[int, ...]) -> dict[str, Any]:
    kind, options, function, parameters = layer
    for p in parameters.values():
        p.requires_grad_()
        p.grad = None
    x = normal(6, *shape).requires_grad_()
    y = function(x, parameters)
    dy = normal(*y.shape)
    y.backward(dy)
    return {
        "type": kind,
        "options": options,
        "parameters": lists(parameters),
        "x": x.tolist(),
        "y": y.tolist(),
        "dy": dy.tolist(),
        "dx": x.grad.tolist(),
        "grads": lists({name: p.grad for name, p in parameters.items()}),
    }


def coslog4(t: float) -> float:
    return 0.5 * (1.0 - math.cos(2.0 * math.pi * math.log2(1.0 + 15.0 * t)))


def flat_cos(t: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * (max(1.0, 2.0 * t) - 1.0)))


def networks() -> dict[str, dict[str, Any]]:
    """Layers, loss and optimizer of each network."""
    embedded = embeddings()
    slow, quick = {"bias_learning_rate_factor": 0.1}, {"learning_rate_factor": 6.0}
    tenth = {"learning_rate_factor": 0.1}

    def changed(layer: Layer, options: dict[str, Any]) -> Layer:
        return (layer[0], {**layer[1], **options}, *layer[2:])

    def ntk(i: int, j: int) -> Layer:
        options = {"units": j, **NTK, **slow}
        return ("dense", options, ntk_dense, {"W": normal(i, j), "b": normal(j)})

    def heads(k: int, i: int, j: int, options: dict[str, Any]) -> Layer:
        function = ntk_member_dense if options else member_dense
        deviation = 1.0 if options else 1.0 / math.sqrt(i)
        parameters = {"W": normal(k, i, j, deviation=deviation), "b": normal(k, j)}
        return ("member_dense", {"units": j, **options}, function, parameters)

    def activation(name: str, j: int) -> Layer:
        f = {"mish": functional.mish, "selu": functional.selu}[name]
        return ("parametric", {"activation": name, **tenth}, parametric(f), {"a": torch.ones(j)})

    def ensemble(i: int, j: int, first: bool) -> Layer:
        r = normal(3, i) if first else torch.ones(3, i)
        own = {"W": normal(i, j, deviation=1.0 / math.sqrt(i)), "b": normal(3, j, deviation=0.1)}
        parameters = {**own, "r": r, "s": torch.ones(3, j)}
        return ("batch_ensemble", {"units": j, "members": 3}, batch_ensemble, parameters)

    relu: Layer = ("relu", {}, lambda x, p: functional.relu(x), {})
    factors: Layer = ("scale", quick, scale, {"s": torch.ones(10)})
    cosines = changed(embedded["periodic"], tenth)
    recipe = {"learning_rate": 0.04, "beta2": 0.95, "weight_decay": 0.02}
    return {
        "realmlp": {
            "layers": [
                cosines,
                factors,
                ntk(10, 8),
                activation("mish", 8),
                ntk(8, 8),
                activation("mish", 8),
                ntk(8, 1),
            ],
            "loss": "mean_squared_error",
            "optimizer": {**recipe, "learning_rate": 0.2},
            "scheduled": True,
        },
        "tabm_mini": {
            "layers": [
                embedded["piecewise_linear"],
                ("scale", quick, scale, {"s": torch.ones(10)}),
                ("member_scale", {"members": 3}, member_scale, {"r": normal(3, 10)}),
                ntk(10, 8),
                activation("selu", 8),
                ntk(8, 8),
                activation("selu", 8),
                heads(3, 8, 4, {**NTK, **slow}),
            ],
            "loss": "softmax_cross_entropy",
            "optimizer": recipe,
            "scheduled": True,
        },
        "tabm": {
            "layers": [
                embeddings()["piecewise_linear"],
                ensemble(10, 8, True),
                relu,
                ensemble(8, 8, False),
                relu,
                heads(3, 8, 4, {}),
            ],
            "loss": "softmax_cross_entropy",
            "optimizer": {"learning_rate": 0.002, "beta2": 0.999, "weight_decay": 3e-4},
            "scheduled": False,
        },
    }


def factor(options: dict[str, Any], name: str) -> float:
    """By which a parameter's learning rate is multiplied."""
    own: float = options.get("learning_rate_factor", 1.0)
    return own * (options.get("bias_learning_rate_factor", 1.0) if name == "b" else 1.0)


def train(case: dict[str, Any]) -> dict[str, Any]:
    drawn, options = case["layers"], case["optimizer"]
    before = [lists(layer[3]) for layer in drawn]
    x = normal(24, 4)
    classes = torch.randint(4, (24,), generator=generator)
    numbers = normal(24, 1)
    groups = []
    for kind, given, _, parameters in drawn:
        for name, p in parameters.items():
            p.requires_grad_()
            free = name == "b" or (kind == "periodic" and name == "s")
            rate = options["learning_rate"] * factor(given, name)
            groups.append(
                {"params": [p], "full": rate, "decay": 0.0 if free else options["weight_decay"]}
            )
    optimizer = torch.optim.AdamW(groups, betas=(0.9, options["beta2"]), eps=1e-8)

    def forward() -> Tensor:
        y = x
        for _, _, function, parameters in drawn:
            y = function(y, parameters)
        return y

    losses = []
    for step in range(10):
        t = step / 10.0
        for group in optimizer.param_groups:
            group["lr"] = group["full"] * (coslog4(t) if case["scheduled"] else 1.0)
            group["weight_decay"] = group["decay"] * (flat_cos(t) if case["scheduled"] else 1.0)
        optimizer.zero_grad()
        y = forward()
        if case["loss"] == "mean_squared_error":
            loss = functional.mse_loss(y, numbers)
        else:  # the mean over the members, with smoothed labels
            repeated = classes[:, None].expand(-1, y.shape[1]).reshape(-1)
            loss = functional.cross_entropy(y.flatten(0, 1), repeated, label_smoothing=0.1)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {
        "layers": [
            {"type": kind, "options": given, "before": first, "after": lists(parameters)}
            for (kind, given, _, parameters), first in zip(drawn, before, strict=True)
        ],
        "loss": case["loss"],
        "optimizer": options,
        "learning_rate_shares": [coslog4(s / 10) if case["scheduled"] else 1.0 for s in range(10)],
        "decay_shares": [flat_cos(s / 10) if case["scheduled"] else 1.0 for s in range(10)],
        "x": x.tolist(),
        "target": (numbers if case["loss"] == "mean_squared_error" else classes).tolist(),
        "losses": losses,
        "y": forward().tolist(),
    }


def main() -> None:
    constants = {
        "made by": "tests/golden/make_tabular_constants.py",
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "edges": BINS,
        "layers": {name: one_layer(*case) for name, case in layers().items()},
        "networks": {name: train(case) for name, case in networks().items()},
    }
    path = Path(__file__).with_name("tabular_constants.json")
    path.write_text(json.dumps(constants) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
