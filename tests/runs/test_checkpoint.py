from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnn_cli.base.errors import CheckpointError, FileSystemError
from dnn_cli.runs.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from dnn_cli.runs.files import remove_temporaries
from dnn_cli.runs.model_file import ModelFile, pack, read_model, write_model
from dnn_cli.runs.tensors import write_tensors


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints" / "last.safetensors"


def equal(a: Any, b: Any) -> bool:
    return a.keys() == b.keys() and all(
        a[name].dtype == b[name].dtype and np.array_equal(a[name], b[name]) for name in a
    )


def test_a_checkpoint_comes_back_whole(path: Path, checkpoint: Checkpoint) -> None:
    write_checkpoint(path, checkpoint)
    found = read_checkpoint(path)
    assert equal(found.model.tensors, checkpoint.model.tensors)
    assert equal(found.optimizer, checkpoint.optimizer)
    assert equal(found.best, checkpoint.best)
    assert found.state["step"] == 10**12 and found.state["best"] == -math.inf
    assert found.state["history"][0]["train.loss"] == 0.1 + 0.2
    assert math.isnan(found.state["history"][1]["train.loss"])
    assert found.state["rate"] == float(np.float32(0.1)) and found.state["improved"] is True


def test_it_is_a_model_too(path: Path, checkpoint: Checkpoint, model: ModelFile) -> None:
    write_checkpoint(path, checkpoint)
    found = read_model(path)
    assert equal(found.tensors, model.tensors) and equal(found.schema_arrays, model.schema_arrays)
    assert found.layers == model.layers


def test_a_model_is_no_checkpoint(tmp_path: Path, model: ModelFile) -> None:
    write_model(tmp_path / "m", model)
    with pytest.raises(CheckpointError, match="no training to continue"):
        read_checkpoint(tmp_path / "m")


@pytest.mark.parametrize("state", ["", "[]", '{"a":1,"a":2}', "[" * 9999])
def test_a_state_that_is_damaged(tmp_path: Path, model: ModelFile, state: str) -> None:
    tensors, metadata = pack(model)
    write_tensors(tmp_path / "c", tensors, {**metadata, "dnn.state": state})
    with pytest.raises(CheckpointError, match="training state"):
        read_checkpoint(tmp_path / "c")


def test_values_that_are_not_finite(path: Path, checkpoint: Checkpoint) -> None:
    bad = np.array([1, np.inf], np.float32)
    write_checkpoint(path, replace(checkpoint, optimizer={"v": bad}))
    assert equal(read_checkpoint(path).optimizer, {"v": bad})
    write_checkpoint(path, replace(checkpoint, best={"dense_1.W": bad}))
    with pytest.raises(CheckpointError, match="not finite"):
        read_checkpoint(path)
    assert equal(read_checkpoint(path, allow_nonfinite=True).best, {"dense_1.W": bad})


@pytest.mark.parametrize("persistent", [False, True], ids=["once", "persistent"])
@pytest.mark.usefixtures("same_descriptors")
def test_every_fault_of_a_save_leaves_a_readable_checkpoint(
    path: Path,
    checkpoint: Checkpoint,
    faults: Any,
    fault: int | str,
    persistent: bool,
    left_over: Callable[[Path], list[str]],
) -> None:
    newer = replace(checkpoint, state={"step": 2})
    for at in range(1, 100):
        faults.disarm()
        write_checkpoint(path, replace(checkpoint, state={"step": 1}))
        faults.arm(at, fault, persistent=persistent)
        try:
            write_checkpoint(path, newer)
            acknowledged = 2
        except FileSystemError:
            acknowledged = 1
        reached = faults.reached
        faults.disarm()
        assert read_checkpoint(path).state["step"] >= acknowledged
        assert len(left_over(path.parent)) <= persistent
        remove_temporaries(path.parent)
        assert os.listdir(path.parent) == [path.name]
        if not reached:
            assert at > 10
            return
    raise AssertionError("the save never came to its end")


def test_the_first_save_of_a_run_can_fail_anywhere(
    path: Path, checkpoint: Checkpoint, faults: Any, killed: type[BaseException]
) -> None:
    for at in range(1, 100):
        faults.arm(at, "kill", persistent=True)
        try:
            write_checkpoint(path, checkpoint)
            break
        except killed:
            pass
        finally:
            faults.disarm()
            if path.exists():
                read_checkpoint(path)
    assert read_checkpoint(path)


def test_a_planted_link_leads_nowhere(tmp_path: Path, path: Path, checkpoint: Checkpoint) -> None:
    (tmp_path / "victim").mkdir()
    path.parent.symlink_to(tmp_path / "victim")
    with pytest.raises(FileSystemError):
        write_checkpoint(path, checkpoint)
    assert os.listdir(tmp_path / "victim") == []


def test_a_run_directory_that_is_gone_is_not_made_again(
    tmp_path: Path, checkpoint: Checkpoint
) -> None:
    with pytest.raises(FileSystemError):
        write_checkpoint(tmp_path / "gone" / "checkpoints" / "last", checkpoint)
    assert os.listdir(tmp_path) == []


def test_K15_reading_writes_nothing(path: Path, checkpoint: Checkpoint, faults: Any) -> None:
    write_checkpoint(path, checkpoint)
    faults.disarm()
    read_checkpoint(path)
    read_model(path)
    assert set(faults.calls) == {"open", "fstat", "pread", "close"}
