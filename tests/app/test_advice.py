"""Whatever `predict` and `evaluate` refuse, no configuration is there to be changed any more."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnn_cli.app.evaluate import evaluate_model
from dnn_cli.app.predict import predict_file
from dnn_cli.base.errors import DnnError

# What is written into a configuration, or says that something in it is to be set.
CONFIGURATION = re.compile(r"\bexclude|\bset `|\{type|\bdata\.|\btask:|\btarget:|training\.")


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def saved(path: Path, array: Any) -> None:
    np.save(path, np.asarray(array))


WRONG: dict[str, Callable[[Path], object]] = {
    "x.doc": lambda path: path.write_text("a"),
    "missing.npy": lambda path: None,
    "inf.npy": lambda path: saved(path, np.full((2, 3), np.inf, np.float32)),
    "huge.npy": lambda path: saved(path, np.full((2, 3), 3e38, np.float32)),
    "wide.npy": lambda path: saved(path, np.ones((2, 4), np.float32)),
    "bytes.npy": lambda path: saved(path, np.ones((2, 3), np.uint8)),
    "words.npy": lambda path: saved(path, [["a", "b", "c"]]),
    "labels-idx1-ubyte": lambda path: path.write_bytes(idx(np.ones(4, np.uint8))),
    "y.npz": lambda path: np.savez(path, x=np.ones((2, 3), "f4"), y=[0.5, 0.25]),
    "z.npz": lambda path: np.savez(path, x=np.ones((2, 3), "f4"), y=["ash", ""]),
    "w.npz": lambda path: np.savez(path, x=np.ones((2, 3), "f4"), y=["ash", "elm"]),
}


@pytest.mark.parametrize("command", ["predict", "evaluate"])
@pytest.mark.parametrize("name", WRONG)
def test_advice_can_be_followed(name: str, command: str, table_run: Path, tmp_path: Path) -> None:
    WRONG[name](tmp_path / name)
    path = str(tmp_path / name)
    if command == "predict" and name in ("y.npz", "z.npz", "w.npz"):
        return  # targets are not looked at
    with pytest.raises(DnnError) as caught:
        if command == "predict":
            predict_file(path, model=str(table_run), output=str(tmp_path / "o.csv"))
        else:
            evaluate_model(str(table_run), data=path)
    for problem in caught.value.problems:
        now = problem.fix.partition("; before a training")[0]
        assert not CONFIGURATION.search(now), problem.fix
