"""Writes the seeds under `corpus/`: a few small inputs of each target, good and bad.

    python tests/attacks/make_corpus.py

The seeds do not depend on the machine: versions and numbers that a processor rounds are fixed.
"""

from __future__ import annotations

import gzip
import io
import json
import shutil
import struct
import sys
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from PIL import Image
from target_checkpoint import training
from target_config import BASE

from dnn_cli.app.state import Standing, last_checkpoint
from dnn_cli.app.train import new_standing
from dnn_cli.runs.checkpoint import Checkpoint
from dnn_cli.runs.json_file import to_text
from dnn_cli.runs.model_file import BEST, OPTIMIZER, ModelFile, pack, prefixed
from dnn_cli.runs.tensors import encode
from dnn_cli.training.session import Session

HERE = Path(__file__).parent
CONFIGS = HERE.parents[1] / "configs"
VERSIONS = {"dnn": "0.1.0", "numpy": "2.4.6", "python": "3.11.7"}
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


def _npy(array: Any, version: tuple[int, int] = (1, 0)) -> bytes:
    found = io.BytesIO()
    np.lib.format.write_array(found, array, version, allow_pickle=False)
    return found.getvalue()


_NPY_TYPES = "<f4 >f8 <f2 u1 i1 >i2 <i4 <i8 <u8 ? S3 <U2 >U2"


def npys() -> Iterable[bytes]:
    """Every type, both orders, several ranks, and headers that no writer makes."""
    for code in [
        "<f4",
        ">f8",
        "<f2",
        "u1",
        "i1",
        ">i2",
        "<i4",
        "<i8",
        "<u8",
        "?",
        "S3",
        "<U2",
        ">U2",
    ]:
        yield _npy(np.arange(6).reshape(3, 2).astype(code))
    yield _npy(np.asfortranarray(np.arange(12, dtype="<f4").reshape(3, 4)))
    yield _npy(np.zeros((2, 2, 2), "u1"), (2, 0))
    yield _npy(np.zeros((0, 3), "<f4"), (3, 0))
    yield _npy(np.array(1.0))
    yield _npy(np.zeros(3, "<i8"))
    yield _npy(np.array([[np.nan, -0.0], [np.inf, 1e300]]))
    yield _npy(np.zeros(2, [("a", "<f4")]))
    good = _npy(np.zeros((2, 2), "<f4"))
    yield good.replace(b"<f4", b"|O8")
    yield good.replace(b"(2, 2)", b"(2L,2)")
    yield good.replace(b"False", b"True ")
    yield good[:-1]
    yield good + b"\0"


def _npz(method: int = 0, **arrays: Any) -> bytes:
    return _zip({f"{key}.npy": _npy(array) for key, array in arrays.items()}, method)


def _zip(members: Mapping[str, bytes], method: int = 0) -> bytes:
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return found.getvalue()


def npzs() -> Iterable[bytes]:
    """Archives, stored and deflated, with the keys that are looked for and others."""
    x, y = np.arange(6, dtype="<f4").reshape(3, 2), np.arange(3)
    for method in (0, 8):
        yield _npz(method, x=x, y=y)
        yield _npz(method, a=np.asfortranarray(x))
        yield _npz(method, inputs=x.astype("u1"), targets=np.array(["a", "b", "c"]))
    yield _npz(8, X=np.zeros((40, 30), "u1"))
    yield _npz(x=x, X=x)
    yield _npz(b=x)
    yield _zip({})
    yield _zip({"x.npy": b"", "readme.txt": b"a"})
    yield _zip({"../x.npy": _npy(x)})
    yield _npz(x=x)[:-8]
    yield _npz(x=x).replace(b"\x93NUMPY", b"\x94NUMPY")
    yield b"PK\x05\x06" + bytes(18)


def idxs() -> Iterable[bytes]:
    """Each type code, plain and packed."""
    for code, kind in {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}.items():
        content = struct.pack(">HBB2I", 0, code, 2, 3, 2) + np.arange(6).astype(kind).tobytes()
        yield content
        yield gzip.compress(content, mtime=0)
    yield struct.pack(">HBB3I", 0, 8, 3, 2, 2, 2) + bytes(range(8))
    yield struct.pack(">HBB3I", 0, 8, 3, 2**31, 2**31, 4)
    yield struct.pack(">HBBI", 0, 8, 1, 5) + b"\1\2\3\4"
    yield gzip.compress(struct.pack(">HBBI", 0, 8, 1, 9000) + bytes(9000), mtime=0)
    yield gzip.compress(b"", mtime=0) * 2
    yield b"\0\0\x0a\1\0\0\0\0"


def csvs() -> Iterable[bytes]:
    """Tables, plain and quoted, and the faults that tables have."""
    yield b"a,b,y\n1,2,cat\n3,4,dog\n"
    yield b"a,b\n1,2.5\n-3e4,+.5\n"
    yield b"a;b\n1;2\n3;4\n"
    yield b'"a","b ""c""",y\r\n1,2,"x, y"\r\n"3",4,"two\r\nlines"\r\n'
    yield b"\xef\xbb\xbfa,b\n1,2\n"
    yield b"a,y\r1,007\r2,8\r"
    yield "größe,ölfarbe\n1,rot\n2,grün\n".encode()
    yield b"a,y\n1,9223372036854775808\n2,1\n"
    yield b"a,y\n1e39,1\n"
    yield b"a,b\n1\n2,3,4\n"
    yield b"a,b\n1,\n,2\n"
    yield b"a,b\nnan,inf\n1_0,0x1F\n"
    yield b"a,b\n1,2\n\n3,4\n"
    yield b"a,a\n1,2\n"
    yield b"1,2\n3,4\n"
    yield b"a,b\n1,\xff\n"
    yield b'a,b\n1,"2\n'
    yield b"a,b\n1,2\0\n"
    yield b"a,b"
    yield b""


def images() -> Iterable[bytes]:
    """Every format and kind of pixels, one turned by its EXIF data, and some that are cut short."""
    ramp = (np.arange(60) * 4).astype(np.uint8)
    grey = Image.fromarray(ramp.reshape(10, 6))
    colour = Image.fromarray(ramp.reshape(5, 4, 3))
    for kind in ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF"):
        yield _image(colour, kind)
        yield _image(grey, kind)
    for mode in ("1", "P", "LA", "RGBA", "I;16"):
        yield _image(grey.convert(mode), "PNG")
    yield _image(colour.convert("CMYK"), "JPEG")
    turned = Image.Exif()
    turned[0x0112] = 6
    yield _image(colour, "JPEG", exif=turned)
    yield _image(colour, "PNG", exif=turned)
    yield _image(grey, "GIF", save_all=True, append_images=[grey])
    yield _image(colour, "PNG")[:-20]
    yield _image(colour, "JPEG")[:-20]
    yield b"<svg/>"


def _image(image: Image.Image, kind: str, **options: Any) -> bytes:
    found = io.BytesIO()
    image.save(found, kind, **options)
    return found.getvalue()


def texts() -> Iterable[bytes]:
    """Names, divided by U+001E."""
    for names in (
        ("cat", "dog"),
        ("=1+1", "+1", "-x", "@a", "\tb", "\rc"),
        ("\x1b[31mred\x1b[0m", "\x9b2J", "bell\x07"),
        ("\u202eevil", "\u2066a\u2069", "\u200f", "\ufeff"),
        ("a,b", 'say "hi"', "two\nlines", "two\r\nlines", "'=1"),
        ("é", "e\u0301", "漢字", "\U0001f600", "\U000e0041"),
        ("\ud800", "\udfff"),
        ("a\0b", "\0", " ", "x" * 300),
        ("1e5", "-1", "+inf", "nan"),
        ("\u2028", "\u2029", "\x85"),
    ):
        yield "\x1e".join(names).encode("utf-8", "surrogatepass")
    yield b"\xff\xfe\x1e\x80"


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


SEEDS = {
    "config": configs,
    "overrides": overrides,
    "npy": npys,
    "npz": npzs,
    "idx": idxs,
    "csv": csvs,
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
