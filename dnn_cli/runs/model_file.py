"""What `model.safetensors` holds: all that is needed to predict, and nothing else.

Weights by slot name, the fitted preprocessing, and a description of the network and of its data
as JSON in the metadata key `dnn.model`. No clock, path or host: equal runs give equal bytes.
Plain dicts and arrays only; what they mean is known to `nn` and `data`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np

from dnn_cli.base.errors import CheckpointError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array, Shape
from dnn_cli.runs.json_file import from_text, to_text
from dnn_cli.runs.tensors import FORMAT, NEEDS, read_tensors, require_format, write_tensors

MODEL = "dnn.model"
PREPROCESSING = "preprocessing."
OPTIMIZER = "optimizer."
BEST = "best."
CONFORMAL = "conformal."
_RESERVED = (PREPROCESSING, OPTIMIZER, BEST, CONFORMAL)  # no slot name starts like this
_SCORES = CONFORMAL + "scores"
_SHOWN = 10  # differing tensors that a message names


@final
@dataclass(frozen=True, slots=True, eq=False)
class ModelFile:
    """A network and its data schema, as plain values.

    `layers` are the resolved layer specs, output layer included; `schema` is what the data
    schema's `to_json` returned and `schema_arrays` its arrays; `metrics` are those of the epoch
    whose weights these are. Arrays read from a file are read-only views of its content.
    """

    tensors: Mapping[str, Array]  # by slot name: `dense_1.W`
    name: str
    layers: Sequence[Mapping[str, Any]]
    input_shape: Shape
    loss: Mapping[str, Any]
    schema: Mapping[str, Any]
    seed: int
    schema_arrays: Mapping[str, Array] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)  # dnn, numpy, python
    threshold: Mapping[str, Any] = field(default_factory=dict)  # of decisions, if one was chosen
    calibration: Mapping[str, Any] = field(default_factory=dict)  # of probabilities, if it helped
    intervals: Mapping[str, Any] = field(default_factory=dict)  # of what `scores` are
    scores: Array | None = None  # how far off predictions of validation rows were


_FIELDS: Mapping[str, type] = {
    "name": str,
    "layers": list,
    "input_shape": list,
    "loss": dict,
    "schema": dict,
    "seed": int,
    "metrics": dict,
    "versions": dict,
}
_OPTIONAL: Mapping[str, type] = {  # written only where they say something
    "threshold": dict,
    "calibration": dict,
    "intervals": dict,
}


def write_model(path: Path, model: ModelFile) -> None:
    """Write `model` atomically.

    Raises:
        FileSystemError: the file could not be written.
    """
    write_tensors(path, *pack(model))


def read_model(path: Path, *, allow_nonfinite: bool = False) -> ModelFile:
    """The model in a model file or in either checkpoint, which hold one too.

    Raises:
        CheckpointError: the file is missing, damaged, of another kind or of a newer version, or,
            unless `allow_nonfinite`, holds weights that are not finite.
    """
    model = unpack(*read_tensors(path), str(path))
    if not allow_nonfinite:
        require_finite({**model.tensors, **model.schema_arrays}, str(path))
    return model


def pack(model: ModelFile) -> tuple[dict[str, Array], dict[str, str]]:
    """The tensors and the metadata that `model` is stored as."""
    for name in model.tensors:
        if name.startswith(_RESERVED):
            raise ValueError(f"slot name {name!r} has a reserved prefix")
    description = {key: getattr(model, key) for key in _FIELDS}
    description |= {key: value for key in _OPTIONAL if (value := getattr(model, key))}
    text = to_text({"format": FORMAT, "needs": NEEDS, **description}, sort=True)
    arrays = {**model.tensors, **prefixed(PREPROCESSING, model.schema_arrays)}
    if model.scores is not None:
        arrays[_SCORES] = model.scores
    return arrays, {MODEL: text}


def unpack(tensors: Mapping[str, Array], metadata: Mapping[str, str], origin: str) -> ModelFile:
    """The model that tensors and metadata of a file state; the inverse of `pack`."""
    facts = _description(metadata, origin)
    shape = facts["input_shape"]
    if not all(type(length) is int and length > 0 for length in shape):
        raise _wrong(origin, "`input_shape` is not a list of lengths")
    if not all(isinstance(layer, dict) for layer in facts["layers"]):
        raise _wrong(origin, "`layers` is not a list of tables")
    if not all(isinstance(version, str) for version in facts["versions"].values()):
        raise _wrong(origin, "`versions` are not text")
    facts["metrics"] = {key: _number(v, key, origin) for key, v in facts["metrics"].items()}
    facts["input_shape"] = tuple(shape)
    return ModelFile(
        tensors={n: a for n, a in tensors.items() if not n.startswith(_RESERVED)},
        schema_arrays=without(PREPROCESSING, tensors),
        scores=tensors.get(_SCORES),
        **facts,
    )


def _description(metadata: Mapping[str, str], origin: str) -> dict[str, Any]:
    if MODEL not in metadata:
        raise _wrong(origin, "it describes no model")
    try:
        found = from_text(metadata[MODEL])
    except ValueError as error:
        raise _wrong(origin, str(error)) from error
    if not isinstance(found, dict) or type(found.get("format")) is not int:
        raise _wrong(origin, "its description has no format")
    versions = found.get("versions")
    writer = versions.get("dnn", "") if isinstance(versions, dict) else ""
    require_format(found["format"], str(writer), str(found.get("needs", "")), origin)
    for key, kind in _FIELDS.items():
        if type(found.get(key)) is not kind:
            raise _wrong(origin, f"`{key}` is missing or of the wrong kind")
    for key, kind in _OPTIONAL.items():
        if type(found.get(key, kind())) is not kind:
            raise _wrong(origin, f"`{key}` is of the wrong kind")
    return {key: found[key] for key in (*_FIELDS, *_OPTIONAL) if key in found}


def _number(value: Any, key: str, origin: str) -> float:
    if value is None:  # JSON has no NaN
        return math.nan
    if type(value) not in (int, float):
        raise _wrong(origin, f"the metric `{safe_text(key)}` is not a number")
    return float(value)


def _wrong(origin: str, why: str) -> CheckpointError:
    return CheckpointError(
        f"{safe_text(origin)} holds no usable model", where=safe_text(origin), why=safe_text(why)
    )


def prefixed(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """`arrays` with `prefix` before every name."""
    return {prefix + name: array for name, array in arrays.items()}


def without(prefix: str, tensors: Mapping[str, Array]) -> dict[str, Array]:
    """The tensors whose name starts with `prefix`, under the rest of their name."""
    return {n.removeprefix(prefix): a for n, a in tensors.items() if n.startswith(prefix)}


def require_finite(tensors: Mapping[str, Array], origin: str) -> None:
    """Refuse weights that are NaN or infinite."""
    for name, array in tensors.items():
        bad = array.size - int(np.isfinite(array).sum())
        if bad:
            raise CheckpointError(
                f"{safe_text(origin)}: {bad} of {array.size} numbers in `{safe_text(name)}` "
                "are not finite",
                where=safe_text(origin),
                why="the training that wrote it had diverged",
                fix="use another checkpoint of the run",
            )


def require_tensors(
    tensors: Mapping[str, Array], expected: Mapping[str, Shape], origin: str
) -> None:
    """Refuse tensors that are not those of the network: missing, left over, of another shape."""
    found = {name: array.shape for name, array in tensors.items()}
    differences = [
        f"{safe_text(name)}: the file has {found.get(name, 'nothing')}, "
        f"the network needs {expected.get(name, 'nothing')}"
        for name in sorted(found.keys() | expected.keys())
        if found.get(name) != expected.get(name)
    ]
    if differences:
        more = len(differences) - _SHOWN
        listed = differences[:_SHOWN] + ([f"and {more} more"] if more > 0 else [])
        raise CheckpointError(
            f"the weights in {safe_text(origin)} do not fit the network",
            where=safe_text(origin),
            why="; ".join(listed),
        )
