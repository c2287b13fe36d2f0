"""Seeds of runs: checkpoints, models, data schemas, logs, and JSON files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from target_checkpoint import training

from dnn_cli.app.lifecycle.state import Standing, last_checkpoint
from dnn_cli.app.train import new_standing
from dnn_cli.runs.checkpoint import Checkpoint
from dnn_cli.runs.json_file import to_text
from dnn_cli.runs.model_file import BEST, OPTIMIZER, ModelFile, pack, prefixed
from dnn_cli.runs.tensors import encode
from dnn_cli.training.session import Session

VERSIONS = {"dnn": "0.1.0", "numpy": "2.4.6", "python": "3.11.7"}


def _trained(steps: int) -> tuple[Session, Standing]:
    """The training of `target_checkpoint` as after some steps, with numbers that nothing rounds."""
    built, _ = training()
    session = built.session()
    standing = new_standing(session)
    session.network.arena.params[:] = np.arange(len(session.network.arena.params)) / 8
    per_epoch = session.train.steps
    session.step, session.epoch, session.index = steps, steps // per_epoch, steps % per_epoch
    session.optimizer.steps = steps
    session.loss_sum = 0.5 if session.index else 0.0
    session.norms = [0.25] if steps else []
    session.monitored = [0.5 / (1 + epoch) for epoch in range(session.epoch)]
    for epoch, value in enumerate(session.monitored, start=1):
        standing.metrics = {session.monitor.metric: value}
        if session.monitor.update(epoch, standing.metrics):
            standing.best.epoch, standing.best.metrics = epoch, standing.metrics
            standing.best.vector[:] = session.network.arena.params
    if session.outputs is None and session.index:
        session.outputs = np.zeros((session.train.dataset.rows, 3), np.float32)
    return session, standing


def _file(checkpoint: Checkpoint, *, state: bool = True) -> bytes:
    tensors, metadata = pack(checkpoint.model)
    if state:
        tensors |= prefixed(OPTIMIZER, checkpoint.optimizer) | prefixed(BEST, checkpoint.best)
        metadata["dnn.state"] = to_text(checkpoint.state, exact=True, sort=True)
    return b"".join(encode(tensors, metadata))


def checkpoints() -> Iterable[bytes]:
    """A training at several steps, models of several tasks, and files of other kinds."""
    built, facts = training()
    facts = {**facts, "environment": {"cpu": "a", **VERSIONS}}
    for steps in (0, 1, 2, 3, 6):
        session, standing = _trained(steps)
        whole = last_checkpoint(built, session, standing, facts)
        whole = replace(whole, model=replace(whole.model, versions=VERSIONS))
        yield _file(whole)
        if steps in (0, 3):
            yield _file(whole, state=False)
    yield from map(_model, schemas())
    good = _file(whole)
    yield good[:-1]
    yield good[:9]
    yield b"\x80\x04\x95" + bytes(20)
    yield b"PK\x03\x04" + bytes(26) + b"archive/data.pkl"
    yield (2).to_bytes(8, "little") + b"{}"
    yield b"".join(encode({"a": np.zeros((0, 3), "<f8"), "b": np.array(True)}, {}))


def _model(raw: bytes) -> bytes:
    """A model without hidden layers for a schema."""
    schema = json.loads(raw)
    arrays = {
        name: np.full(schema["input_shape"][-1:], 0.5, np.float32)
        for name in ("scaling.shift", "scaling.scale")
        if schema["scale"] not in ("none", "unit")
    }
    inputs, count = int(np.prod(schema["input_shape"])), schema["task"]["count"]
    layers: list[dict[str, Any]] = [{"type": "dense", "units": count}]
    flat = [] if len(schema["input_shape"]) == 1 else [{"type": "flatten"}]
    square, cross = "mean_squared_error", "sigmoid_cross_entropy"
    losses = {"regression": square, "reconstruction": square, "multilabel": cross}
    model = ModelFile(
        tensors={
            "dense_1.W": np.zeros((inputs, count), np.float32),
            "dense_1.b": np.zeros(count, np.float32),
        },
        schema_arrays=arrays,
        name="m",
        layers=flat + layers,
        input_shape=tuple(schema["input_shape"]),
        loss={"type": losses.get(schema["task"]["kind"], "softmax_cross_entropy")},
        schema=schema,
        seed=1,
        metrics={"valid.loss": 0.25, "valid.auc": float("nan")},
        versions=VERSIONS,
    )
    return b"".join(encode(*pack(model)))


def schemas() -> Iterable[bytes]:
    """Every task, with and without names, bytes and numbers."""
    words = {"classes": ["cat", "dog"], "task": _task("binary", "cat", "dog")}
    three = {"classes": ["0", "1", "7"], "positive": ["7"], "task": _task("binary", "rest", "7")}
    many = {"classes": ["a", "b", "c"], "task": _task("multiclass", "a", "b", "c")}
    tags = {"task": _task("multilabel", "wet", "cöld")}
    price = {"task": _task("regression", "price"), "target": [-1], "features": None}
    pictures = {"input_kind": "bytes", "input_shape": [2, 2, 2], "features": None, "target": []}
    itself = {"task": {"count": 2, "kind": "reconstruction", "labels": []}, "target": []}
    for kind in ("none", "standard"):
        for change in (words, three, many, tags, price, itself):
            yield _schema(scale=kind, **change)
    yield _schema(scale="minmax", **{**many, **pictures})
    yield _schema(scale="unit", **{**many, **pictures})
    yield _schema(scale="robust", **words)


def bad_schemas() -> Iterable[bytes]:
    """Schemas that contradict themselves, or are none."""
    yield _schema()
    yield _schema(classes=["a"], task=_task("binary", "a", "b"))
    yield _schema(scale="unit", task=_task("regression", "price"))
    yield _schema(input_shape=[1 << 41], task=_task("regression", "price"))
    yield _schema(features=["x", "x"], task=_task("regression", "price"))
    yield b"[]"


def _task(kind: str, *labels: str) -> dict[str, Any]:
    return {"kind": kind, "count": len(labels), "labels": list(labels)}


def _schema(**changes: Any) -> bytes:
    plain = {
        **{"classes": [], "features": ["x", "é"], "input_kind": "numbers", "input_shape": [2]},
        **{"positive": [], "scale": "none", "target": ["kind"], "task": {}},
    }
    return json.dumps({**plain, **changes}, sort_keys=True).encode()


def logs() -> Iterable[bytes]:
    """Lines of metrics, whole and damaged."""
    line = b'{"epoch":1,"step":2,"learning_rate":0.1,"train.loss":0.5,"valid.loss":null}\n'
    yield line * 3
    yield line
    yield line[:-5]
    yield line + b'{"epoch":2'
    yield line + b"\n" + line
    yield line + b"[1]\n"
    yield line + b'{"a":NaN}\n'
    yield line + b'{"a":1,"a":2}\n'
    yield b"\xff\n" + line
    yield b""
    yield b"\n"
    yield b'{"a":' + b"[" * 200 + b"]" * 200 + b"}\n"


def documents() -> Iterable[bytes]:
    """JSON files of a run, and JSON that is none."""
    yield json.dumps({"started": "2025-01-01T00:00:00", "resumed": [{"step": 3}]}).encode()
    yield b'{"steps": 12, "metrics": {"valid.loss": 0.5, "valid.auc": null}, "seconds": 1e-3}\n'
    yield b'{"a": [1, -0.0, 1e308, 5e-324, 9007199254740993], "b": {"c": "\\u00e9\\ud83d\\ude00"}}'
    yield b'{"a": "\\ud800"}'
    yield b"[1]"
    yield b"null"
    yield b'{"a": 1, "a": 2}'
    yield b'{"a": NaN, "b": -Infinity}'
    yield b"[" * 300 + b"]" * 300
    yield b'{"a": ' + b"9" * 400 + b"}"
    yield b'\xef\xbb\xbf{"a": 1}'
    yield '{"a": 1}'.encode("utf-16")
    yield b'{"a": 1} x'
