"""The commands on tables that are no CSV: drafted, trained, predicted from a pipe."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from pyarrow import feather, parquet

Run = Callable[..., subprocess.CompletedProcess[str]]
SHORT = "training.epochs=2"


def rows() -> list[dict[str, Any]]:
    rng = np.random.Generator(np.random.Philox(1))
    return [
        {
            "size": round(float(rng.normal()), 3),
            "city": ("Rome", "Oslo")[i % 2],
            "kind": "ab"[i % 2],
        }
        for i in range(80)
    ]


def lines(found: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in found)


def write(path: Path) -> None:
    found = rows()
    columns = {name: np.array([row[name] for row in found]) for name in found[0]}
    if path.suffix == ".jsonl":
        path.write_text(lines(found))
    elif path.suffix == ".parquet":
        parquet.write_table(pyarrow.Table.from_pylist(found), path)
    elif path.suffix == ".arrow":
        feather.write_feather(pyarrow.Table.from_pylist(found), str(path))
    elif path.suffix == ".npz":
        np.savez(path, **columns)
    else:
        np.save(
            path,
            np.array(
                [tuple(r.values()) for r in found],
                [(name, one.dtype) for name, one in columns.items()],
            ),
        )


@pytest.mark.parametrize("name", ["t.jsonl", "t.parquet", "t.arrow", "t.npz", "t.npy"])
def test_a_table_is_drafted_trained_and_predicted(dnn: Run, tmp_path: Path, name: str) -> None:
    write(tmp_path / name)
    assert dnn("init", name).returncode == 2
    done = dnn("init", name, "--target", "kind", "-o", "t.yaml")
    assert done.returncode == 0, done.stderr
    assert f"source: {name}\n" in (tmp_path / "t.yaml").read_text()
    assert (done := dnn("train", "t.yaml", SHORT)).returncode == 0, done.stderr
    assert (done := dnn("train", name, SHORT, "--target", "kind")).returncode == 0, done.stderr
    models = [(tmp_path / f"runs/t-00{i}/model.safetensors").read_bytes() for i in (1, 2)]
    assert models[0] == models[1]
    done = dnn("predict", name, "--keep", "size", "--format", "jsonl")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["size"] for one in found] == [str(row["size"]) for row in rows()]


def test_json_lines_by_pipe(dnn: Run, tmp_path: Path) -> None:
    text = lines(rows())
    (tmp_path / "t.jsonl").write_text(text)
    assert dnn("train", "t.jsonl", SHORT, "--target", "kind").returncode == 0
    piped = dnn("predict", "-", "--id", "size", "--proba", stdin=text)
    assert piped.returncode == 0, piped.stderr
    assert piped.stdout == dnn("predict", "t.jsonl", "--id", "size", "--proba").stdout
    done = dnn("predict", "-", "--keep-all", stdin=text)
    assert done.stdout.startswith("size,city") and "prediction" in done.stderr + done.stdout
    csv = "city,size\n" + "".join(f"{row['city']},{row['size']}\n" for row in rows())
    assert dnn("predict", "-", "--id", "size", "--proba", stdin=csv).stdout == piped.stdout
    done = dnn("predict", "-", stdin='{"size": 1}\n{"size": 2}\n')
    assert done.returncode == 4 and "lacks the column `city`" in done.stderr
    done = dnn("predict", "-", stdin='{"size": 1, "city": [1]}\n')
    assert done.returncode == 4 and "standard input:1" in done.stderr


def test_training_from_standard_input(dnn: Run, tmp_path: Path) -> None:
    head = "name: t\nmodel: {hidden: [4]}\ntraining: {epochs: 2}\n"
    cells = "".join(",".join(map(str, row.values())) + "\n" for row in rows())
    for kind, text in (("jsonl", lines(rows())), ("csv", f"size,city,kind\n{cells}")):
        source = f"data: {{source: {{type: {kind}, path: '-'}}, target: kind}}\n"
        (tmp_path / f"{kind}.yaml").write_text(source + head)
        done = dnn("train", f"{kind}.yaml", stdin=text)
        assert done.returncode == 0, done.stderr
    models = [(tmp_path / f"runs/t-00{i}/model.safetensors").read_bytes() for i in (1, 2)]
    assert models[0] == models[1]


def test_several_files_are_drafted_trained_and_kept(dnn: Run, tmp_path: Path) -> None:
    found = rows()
    (tmp_path / "parts").mkdir()
    for name, part in (("p2", found[:30]), ("p10", found[30:])):
        (tmp_path / "parts" / f"{name}.jsonl").write_text(lines(part))
    (tmp_path / "t.jsonl").write_text(lines(found))
    done = dnn("train", "parts/*.jsonl", SHORT, "--target", "kind", "--name", "t")
    assert done.returncode == 0, done.stderr
    assert dnn("train", "t.jsonl", SHORT, "--target", "kind", "--name", "t").returncode == 0
    models = [(tmp_path / f"runs/t-00{i}/model.safetensors").read_bytes() for i in (1, 2)]
    assert models[0] == models[1]
    assert dnn("predict", "parts/*.jsonl").stdout == dnn("predict", "t.jsonl").stdout
    done = dnn("predict", "parts/*.jsonl", "-o", "parts/p2.jsonl", "--force")
    assert done.returncode == 6 and "is the input" in done.stderr
    assert (tmp_path / "parts" / "p2.jsonl").read_text() == lines(found[:30])
