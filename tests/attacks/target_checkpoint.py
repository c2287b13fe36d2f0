"""Model and checkpoint files: as a container, as a model, as a training to go on with.

An accepted container is what the safetensors library finds; an accepted model predicts; an
accepted training, restored and saved again, is the same.
"""

from __future__ import annotations

import hashlib
import json
import math
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import mutate
import numpy as np
import safetensors.numpy
from oracle import Target, attempt, require, require_fit, scratch

from dnn_cli.app.build import Built, build
from dnn_cli.app.info import model_info
from dnn_cli.app.lifecycle.facts import differences, facts_of
from dnn_cli.app.lifecycle.state import last_checkpoint, require_kinds, restore
from dnn_cli.app.models import Model, load_model
from dnn_cli.app.prediction_formats import FORMATS
from dnn_cli.app.prediction_rows import Rows
from dnn_cli.app.resume import effects, refuse
from dnn_cli.app.train import new_standing
from dnn_cli.base.errors import DnnError
from dnn_cli.base.types import size_of
from dnn_cli.config.load import load_config
from dnn_cli.data.table import Table
from dnn_cli.runs.checkpoint import Checkpoint, read_checkpoint
from dnn_cli.runs.json_file import from_text, to_text
from dnn_cli.runs.model_file import PREPROCESSING, prefixed, read_model, without
from dnn_cli.runs.tensors import decode, encode
from dnn_cli.training.evaluation import Evaluator

CONFIG = """\
name: r
data: {source: {type: synthetic, kind: blobs, rows: 24, features: 2}, split: {valid: 0.25}}
model: {hidden: [2]}
optimizer: {type: sgd, learning_rate: 0.1, momentum: 0.5}
training: {epochs: 3, batch_size: 9, threads: 1}
"""
_PREDICTED = 1 << 16  # numbers in one example that is worth predicting here


@cache
def training() -> tuple[Built, dict[str, Any]]:
    """A small training, and its facts."""
    built = build(load_config(scratch("r.yaml", CONFIG.encode())))
    return built, facts_of(built)


def feed_checkpoint(data: bytes) -> bool:
    """A model or checkpoint file: as a container, as a model, as a training to go on with."""
    training()
    path = scratch("last.safetensors", data)
    found = attempt(lambda: decode(data, str(path)))
    if found is None:
        return False
    theirs = safetensors.numpy.load(data)
    require(theirs.keys() == found[0].keys(), "other tensors than the library finds")
    for name, array in found[0].items():
        other = theirs[name]
        require((array.dtype, array.shape) == (other.dtype, other.shape), "another type or shape")
        require(array.tobytes() == other.tobytes(), "other bits than the library finds")
    attempt(lambda: read_model(path))
    attempt(lambda: model_info(str(path)))
    model = attempt(lambda: load_model(path))
    if model is not None and size_of(model.schema.input_shape) < _PREDICTED:
        attempt(lambda: _predict(model))
    checkpoint = attempt(lambda: read_checkpoint(path))
    if checkpoint is not None:
        attempt(lambda: _go_on(checkpoint))
    return True


def _predict(model: Model) -> list[bytes]:
    """The prediction of a row of zeros in every format."""
    schema = model.schema
    kind = np.uint8 if schema.input_kind == "bytes" else np.float32
    row = Table(np.zeros((1, *schema.input_shape), kind))
    evaluator = Evaluator(model.network, model.loss, model.task)
    with np.errstate(all="ignore"):  # weights may be as large as they like
        found = evaluator.predict(schema.dataset(row, with_targets=False))
    rows = [Rows(model.task, proba) for proba in (False, True)]
    found = np.nan_to_num(found)
    return [b"".join(write(one, [found])) for one in rows for write in FORMATS.values()]


def _go_on(checkpoint: Checkpoint) -> bool:
    built, facts = training()
    path = scratch("last.safetensors")
    require_kinds(checkpoint.state, path)
    session = built.session()
    standing = new_standing(session)
    changes = differences(checkpoint.state["facts"], facts)
    try:
        refuse(changes, path)
    except DnnError as error:
        require_fit(error)
    restore(checkpoint, path, session, standing)
    for sentence in effects(changes, session):
        require(sentence, "an effect that says nothing")
    again = last_checkpoint(built, session, standing, checkpoint.state["facts"])
    old, new = (to_text(one.state, exact=True, sort=True) for one in (checkpoint, again))
    if old != new:  # 1 and 1.0 are the same number
        old, new = (repr(_numbers(from_text(text, exact=True))) for text in (old, new))
    require(old == new, "restored and saved again, the state is another")
    return True


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _numbers(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_numbers(one) for one in value]
    return float(value) if isinstance(value, int) else value


def _mutate_checkpoint(data: bytes, random: Random) -> bytes:
    """Change the meaning, the tensors or the header; half of what comes out has a right digest."""
    try:
        tensors, metadata = decode(data)
    except (DnnError, RecursionError):
        return reseal(mutate.of_bytes(data, random, WORDS))
    change = random.randrange(6)
    if change < 3:
        key = random.choice([key for key in metadata if metadata[key][:1] == "{"] or ["dnn.model"])
        metadata[key] = mutate.of_json_text(metadata.get(key, "{}").encode(), random).decode(
            errors="replace"
        )
    elif change == 3:
        _exchange(tensors, metadata, random)
    elif change == 4 and tensors:
        name = random.choice(list(tensors))
        tensors[random.choice((name, "optimizer.outputs", "best.x", "x"))] = _other(
            tensors.pop(name), random
        )
    else:
        length = int.from_bytes(data[:8], "little")
        header = mutate.of_json(json.loads(data[8 : 8 + length]), random)
        text = _canonical(header)
        payload = data[8 + length :]
        if random.random() < 0.3:
            payload = mutate.of_bytes(payload, random)
        return reseal(len(text).to_bytes(8, "little") + text + payload)
    whole = b"".join(encode(tensors, metadata))
    return whole if random.random() < 0.7 else mutate.of_bytes(whole, random, WORDS)


def _exchange(tensors: dict[str, Any], metadata: dict[str, str], random: Random) -> None:
    """Put in what another model says of its data, layers or loss."""
    try:
        model = json.loads(metadata["dnn.model"])
        other, arrays = random.choice(_models())
    except (KeyError, ValueError, RecursionError):
        return
    if isinstance(model, dict):
        key = random.choice(("schema", "layers", "loss", "input_shape"))
        model[key] = other[key]
        metadata["dnn.model"] = json.dumps(model)
        for name in [
            name for name in tensors if key == "schema" and name.startswith(PREPROCESSING)
        ]:
            del tensors[name]
        tensors.update(arrays if key == "schema" else {})


@cache
def _models() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The descriptions of all models among the seeds, and the arrays of their scaling."""
    found = []
    for path in sorted((Path(__file__).parent / "corpus/checkpoint").iterdir()):
        try:
            tensors, metadata = decode(path.read_bytes())
            model = json.loads(metadata["dnn.model"])
        except (DnnError, KeyError):
            continue
        found.append((model, prefixed(PREPROCESSING, without(PREPROCESSING, tensors))))
    return found


def _other(array: np.ndarray[Any, Any], random: Random) -> np.ndarray[Any, Any]:
    """An array of another shape, type or content."""
    values: tuple[float, ...] = (0.0, -1.0, 1e38, math.inf, math.nan)
    kinds = ("f4", "f8", "f2", "i8", "u1", "?")
    with np.errstate(all="ignore"):
        changed = (
            array.reshape(-1),
            array.reshape(1, *array.shape),
            array[:0] if array.ndim else array,
            np.full(array.shape, random.choice(values), np.float32),
            np.nan_to_num(array).astype(random.choice(kinds)),
        )
    return random.choice(changed)


def _canonical(header: Any) -> bytes:
    text = json.dumps(header, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    raw = text.encode("utf-8", "surrogatepass")
    return raw + b" " * (-len(raw) % 8)


def reseal(data: bytes) -> bytes:
    """The same file with the digest that its content has, if it is still a file with one."""
    length = int.from_bytes(data[:8], "little")
    try:
        header = json.loads(data[8 : 8 + length])
        del header["__metadata__"]["dnn.sha256"]
        plain = json.dumps(header, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        payload = data[8 + length :]
        sha256 = hashlib.sha256(plain.encode() + payload).hexdigest()
        header["__metadata__"]["dnn.sha256"] = sha256
        text = _canonical(header)
    except (ValueError, KeyError, TypeError, RecursionError):
        return data
    return len(text).to_bytes(8, "little") + text + payload


_KEYS = rb'"dtype": "shape": "data_offsets": "__metadata__": "dnn.model": "dnn.state": "F32" [0,24]'
WORDS = (*mutate.JSON_WORDS, *_KEYS.split())
TARGETS = (Target("checkpoint", feed_checkpoint, WORDS, _mutate_checkpoint, longest=8192),)
