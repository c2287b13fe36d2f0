"""Checkpoints: all that is needed to go on training as if nothing had happened, in one file.

One file, because two overwritten one after the other can disagree: new weights with an old
epoch. A checkpoint also holds a whole model (`model_file`), so that `evaluate` and `predict`
accept `last` and `best` as they accept `model.safetensors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from dnn_cli.base.errors import CheckpointError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.runs.files import make_directory
from dnn_cli.runs.json_file import from_text, to_text
from dnn_cli.runs.model_file import (
    BEST,
    OPTIMIZER,
    ModelFile,
    pack,
    prefixed,
    require_finite,
    unpack,
    without,
)
from dnn_cli.runs.tensors import read_tensors, write_tensors

STATE = "dnn.state"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A training between two steps.

    `state` is JSON: counters, the best value of the monitored metric, early stopping, history,
    length and SHA-256 of the metrics log, hash of the resolved configuration, versions and
    threads. Numbers in it come back bit for bit, NaN and infinity included. `best` may stay empty
    when the best weights are the present ones or are kept in a file of their own.
    """

    model: ModelFile  # the present weights
    state: Mapping[str, Any]
    optimizer: Mapping[str, Array] = field(default_factory=dict)
    best: Mapping[str, Array] = field(default_factory=dict)  # by slot name


def write_checkpoint(path: Path, checkpoint: Checkpoint, keep: str = "") -> None:
    """Write `checkpoint` atomically; makes the directory it lies in, not those above it.

    With `keep` the checkpoint that it replaces stays, under that name beside it.

    Raises:
        FileSystemError: the file could not be written; the one before it is as it was.
    """
    tensors, metadata = pack(checkpoint.model)
    tensors |= prefixed(OPTIMIZER, checkpoint.optimizer)
    tensors |= prefixed(BEST, checkpoint.best)
    metadata[STATE] = to_text(checkpoint.state, exact=True, sort=True)
    make_directory(path.parent)
    write_tensors(path, tensors, metadata, keep)


def read_checkpoint(path: Path, *, allow_nonfinite: bool = False) -> Checkpoint:
    """The checkpoint in a file.

    Raises:
        CheckpointError: see `read_model`; also for a file that holds a model only.
    """
    tensors, metadata = read_tensors(path)
    model = unpack(tensors, metadata, str(path))
    checkpoint = Checkpoint(
        model=model,
        state=_state(metadata, path),
        optimizer=without(OPTIMIZER, tensors),
        best=without(BEST, tensors),
    )
    if not allow_nonfinite:
        # Not the optimizer's: a squared gradient may overflow while the weights stay finite.
        require_finite({**model.tensors, **model.schema_arrays, **checkpoint.best}, str(path))
    return checkpoint


def _state(metadata: Mapping[str, str], path: Path) -> dict[str, Any]:
    if STATE not in metadata:
        raise CheckpointError(
            f"{safe_text(path)} holds a model but no training to continue",
            where=safe_text(path),
            fix="resume from a run directory, which holds checkpoints/last.safetensors",
        )
    try:
        state = from_text(metadata[STATE], exact=True)
    except ValueError as error:
        raise CheckpointError(
            f"the training state in {safe_text(path)} is not JSON",
            where=safe_text(path),
            why=safe_text(error),
        ) from error
    if not isinstance(state, dict):
        raise CheckpointError(f"the training state in {safe_text(path)} is not a table")
    return state
