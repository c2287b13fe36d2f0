from __future__ import annotations

import os
from pathlib import Path

import pytest

from dnn_cli.base.errors import CheckpointError
from dnn_cli.runs.tensors import read_tensors


def zipped(name: str) -> bytes:
    return b"PK\x03\x04" + b"\0" * 26 + name.encode() + b"\0" * 99


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "is empty"),
        (b"abc", "too short"),
        (b"\x80\x04\x95" + b"x" * 20, "pickle"),
        (zipped("archive/data.pkl"), "PyTorch"),
        (zipped("arr_0.npy"), "npz"),
        (zipped("metadata.json"), "keras"),
        (zipped("letter.doc"), "zip"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 20, "HDF5"),
        (b"\x93NUMPY\x01\0v\0{", "NumPy array"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"name: moons\nseed: 0\n", "unknown kind"),
    ],
)
def test_K07_files_of_other_kinds_are_named_and_never_loaded(
    tmp_path: Path, content: bytes, kind: str
) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=f"model.bin is not .*{kind}"):
        read_tensors(path)


def test_K07_missing_files_directories_and_pipes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for name, text in [
        ("absent", "No such file"),
        (".", "Is a directory"),
        ("pipe", "not a regular file"),
        ("loop", "symbolic links"),
    ]:
        with pytest.raises(CheckpointError, match=f"cannot read .*{text}"):
            read_tensors(tmp_path / name)
