"""Writes the seeds under `corpus/`: a few small inputs of each target, good and bad.

    python tests/attacks/make_corpus.py

Nothing random or timed is in them: made again with the same versions, they are the same bytes.
Versions and weights in checkpoints are fixed; packed data depend on zlib, images on Pillow.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from seeds_of_data import csvs, examined, idxs, images, npys, npzs, texts
from seeds_of_runs import bad_schemas, checkpoints, documents, logs, schemas
from seeds_of_tables import arrows, column_archives, field_arrays, jsonls, parquets
from target_config import BASE

HERE = Path(__file__).parent
CONFIGS = HERE.parents[1] / "configs"
_SNIPPETS = r"""
data: {source: churn.csv, target: churned}
data: {source: {type: npz, path: a.npz, inputs: x}, task: regression, scale: robust}
data: {source: {type: idx, images: a.gz, labels: b.gz}, target: inputs}
data: {source: {type: synthetic, kind: moons, rows: 60}, augment: {shift: 1, noise: 0.1}}
{data: {source: -}, model: {hidden: [8, 8], activation: {type: elu, alpha: 0.5}}}
{data: {source: a.csv}, model: {layers: [{type: residual, layers: [relu]}, softmax]}}
{data: {source: a.csv}, optimizer: {type: adamw, schedule: {type: cosine, warmup: 0.1}}}
{data: {source: a.csv}, training: {early_stopping: {metric: valid.loss, patience: 2}}}
{data: {source: a.csv}, training: {stop_when: {train.loss: 0.1}, penalty: {l2: 0.01}}}
{data: {source: a.csv}, loss: {type: focal, gamma: 2}, seed: 9223372036854775807}
{extends: base.yaml, seed: 3, model: {hidden: [4]}}
{extends: a.yaml}
{data: {source: a.csv, target: [a, -1, "é\x41\u202e"], exclude: ['x', "y"]}}
data: &a {source: a.csv}
data: !!python/object/apply:os.system [id]
<<: *a
seed: 010
seed: 1:30
seed: .nan
seed: 1e999
[1, 2]
"""


def configs() -> Iterable[bytes]:
    """The configurations of the repository, short ones, and ones that are refused."""
    yield BASE
    yield from (path.read_bytes() for path in sorted(CONFIGS.glob("*.yaml")))
    yield from (line.encode() for line in _SNIPPETS.strip().split("\n"))
    yield b"? data\n: source: a.csv\n---\n"
    yield b"data:\n  source: >-\n    a.csv\n  target: |\n    y\n"
    yield b"%YAML 1.1\n---\nseed: 1\n...\n---\nseed: 2\n"
    yield b"\xef\xbb\xbfdata: {source: a.csv}\r\nseed: 1\r\n"
    yield b"\xff\xfes\0e\0"
    yield b"[" * 60
    yield b"data: {source: a.csv}\ndata: {source: b.csv}\n"


def overrides() -> Iterable[bytes]:
    """One word a line."""
    yield b"seed=1"
    yield b"optimizer.learning_rate=0.01\nmodel.layers.0.units=5"
    yield b"model.layers=[dense, {type: dropout, rate: 0.5}]"
    yield b"model.layers.7.units=5"
    yield b"optimizer=sgd\noptimizer.schedule=cosine"
    yield b"optimizer.schedule.type=step\noptimizer.schedule.every=3"
    yield b"training.stop_when.valid.loss=0.1"
    yield b"data.source.path=b.csv"
    yield b"data={source: {type: npy, path: a.npy}}"
    yield b"model.layers=null\nmodel.hidden=[3, 4]"
    yield b"=1\nseed\nseed.=1\n.seed=1"
    yield b"name=\xff\xfe"
    yield b"seed=!!int 1\nseed=&a 1\nseed=*a"


SEEDS = {
    "config": configs,
    "overrides": overrides,
    "npy": npys,
    "npz": npzs,
    "idx": idxs,
    "csv": csvs,
    "examination": examined,
    "jsonl": jsonls,
    "npy_fields": field_arrays,
    "npz_columns": column_archives,
    "parquet": parquets,
    "arrow": arrows,
    "text": texts,
    "image": images,
    "checkpoint": checkpoints,
    "metrics_log": logs,
    "run_json": documents,
    "schema": lambda: (*schemas(), *bad_schemas()),
}


def main() -> None:
    """Write every seed as a numbered file."""
    shutil.rmtree(HERE / "corpus", ignore_errors=True)
    for name, made in SEEDS.items():
        folder = HERE / "corpus" / name
        folder.mkdir(parents=True)
        for number, seed in enumerate(made()):
            (folder / f"{number:02d}").write_bytes(seed)


if __name__ == "__main__":
    main()
