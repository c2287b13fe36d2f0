"""Opening files (D01, D09) and asking for memory (D23), which all readers share."""

import gzip
import os
import pickle
import socket
from pathlib import Path

import numpy as np
import pytest

from dnn_cli.base.errors import DataError, LimitError
from dnn_cli.data.readers import bytes_in, memory
from dnn_cli.data.readers.growing import GrowingArray
from dnn_cli.data.source import SOURCES
from dnn_cli.data.table import Columns

READERS = {"csv": "path", "npy": "path", "npz": "path", "idx": "images"}


@pytest.fixture(params=READERS)
def spec(request):
    return lambda path: SOURCES.get(request.param)(**{READERS[request.param]: Path(path)})


def test_D01_missing_names_a_similar_file(spec, tmp_path, refused):
    (tmp_path / "train.dat").write_text("")
    message = refused(spec(tmp_path / "trian.dat"))
    assert "no such file" in message and "trian.dat" in message and "did you mean" in message
    assert "the folder holds train.dat" in refused(spec(tmp_path / "zzzzzzzzzzz"))


def test_D01_missing_folder(spec, tmp_path, refused):
    assert "nowhere` does not exist" in refused(spec(tmp_path / "nowhere" / "x.csv"))


def test_D01_folder(spec, tmp_path, refused):
    (tmp_path / "in.csv").write_text("")
    message = refused(spec(tmp_path))
    assert "is a folder" in message and "in.csv" in message


def test_D01_pipe_is_not_waited_for(spec, tmp_path, refused):
    os.mkfifo(tmp_path / "pipe")
    assert "a named pipe" in refused(spec(tmp_path / "pipe"))


def test_D01_device(spec, refused):
    assert "is a device" in refused(spec("/dev/zero"))


def test_D01_socket(spec, tmp_path, refused, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket may have a hundred bytes at most
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        assert "socket" in refused(spec("s"))


@pytest.mark.parametrize(
    ("code", "text"), [(13, "Permission denied"), (40, "Too many levels of symbolic links")]
)
def test_D01_no_permission(spec, tmp_path, refused, monkeypatch, code, text):
    def denied(*_args):
        raise OSError(code, os.strerror(code))

    (tmp_path / "x").write_text("")
    monkeypatch.setattr(bytes_in.os, "open", denied)  # root may read everything
    message = refused(spec(tmp_path / "x"))
    assert "cannot open" in message and text in message


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_D01_impossible_names(spec, name, refused):
    assert "cannot open" in refused(spec(name))


def test_messages_show_names_safely(spec, tmp_path, refused):
    assert "\x1b" not in refused(spec(tmp_path / "\x1b[31mred"))


def test_no_descriptor_is_left_open(tmp_path, refused):
    before = len(os.listdir("/proc/self/fd"))
    for make in READERS:
        refused(SOURCES.get(make)(**{READERS[make]: tmp_path}))
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("content", "looks"),
    [
        (pickle.dumps([1, 2]), "pickle"),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b"  <html lang='en'>", "an HTML page"),
        (gzip.compress(b"x", mtime=0), "gzip"),
        (b"a,b\n1,2\n", "text"),
        (b"", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"\xde\xad\xbe\xef" * 9, "unknown kind"),
    ],
)
@pytest.mark.parametrize("reader", ["npy", "npz", "idx"])
def test_D09_wrong_content_is_named(tmp_path, refused, reader, content, looks):
    path = tmp_path / "x"
    path.write_bytes(content)
    message = refused(SOURCES.get(reader)(**{READERS[reader]: path}))
    if reader == "idx" and looks == "gzip":
        looks = "text"  # unpacked, it holds the letter x
    assert looks in message


@pytest.mark.parametrize(
    ("content", "looks"),
    [
        (b"\x93NUMPY\x01\x00v\x00{}", "a NumPy array"),
        (b"PK\x03\x04\0\0", "a zip archive"),
    ],
)
def test_D09_D19_binary_is_no_csv(tmp_path, refused, content, looks):
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    assert looks in refused(SOURCES.get("csv")(path=path))


def test_D23_memory_is_asked_for_first(tmp_path, refused, monkeypatch):
    x = np.zeros((64, 4096))
    np.save(tmp_path / "x.npy", x)
    np.savez_compressed(tmp_path / "x.npz", x=x)
    idx = b"\0\0\x08\x02" + (64).to_bytes(4, "big") + (65536).to_bytes(4, "big")
    (tmp_path / "x.idx").write_bytes(gzip.compress(idx + bytes(64 * 65536), mtime=0))
    row = ",".join(["1"] * 4096) + "\n"
    (tmp_path / "x.csv").write_text(row.replace("1", "c%d") % tuple(range(4096)) + row * 64)
    monkeypatch.setattr(memory, "available_memory", lambda: 10_000)
    monkeypatch.setattr(memory, "LITTLE", 0)
    for name in ("npy", "npz", "idx", "csv"):
        spec = SOURCES.get(name)(**{READERS[name]: tmp_path / f"x.{name}"})
        if name == "csv":  # its pieces are bounded by the block that is read
            with pytest.raises(LimitError, match="does not fit into memory"):
                list(spec.tables(Columns()))
            continue
        message = refused(spec, LimitError)
        assert "does not fit into memory" in message and "9.8 KiB are available" in message


def test_D23_more_rows_than_expected(monkeypatch):
    array = GrowingArray((10,), np.dtype(np.float32), 2, "rows")
    array.append(np.ones((2, 10), np.float32))
    monkeypatch.setattr(memory, "available_memory", lambda: 10_000)
    monkeypatch.setattr(memory, "LITTLE", 0)
    array.append(np.zeros((100, 10), np.float32))
    with pytest.raises(LimitError, match="does not fit into memory"):
        array.append(np.zeros((1000, 10), np.float32))
    found = array.finish()
    assert found.shape == (102, 10) and found.sum() == 20


def test_available_memory_knows_control_groups(tmp_path, monkeypatch):
    assert (memory.available_memory() or 1) > 0
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("900000\n")
    (tmp_path / "memory.stat").write_text("anon 100000\nfile 800000\n")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    assert memory.available_memory() == 900_000  # page cache can be had back
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("5000\n")
    (tmp_path / "memory" / "memory.usage_in_bytes").write_text("9000\n")
    assert memory.available_memory() == 0


def test_open_regular_gives_the_bytes(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    with bytes_in.open_regular(tmp_path / "x") as file:
        assert bytes_in.file_size(file) == 3 and file.read() == b"abc"
    with pytest.raises(DataError):
        bytes_in.open_regular(tmp_path)
