"""A preset on tables, beside published figures of other methods: a Markdown table.

    python tests/bench/tables.py DATA [--preset auto] [--table german …] [--seed 0 --seed 1 …]
        [--command dnn] [--set training.threads=1 …]

DATA holds california/california.csv, adult/adult_train.csv and adult_test.csv, and
tables/{german,phoneme,spambase,winequality-white}.csv.gz. All but Adult have a column `split`, the
parts of which are taken as they are; of Adult the official test file is the test, and a stratified
fifth of the training file, by the split's own seed, is for validation. Nothing is chosen on test
rows. Seconds are those of a whole process, reading and scoring included: with a busy machine they
mean nothing.

Score      error (1 - accuracy) of classes, RMSE of numbers, on the test rows
Mean       shifted geometric mean: exp(mean(log(score + 0.01))), an RMSE over the deviation of the
           test targets; the ratio is that of two such means over the same tables
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import math
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SHIFT = 0.01
PEERS = ("LightGBM", "scikit-learn MLP", "RealMLP-TD")


@dataclass(frozen=True)
class Table:
    """Where a table lies, what is predicted, and what others reach on its test rows."""

    path: str
    target: str
    peers: tuple[float, float, float]  # scores in the order of PEERS
    seconds: float | None = None  # of RealMLP-TD on two cores
    test: str | None = None
    task: str = "auto"


TABLES: Mapping[str, Table] = {
    "california": Table(
        "california/california.csv", "MedHouseVal", (0.4495, 0.547, 0.473), 89, task="regression"
    ),
    # The third is TabM-mini with piecewise-linear embeddings, as published.
    "adult": Table(
        "adult/adult_train.csv", "income", (0.1277, 0.146, 0.130), test="adult/adult_test.csv"
    ),
    "phoneme": Table("tables/phoneme.csv.gz", "target", (0.1129, 0.208, 0.1008), 23),
    "spambase": Table("tables/spambase.csv.gz", "target", (0.0467, 0.0598, 0.0489), 24),
    "winequality-white": Table(
        "tables/winequality-white.csv.gz",
        "target",
        (0.7147, 0.7529, 0.7395),
        22,
        task="regression",
    ),
    "german": Table("tables/german.csv.gz", "target", (0.275, 0.25, 0.30), 7),
}


@dataclass(frozen=True)
class Result:
    """One training: the metrics of its test rows, and its seconds."""

    metrics: Mapping[str, float]
    seconds: float

    @property
    def score(self) -> float:
        """The RMSE, or the share of rows that are wrong."""
        if "root_mean_squared_error" in self.metrics:
            return self.metrics["root_mean_squared_error"]
        return 1.0 - self.metrics["accuracy"]


def train(
    name: str, data: Path, preset: str, seed: int, command: str, overrides: Sequence[str]
) -> Result:
    """Train a preset in a process of its own, and measure it on the test rows."""
    table = TABLES[name]
    section: dict[str, object] = {
        "source": str((data / table.path).resolve()),
        "target": table.target,
        "task": table.task,
    }
    if table.test is None:
        section["split"] = {"column": "split"}
    else:
        section["test"] = str((data / table.test).resolve())
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "c.yaml")  # JSON is YAML
        config.write_text(json.dumps({"seed": seed, "preset": preset, "data": section}))
        run = str(Path(folder, "run"))
        began = time.perf_counter()
        words = [command, "train", str(config), "-q", "--run-dir", run, *overrides]
        subprocess.run(words, check=True, capture_output=True)
        seconds = time.perf_counter() - began
        words = [command, "evaluate", run, "--split", "test", "--json"]
        said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        return Result(json.loads(said)["metrics"], seconds)


def unit_of(name: str, data: Path) -> float:
    """What a score is divided by before the mean: the deviation of the test targets, or 1."""
    table = TABLES[name]
    if table.task != "regression":
        return 1.0
    path = data / table.path
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    return statistics.pstdev(float(row[table.target]) for row in rows)


def mean_of(scores: Sequence[float], units: Sequence[float]) -> float:
    """The shifted geometric mean."""
    logs = [math.log(score / by + SHIFT) for score, by in zip(scores, units, strict=True)]
    return math.exp(statistics.fmean(logs))


def line(name: str, results: Sequence[Result]) -> str:
    """A row of the table."""
    table, scores = TABLES[name], [one.score for one in results]
    each = " ".join(f"{score:.4f}" for score in scores)
    others = [
        f"{statistics.fmean(one.metrics[metric] for one in results):.4f}"
        if metric in results[0].metrics
        else "-"
        for metric in ("auc", "log_loss")
    ]
    seconds = f"{statistics.fmean(one.seconds for one in results):.1f}"
    theirs = "-" if table.seconds is None else f"{table.seconds:g}"
    peers = [f"{score:.4f}" for score in table.peers]
    cells = [name, f"{statistics.fmean(scores):.4f} ({each})", *others, seconds, *peers, theirs]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--preset", default="auto")
    parser.add_argument("--table", action="append", choices=TABLES)
    parser.add_argument("--seed", action="append", type=int)
    parser.add_argument("--command", default="dnn")
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    asked = parser.parse_args()
    names, seeds = asked.table or list(TABLES), asked.seed or [0, 1, 2]
    head = ["table", f"`{asked.preset}`", "AUC", "log-loss", "s", *PEERS, "its s"]
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}", flush=True)
    found: list[float] = []
    for name in names:
        results = [
            train(name, asked.data, asked.preset, seed, asked.command, asked.overrides)
            for seed in seeds
        ]
        found.append(statistics.fmean(one.score for one in results))
        print(line(name, results), flush=True)
    units = [unit_of(name, asked.data) for name in names]
    ours = mean_of(found, units)
    ratios = [
        f"{ours / mean_of([TABLES[name].peers[k] for name in names], units):.3f} of {peer}"
        for k, peer in enumerate(PEERS)
    ]
    print(f"\nShifted geometric mean {ours:.4f}: {', '.join(ratios)}.")


if __name__ == "__main__":
    main()
