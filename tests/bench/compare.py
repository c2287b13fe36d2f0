"""Our jobs beside other libraries', in turn, pinned, several times: ratios as a Markdown table.

    python tests/bench/compare.py --peers PEERS.py --peer torch-fused=/envs/torch/bin/python \
        [--peer keras=/envs/tf/bin/python …] [--job mnist-mlp …] [--threads 1] [--repeats 5]

PEERS.py is called as `PYTHON PEERS.py PEER JOB --threads N --epochs E` and prints one JSON line
with epoch_s (seconds of each epoch), total_s (whole process) and test_accuracy. Without peers the
table holds our own figures. MNIST must be in the cache (`dnn data fetch mnist`).

Each figure is the median over the repeats. Steady state is the shortest epoch but the first. Two
programs are never timed at the same time, and nothing else should run: on a busy machine only
ratios of neighbours mean anything, and with two threads not even those.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CONFIGS = Path(__file__).parent.parent.parent / "configs"
JOBS: dict[str, tuple[str, int, list[str]]] = {  # configuration, epochs, overrides
    "mnist-mlp": ("mnist_mlp", 3, []),
    "mnist-mlp-32": ("mnist_mlp", 3, ["training.batch_size=32"]),
    "mnist-wide": ("mnist_mlp", 3, ["model.hidden=[512, 512]"]),
    "mnist-sgd": ("mnist_sgd", 3, []),
    "mnist-cnn": ("mnist_cnn", 3, ["optimizer.schedule=null"]),
    "small-binary": ("binary_dropout", 100, []),
}


@dataclass(frozen=True)
class Timing:
    """One process: its steady epoch and its whole life, in seconds."""

    epoch: float
    total: float


def ours(job: str, threads: int, command: Sequence[str]) -> Timing:
    """Train one of our configurations in a process of its own."""
    config, epochs, overrides = JOBS[job]
    with tempfile.TemporaryDirectory() as folder:
        words = [
            *(*command, "train", str(CONFIGS / f"{config}.yaml"), "--runs", folder, "-q"),
            *(f"training.epochs={epochs}", f"training.threads={threads}", *overrides),
        ]
        began = time.perf_counter()
        subprocess.run(words, check=True, capture_output=True)
        total = time.perf_counter() - began
        lines = next(Path(folder).glob("*/timing.jsonl")).read_text().splitlines()
        seconds = [json.loads(line)["seconds"] for line in lines]
    return Timing(min(seconds[1:] or seconds), total)


def theirs(peer: str, python: str, script: str, job: str, threads: int) -> Timing:
    """Run the same job with another library."""
    words = [python, script, peer, job, "--threads", str(threads), "--epochs", str(JOBS[job][1])]
    began = time.perf_counter()
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    total = time.perf_counter() - began
    seconds = json.loads(done.stdout.splitlines()[-1])["epoch_s"]
    return Timing(min(seconds[1:] or seconds), total)


def processor() -> str:
    """The processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), "unknown")


def row(job: str, arguments: argparse.Namespace, peers: dict[str, str]) -> list[str]:
    """The cells of one job: our seconds, then for each peer ours over theirs."""
    found: dict[str, list[Timing]] = {"": [], **{name: [] for name in peers}}
    for _ in range(arguments.repeats):
        found[""].append(ours(job, arguments.threads, arguments.dnn.split()))
        for name, python in peers.items():
            if job == "mnist-cnn" and name == "sklearn":
                continue
            found[name].append(theirs(name, python, arguments.peers, job, arguments.threads))
    mine = found.pop("")
    epoch = statistics.median(t.epoch for t in mine)
    total = statistics.median(t.total for t in mine)
    cells = [job, f"{epoch:.3f}", f"{total:.2f}"]
    for timings in found.values():
        if not timings:
            cells += ["", ""]
            continue
        pairs = list(zip(mine, timings, strict=True))
        cells.append(f"{statistics.median(a.epoch / b.epoch for a, b in pairs):.2f}")
        cells.append(f"{statistics.median(a.total / b.total for a, b in pairs):.2f}")
    return cells


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--job", action="append", choices=JOBS)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--peers", default="", metavar="SCRIPT")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--dnn", default=f"{sys.executable} -m dnn_cli", help="our command")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.threads])
    peers = dict(peer.split("=", 1) for peer in arguments.peer)
    head = ["job", "epoch s", "process s"]
    for name in peers:
        head += [f"epoch / {name}", f"process / {name}"]
    print(f"{processor()}, {arguments.threads} thread(s), median of {arguments.repeats} in turn\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for job in arguments.job or JOBS:
        print("| " + " | ".join(row(job, arguments, peers)) + " |", flush=True)


if __name__ == "__main__":
    main()
