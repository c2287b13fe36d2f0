"""What a run leaves behind beside its models: logs, JSON files; and the schema in a model.

What is accepted, written and read again, is the same.
"""

from __future__ import annotations

import hashlib
import json
from random import Random
from typing import Any

import mutate
import numpy as np
from oracle import Target, attempt, require, scratch

from dnn_cli.app.prediction_formats import FORMATS
from dnn_cli.app.prediction_rows import Rows
from dnn_cli.data.schema import DataSchema
from dnn_cli.runs.append_log import AppendLog, whole_lines
from dnn_cli.runs.json_file import from_text, read_json, to_text
from dnn_cli.runs.recorders import read_records


def feed_metrics_log(data: bytes) -> bool:
    """A log of lines of JSON: read, extended and cut back."""
    path = scratch("metrics.jsonl", data)
    lines = whole_lines(path)
    require(
        b"".join(line + b"\n" for line in lines) == data[: data.rfind(b"\n") + 1], "other lines"
    )
    records = attempt(lambda: read_records(path))
    length = len(data) // 2
    attempt(lambda: _extended(length, hashlib.sha256(data[:length]).hexdigest()), may_write=True)
    require(path.read_bytes() == data[:length] + b"{}\n", "cut back, the log is another")
    for left in path.parent.glob("metrics.superseded-*"):
        left.unlink()
    if records is not None:
        again = [to_text(record, exact=True) for record in records]
        require([from_text(text) for text in again] == records, "the records do not come back")
    return records is not None


def _extended(length: int, sha256: str) -> bool:
    with AppendLog.resume(scratch("metrics.jsonl"), length, sha256) as log:
        log.append(b"{}\n")
    return True


def feed_run_json(data: bytes) -> bool:
    """A JSON file of a run, and JSON with the numbers that only checkpoints may hold."""
    path = scratch("environment.json", data)
    found = attempt(lambda: read_json(path))
    if found is not None:
        require(found == json.loads(data.decode()), "another value than Python's own reader finds")
        require(from_text(to_text(found)) == found, "written and read again, it is another")
    try:
        exact = from_text(data, exact=True)
    except ValueError:
        return found is not None
    text = to_text(exact, exact=True, sort=True)
    require(to_text(from_text(text, exact=True), exact=True, sort=True) == text, "not exact")
    return True


def feed_schema(data: bytes) -> bool:
    """A data schema as JSON, with the arrays that most schemas have."""
    try:
        document = from_text(data)
    except ValueError:
        return False
    if not isinstance(document, dict):
        return False
    accepted = False
    for arrays in _SCALINGS:
        schema = attempt(lambda arrays=arrays: DataSchema.from_json(document, arrays))
        if schema is not None:
            accepted = True
            again = DataSchema.from_json(schema.to_json(), schema.arrays())
            said = {n: v for n, v in document.items() if n not in _LATER or v != _LATER[n]}
            require(again.to_json() == schema.to_json(), "it does not come back")
            require("columns" in schema.to_json() or schema.to_json() == said, "it is another one")
            attempt(lambda schema=schema: schema.columns(False))
            rows = Rows(schema.task, True)
            if schema.task.count < 1000:
                zeros = np.zeros((2, schema.task.count), np.float32)
                for write in FORMATS.values():
                    attempt(lambda write=write, zeros=zeros, rows=rows: list(write(rows, [zeros])))
    return accepted


_PAIR = {name: np.full(2, 0.5, np.float32) for name in ("scaling.shift", "scaling.scale")}
_SINGLE = {"scaling.scale": np.array(1 / 255, np.float32)}
_LATER = {"target_scale": "none", "one_hot": False}  # left out where they say nothing
_SCALINGS: tuple[dict[str, Any], ...] = ({}, _PAIR, _SINGLE)


def _mutate_log(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\n")
    at = random.randrange(len(lines))
    lines[at] = mutate.of_json_text(lines[at], random)
    return b"\n".join(lines)


_FIELDS = rb'"epoch": "step": "learning_rate": "train.loss": "started": "labels": "task": "count":'
WORDS = (*mutate.JSON_WORDS, *_FIELDS.split())
TARGETS = (
    Target("metrics_log", feed_metrics_log, WORDS, _mutate_log, longest=1024),
    Target("run_json", feed_run_json, WORDS, mutate.of_json_text, longest=1024),
    Target("schema", feed_schema, WORDS, mutate.of_json_text, longest=2048),
)
