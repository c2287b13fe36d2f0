"""Reading a large table: our kernels beside pandas.read_csv, in turn, each in its own process.

    python tests/bench/reading.py [--rows 1000000] [--repeats 5] [--file TABLE.csv]

Table      20 columns: 10 numbers of 6 significant digits with gaps, 4 whole numbers, 6 categories
           of 3 to 200 levels; 1,000,000 rows are 138 MB. Made in a temporary directory, unless
           --file names one (made there if it does not exist)
Pandas     read_csv with its defaults
Kernels    `decimals` and `Levels` in a plain loop over blocks of 1 MiB, with the bounds of cells by
           the positions of separators: no header, no quotes, no check, no error

Ours       the source `csv`: columns found to be numbers or words, with positions and errors
Coded      that, and each column inferred, fitted to all rows and coded into the matrix

Seconds are from first byte to last array, imports left out; peak memory is the process's. The
best of the repeats, and ratios of neighbours; nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from dnn_cli.data.place import Place
from dnn_cli.data.readers.decimals import decimals
from dnn_cli.data.readers.levels import Levels
from dnn_cli.data.sources.csv import CsvSpec
from dnn_cli.data.spec import DataSpec
from dnn_cli.data.table import Columns
from dnn_cli.data.table_coding import SurpriseLog
from dnn_cli.data.table_fitting import fit_table

NUMBERS, WHOLE, LEVELS = 10, 4, (3, 5, 12, 40, 100, 200)
WIDTH = NUMBERS + WHOLE + len(LEVELS)
BLOCK = 1 << 20


def make(path: Path, rows: int) -> None:
    """Write the table."""
    rng = np.random.default_rng(0)
    words = [
        [f"{'level'[: 1 + c]}-{n * 7919 % 1000}" for n in range(k)] for c, k in enumerate(LEVELS)
    ]
    names = [*(f"x{n}" for n in range(NUMBERS)), *(f"n{n}" for n in range(WHOLE))]
    names += [f"c{n}" for n in range(len(LEVELS))]
    with path.open("w", encoding="ascii") as file:
        file.write(",".join(names) + "\n")
        for first in range(0, rows, 10_000):
            n = min(10_000, rows - first)
            columns = []
            for scale in range(NUMBERS):
                numbers = rng.normal(size=n) * 10.0 ** (scale % 5)
                gaps = rng.random(n) < 0.05
                cells = [f"{x:.6g}" for x in numbers.tolist()]
                columns.append(["" if gap else x for gap, x in zip(gaps, cells, strict=True)])
            for size in range(WHOLE):
                columns.append([str(x) for x in rng.integers(-9, 10 ** (2 + 2 * size), n).tolist()])
            for levels in words:
                columns.append([levels[k] for k in rng.integers(0, len(levels), n).tolist()])
            file.writelines(",".join(row) + "\n" for row in zip(*columns, strict=True))


def with_pandas(path: Path) -> float:
    """Seconds of pandas.read_csv."""
    import pandas  # type: ignore[import-untyped]

    began = time.perf_counter()
    frame = pandas.read_csv(path)
    assert frame.shape[1] == WIDTH
    return time.perf_counter() - began


def with_kernels(path: Path) -> float:
    """Seconds of the kernels over all cells of the same file."""
    numeric = NUMBERS + WHOLE
    columns = [Levels() for _ in LEVELS]
    numbers, codes, rest = list[np.ndarray](), list[np.ndarray](), b""
    began = time.perf_counter()
    with path.open("rb") as file:
        file.readline()
        while data := file.read(BLOCK):
            whole, _, rest = (rest + data).rpartition(b"\n")
            block = np.frombuffer(whole + b"\n", np.uint8)
            separators = np.flatnonzero((block == ord(",")) | (block == ord("\n")))
            ends = separators.reshape(-1, WIDTH)
            starts = np.concatenate([[0], separators[:-1] + 1]).reshape(-1, WIDTH)
            values, _ = decimals(block, starts[:, :numeric].ravel(), ends[:, :numeric].ravel())
            numbers.append(values.reshape(-1, numeric))
            bounds = zip(columns, starts.T[numeric:], ends.T[numeric:], strict=True)
            codes.append(np.stack([column.codes(block, s, e) for column, s, e in bounds], 1))
    np.concatenate(numbers), np.concatenate(codes)
    return time.perf_counter() - began


def with_ours(path: Path) -> float:
    """Seconds of the source `csv`."""
    began = time.perf_counter()
    table = next(CsvSpec(path=path).tables(Columns()))
    assert len(table.columns or ()) == WIDTH
    return time.perf_counter() - began


def coded(path: Path) -> float:
    """Seconds of reading, inferring, fitting and coding."""
    began = time.perf_counter()
    source = CsvSpec(path=path)
    table = next(source.tables(Columns()))
    place, rows = Place.of(table), np.arange(table.rows)
    coding, _ = fit_table(table.columns or {}, rows, DataSpec(source=source), place)
    coding.encode(table.columns or {}, place, SurpriseLog())
    return time.perf_counter() - began


READERS = {"pandas": with_pandas, "kernels": with_kernels, "ours": with_ours, "coded": coded}


def alone(reader: str, path: Path) -> dict[str, float]:
    """Seconds and peak MB of one reader in a process of its own."""
    words = [sys.executable, __file__, "--reader", reader, "--file", str(path)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Make the table, time the readers and print a table of figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--reader", choices=READERS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.reader:
        seconds = READERS[asked.reader](asked.file)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": seconds, "peak": peak}))
        return
    names = list(READERS)
    if importlib.util.find_spec("pandas") is None:
        print("pandas is not installed: our own figures alone\n")
        names.remove("pandas")
    with tempfile.TemporaryDirectory() as folder:
        path = asked.file or Path(folder) / "table.csv"
        if not path.exists():
            make(path, asked.rows)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
        for _ in range(asked.repeats):
            for name in names:
                found[name].append(alone(name, path))
        size = path.stat().st_size
    print(f"{size / 1e6:.0f} MB, best of {asked.repeats} in turn\n")
    print("| reader | seconds | MB/s | peak MB | time / pandas | peak / pandas |")
    print("|---|---|---|---|---|---|")
    for name, runs in found.items():
        seconds, peak = (min(run[key] for run in runs) for key in ("seconds", "peak"))
        ratios = [
            statistics.median(a[key] / b[key] for a, b in zip(runs, found["pandas"], strict=True))
            for key in ("seconds", "peak")
            if "pandas" in found
        ]
        cells = [name, f"{seconds:.2f}", f"{size / seconds / 1e6:.0f}", f"{peak:.0f}"]
        print("| " + " | ".join([*cells, *(f"{ratio:.2f}" for ratio in ratios)]) + " |")


if __name__ == "__main__":
    main()
