"""The least that a training step takes in NumPy: its calls and nothing else, beside the engine's.

    python tests/bench/floor.py [--hidden 512 512] [--batch 128] [--rounds 60]

Limit      the multiply-adds of a step at the rate of a product of 512 x 512 x 512
Bare       the NumPy calls of a step of a dense ReLU network with softmax and Adam, every view made
           beforehand, one after another from a list: no loop, no check, no bookkeeping. Those of
           the layers are a plan's own; loss and update are one call each of the engine's
Engine     the step that users get, in pieces of ten in turn with ten bare ones

One core; MNIST must be in the cache (`dnn data fetch mnist`). Medians, and ratios of neighbours.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is loaded

import argparse
import statistics
import time
from functools import partial
from itertools import cycle
from pathlib import Path

import numpy as np

from dnn_cli.app.build import build
from dnn_cli.base.types import Call
from dnn_cli.config.load import load_config
from dnn_cli.nn.execution.plan import Step
from dnn_cli.nn.layers.dense import Dense
from dnn_cli.nn.loss import loss_scratch
from dnn_cli.training.loop import Stepper
from dnn_cli.training.profile import product_rate
from dnn_cli.training.session import Session

CONFIG = Path(__file__).parent.parent.parent / "configs" / "mnist_mlp.yaml"
PIECE = 10  # steps timed at once
clock = time.perf_counter
Timed = tuple[str, Call]  # what for, and a call


def bare_step(s: Session) -> list[Timed]:
    """The calls of one step of `s`, which is used up, on a batch of the rows of an epoch."""
    n, data, arena = s.train.batch_size, s.train.dataset, s.network.arena
    plan = s.network.plan(n, train=True)
    targets = np.empty(n, data.target_dtype)
    scratch = loss_scratch(s.loss, n, arena.params.dtype)
    assert data.targets is not None
    batches = cycle(s.train.order(0)[: data.rows // n * n].reshape(-1, n))
    chosen, raw = np.empty(n, np.intp), np.empty((n, *data.inputs.shape[1:]), data.inputs.dtype)

    def gather() -> None:
        np.copyto(chosen, next(batches))

    calls: list[Timed] = [
        ("gather", gather),
        ("gather", partial(data.inputs.take, chosen, 0, raw, "clip")),
        ("gather", partial(np.copyto, plan.x, raw)),
        ("gather", partial(np.multiply, plan.x, np.float32(1 / 255), plan.x)),
        ("gather", partial(data.targets.take, chosen, 0, targets, "clip")),
    ]
    for step in plan.steps:
        calls += [(part_of(step, call), call) for call in step.forward(True)]
    calls.append(("loss", partial(s.loss.value_and_grad, plan.y, targets, plan.dy, scratch)))
    for step in reversed(plan.steps):
        calls += [(part_of(step, call), call) for call in step.backward()]
    calls.append(("norm", partial(np.dot, arena.grads, arena.grads)))
    calls.append(("Adam", partial(s.optimizer.step, 1e-3)))
    return calls


def part_of(step: Step, call: Call) -> str:
    """The layer's kind; of a dense layer what multiplies by or makes W, or what its bias takes."""
    if not isinstance(step.layer, Dense):
        return type(step.layer).__name__.lower()
    assert isinstance(call, partial)
    return "products" if call.func is np.matmul and call.args[0].shape[-2] > 1 else "bias"


def run(calls: list[Timed]) -> float:
    """Seconds a bare step, of a piece."""
    began = clock()
    for _ in range(PIECE):
        for _, call in calls:
            call()
    return (clock() - began) / PIECE


def run_apart(calls: list[Timed]) -> dict[str, float]:
    """The same by part."""
    found: dict[str, float] = {}
    last = clock()
    for _ in range(PIECE):
        for part, call in calls:
            call()
            now = clock()
            found[part] = found.get(part, 0.0) + (now - last) / PIECE
            last = now
    return found


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hidden", type=int, nargs="+", default=[128])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=60)
    asked = parser.parse_args()
    words = [f"model.hidden={asked.hidden}", f"training.batch_size={asked.batch}"]
    built = build(load_config(CONFIG, [*words, "training.threads=1"]))
    session, calls = built.session(), bare_step(built.session())
    engine, bare, parts, rates = list[float](), list[float](), list[dict[str, float]](), []
    with Stepper(session) as stepper, np.errstate(all="ignore"):

        def run_engine() -> float:
            began = clock()
            for _ in range(PIECE):
                session.index %= session.train.steps - 1  # all batches are of the same size
                stepper.advance(clock, 0.0)
            return (clock() - began) / PIECE

        for _ in range(asked.rounds):
            run_engine()  # each piece finds in cache what one of its kind has left
            engine.append(run_engine())
            run(calls)
            bare.append(run(calls))
            parts.append(run_apart(calls))
            rates.append(product_rate(clock))
    operations = 2 * sum(
        one.layer.operations() * asked.batch * (2 + (one.dx is not None))
        for one in stepper.part.plan.steps
    )
    limit = operations / max(rates)
    print(f"784-{'-'.join(map(str, asked.hidden))}-10, batch {asked.batch}\n")
    print("| part | µs | over the limit |\n|---|---|---|")
    rows = {"limit": limit} | {k: statistics.median(p[k] for p in parts) for k in parts[0]}
    rows |= {"bare": statistics.median(bare), "engine": statistics.median(engine)}
    for name, seconds in rows.items():
        print(f"| {name} | {seconds * 1e6:,.0f} | {seconds / limit:.2f} |")
    ratio = statistics.median(b / e for b, e in zip(bare, engine, strict=True))
    print(f"\nbare over engine, neighbours: {ratio:.3f}")


if __name__ == "__main__":
    main()
