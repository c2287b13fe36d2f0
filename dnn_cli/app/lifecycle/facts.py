"""What the numbers of a run depend on, and how that differs between two of its processes.

Config       every option, as in resolved.yaml
Data         a SHA-256 of what was read, scaled and divided: rows, inputs, targets of each part
Environment  versions, BLAS, threads, processor: equal bits are promised only where these agree
Cost         one pass of SHA-256 over the data, about 1 GB/s: MNIST 50 ms
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dnn_cli.app.build import Built
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.config.resolve import resolve
from dnn_cli.config.spec import RunSpec
from dnn_cli.data.prepare import Prepared
from dnn_cli.data.schema import DataSchema
from dnn_cli.runs.environment import environment
from dnn_cli.runs.json_file import to_text

_ABSENT = "nothing"
# With these changed, a step, an epoch or the best value so far would mean something else.
_FIXED = ("seed", "loss", "optimizer.type", "training.batch_size")


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not what it was."""

    key: str  # config.training.epochs, data.train.inputs, environment.numpy
    before: Any
    now: Any

    def __str__(self) -> str:
        return f"{safe_text(self.key)} was {_shown(self.before)}, is {_shown(self.now)}"

    @property
    def forbids(self) -> bool:
        """Whether a run cannot go on with it."""
        kind, _, name = self.key.partition(".")
        fixed = any(name == one or name.startswith(f"{one}.") for one in _FIXED)
        return kind == "data" or (kind == "config" and fixed)


def facts_of(built: Built) -> dict[str, Any]:
    """Everything that the numbers of this process depend on, as plain values."""
    return {
        "config": config_facts(built.spec),
        "data": fingerprint(built.prepared),
        "environment": machine(),
    }


def config_facts(spec: RunSpec) -> dict[str, Any]:
    """Every option but the preset and the budget, which have become what the others say."""
    options: dict[str, Any] = resolve(spec)
    del options["preset"], options["training"]["budget"]
    return options


def fingerprint(prepared: Prepared) -> dict[str, Any]:
    """Digests of the data, part by part; where the data were read from has no part in them."""
    columns = _columns(prepared.schema)
    for unknown in ("dialect", "numeric"):  # to the versions that began some runs
        columns.pop(unknown, None)
    found: dict[str, Any] = {"columns": _digest_text(columns)}
    parts = {"train": prepared.train, "valid": prepared.valid, "test": prepared.test}
    for name, part in parts.items():
        if part is not None:
            found[name] = {"rows": part.rows, "inputs": digest(part.inputs)}
            if part.targets is not None:
                found[name]["targets"] = digest(part.targets)
            if part.weights is not None:
                found[name]["weights"] = digest(part.weights)
    return found


def _columns(schema: DataSchema) -> dict[str, Any]:
    """The schema, without a positive class that is the last anyhow, as versions before left it."""
    document = schema.to_json()
    implied = schema.encoding.classes == schema.task.labels
    return {**document, "positive": []} if implied else document


def digest(array: Array) -> str:
    """SHA-256 of type, shape and content."""
    total = hashlib.sha256(f"{array.dtype.str} {array.shape}\n".encode())
    total.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return total.hexdigest()


def _digest_text(value: Mapping[str, Any]) -> str:
    return hashlib.sha256(to_text(value, exact=True, sort=True).encode()).hexdigest()


def machine() -> dict[str, Any]:
    """What decides how numbers are rounded: versions, the BLAS library, threads, processor."""
    found = environment((), "")
    return {
        **{name: found[name] for name in ("dnn", "numpy", "python", "blas")},
        "cpu": found["cpu"]["model"],
        "machine": found["platform"]["machine"],
    }


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """The values that differ, key by key."""
    old, new = dict(_leaves(before)), dict(_leaves(now))
    keys = dict.fromkeys([*old, *new])
    return [
        Difference(key, old.get(key, _ABSENT), new.get(key, _ABSENT))
        for key in keys
        if old.get(key, _ABSENT) != new.get(key, _ABSENT)
    ]


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that holds no others, under its dotted path."""
    if isinstance(value, Mapping) and value:
        pairs = list(value.items())
    elif isinstance(value, list | tuple) and value:
        pairs = [(str(index), one) for index, one in enumerate(value)]
    else:
        yield path, value
        return
    for name, one in pairs:
        yield from _leaves(one, f"{path}.{name}" if path else str(name))


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, str) and len(value) == 64:  # a digest: its beginning says as much
        return value[:12]
    return safe_text(value, 80)
