"""Outputs and gradients of convolution and pooling, from PyTorch in float64.

Run by hand: python tests/golden/make_convolution_constants.py  (needs torch)
Inputs are regenerated in the test from the same Philox streams; PyTorch's images are (n, c, h, w).
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

CASES = {
    "conv2d valid": ("conv", dict(stride=1, padding=0, dilation=1)),
    "conv2d strided": ("conv", dict(stride=2, padding=0, dilation=1)),
    "conv2d dilated": ("conv", dict(stride=1, padding=0, dilation=2)),
    "conv2d same": ("conv", dict(stride=1, padding=1, dilation=1)),
    "depthwise": ("depthwise", dict(stride=1, padding=0)),
    "max 2": ("max", dict(kernel_size=2, stride=2)),
    "max 3 by 2": ("max", dict(kernel_size=3, stride=2)),
    "average 2": ("average", dict(kernel_size=2, stride=2)),
}


def draw(*shape: int, key: int) -> torch.Tensor:
    rng = np.random.Generator(np.random.Philox(key=[key, 0]))
    return torch.tensor(rng.normal(size=shape))


def main() -> None:
    found = {}
    for name, (kind, options) in CASES.items():
        x = draw(2, 7, 6, 3, key=1).permute(0, 3, 1, 2).clone().requires_grad_()
        w = b = None
        if kind == "conv":
            w = draw(3, 3, 3, 4, key=2).permute(3, 2, 0, 1).clone().requires_grad_()
            b = draw(4, key=3).requires_grad_()
            y = functional.conv2d(x, w, b, **options)
        elif kind == "depthwise":
            w = draw(3, 3, 3, 2, key=4).permute(2, 3, 0, 1).reshape(6, 1, 3, 3).clone()
            w.requires_grad_()
            b = draw(6, key=3).requires_grad_()
            y = functional.conv2d(x, w, b, groups=3, **options)
        elif kind == "max":
            y = functional.max_pool2d(x, **options)
        else:
            y = functional.avg_pool2d(x, **options)
        shown = y.permute(0, 2, 3, 1)
        (shown * draw(*shown.shape, key=5)).sum().backward()
        record = {"y": shown.detach().numpy(), "dx": x.grad.permute(0, 2, 3, 1).numpy()}
        if w is not None and b is not None:
            if kind == "conv":
                record["dW"] = w.grad.permute(2, 3, 1, 0).numpy()
            else:
                record["dW"] = w.grad.reshape(3, 2, 3, 3).permute(2, 3, 0, 1).numpy()
            record["db"] = b.grad.numpy()
        found[name] = {
            key: {
                "shape": list(a.shape),
                "sum": float(a.sum()),
                "first": a.ravel()[:12].tolist(),
                "norm": float(np.sqrt((a**2).sum())),
            }
            for key, a in record.items()
        }
    document = {"made by": f"torch {torch.__version__}", "cases": found}
    target = Path(__file__).with_name("convolution_constants.json")
    target.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
