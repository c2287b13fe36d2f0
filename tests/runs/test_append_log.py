from __future__ import annotations

import errno
import hashlib
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from dnn_cli.base.errors import CheckpointError, FileSystemError
from dnn_cli.runs.append_log import AppendLog, whole_lines
from dnn_cli.runs.disk import disk

LINES = [b'{"epoch":%d}\n' % epoch for epoch in range(1, 5)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metrics.jsonl"


def written(path: Path, *lines: bytes) -> tuple[int, str]:
    """Write a log; its length and digest."""
    with AppendLog.create(path) as log:
        for line in lines:
            log.append(line)
        log.sync()
        return log.length, log.sha256


def test_length_and_digest_are_those_of_the_file(path: Path) -> None:
    length, digest = written(path, *LINES)
    content = b"".join(LINES)
    assert path.read_bytes() == content
    assert (length, digest) == (len(content), hashlib.sha256(content).hexdigest())


def test_the_name_of_a_new_log_is_durable(path: Path, faults: Any) -> None:
    AppendLog.create(path).close()
    assert faults.calls == ["open", "open", "fsync", "close", "close"]


def test_resuming_gives_the_log_of_an_uninterrupted_run(path: Path) -> None:
    length, digest = written(path, *LINES[:2])
    for attempt in (1, 2):
        with path.open("ab") as more:
            more.write(LINES[2] + b'{"torn')
        with AppendLog.resume(path, length, digest) as log:
            assert (log.length, log.sha256) == (length, digest)
        kept = path.with_name(f"metrics.superseded-{attempt:03d}.jsonl")
        assert kept.read_bytes() == LINES[2] + b'{"torn'
    with AppendLog.resume(path, length, digest) as log:
        log.append(LINES[2])
        log.append(LINES[3])
        assert log.sha256 == hashlib.sha256(b"".join(LINES)).hexdigest()
    assert path.read_bytes() == b"".join(LINES)
    assert len(list(path.parent.iterdir())) == 3


@pytest.mark.parametrize("damage", [b"", LINES[0], b"X" * 200, None])
def test_resuming_refuses_a_damaged_prefix(path: Path, damage: bytes | None) -> None:
    length, digest = written(path, *LINES[:2])
    path.unlink() if damage is None else path.write_bytes(damage)
    with pytest.raises(CheckpointError, match=r"metrics\.jsonl"):
        AppendLog.resume(path, length, digest)
    assert (path.read_bytes() if path.exists() else None) == damage


def test_extending_drops_a_torn_line(path: Path) -> None:
    AppendLog.extend(path).close()
    path.write_bytes(LINES[0] + b'{"ep')
    with AppendLog.extend(path) as log:
        log.append(LINES[1])
    assert path.read_bytes() == LINES[0] + LINES[1]


def test_what_is_there_is_not_overwritten_or_followed(path: Path, tmp_path: Path) -> None:
    written(path, LINES[0])
    (tmp_path / "link").symlink_to(path)
    for name in (path, tmp_path / "link"):
        with pytest.raises(FileSystemError, match="File exists"):
            AppendLog.create(name)
    with pytest.raises(CheckpointError):
        AppendLog.resume(tmp_path / "link", 0, hashlib.sha256().hexdigest())


@pytest.mark.parametrize("kind", [errno.ENOSPC, errno.EIO])
def test_a_failed_append_leaves_whole_lines(
    path: Path, monkeypatch: pytest.MonkeyPatch, kind: int
) -> None:
    def torn(descriptor: int, buffer: memoryview) -> int:
        if len(buffer) == len(LINES[1]):
            return os.write(descriptor, buffer[:5])
        raise OSError(kind, os.strerror(kind))

    with AppendLog.create(path) as log:
        log.append(LINES[0])
        with monkeypatch.context() as patch:
            patch.setattr(disk, "write", torn)
            with pytest.raises(FileSystemError, match=os.strerror(kind)):
                log.append(LINES[1])
        assert path.read_bytes() == LINES[0] and log.length == len(LINES[0])
        log.append(LINES[1])
        assert log.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.usefixtures("same_descriptors")
def test_after_a_failed_sync_or_cut_the_log_is_closed(path: Path, faults: Any) -> None:
    log = AppendLog.create(path)
    faults.arm(1, errno.EIO)
    with pytest.raises(FileSystemError, match="Input/output"):
        log.sync()
    faults.disarm()
    for use in (log.sync, lambda: log.append(LINES[0])):
        with pytest.raises(FileSystemError, match="closed"):
            use()
    log = AppendLog.extend(path)
    faults.arm(1, errno.EIO, persistent=True)
    with pytest.raises(FileSystemError, match="Input/output"):
        log.append(LINES[0])
    faults.disarm()
    with pytest.raises(FileSystemError, match="closed"):
        log.append(LINES[0])


@pytest.mark.usefixtures("same_descriptors")
def test_a_fault_anywhere_while_resuming_loses_nothing(path: Path, faults: Any) -> None:
    length, digest = written(path, *LINES[:2])
    for at in range(1, 100):
        for left in path.parent.iterdir():
            left.unlink()
        path.write_bytes(b"".join(LINES))
        faults.arm(at, errno.EIO)
        try:
            AppendLog.resume(path, length, digest).close()
        except (FileSystemError, CheckpointError) as error:
            assert "Input/output error" in str(error)
        reached = faults.reached
        faults.disarm()
        kept = [p.read_bytes() for p in path.parent.glob("metrics.superseded-*")]
        assert path.read_bytes() == b"".join(LINES) or kept == [b"".join(LINES[2:])]
        AppendLog.resume(path, length, digest).close()
        assert path.read_bytes() == b"".join(LINES[:2])
        if not reached:
            return
    raise AssertionError("resuming never came to its end")


def test_a_log_that_cannot_be_read_is_not_begun_again(path: Path) -> None:
    path.mkdir()
    with pytest.raises(CheckpointError, match="directory"):
        AppendLog.extend(path)


def test_only_whole_lines_are_taken(path: Path) -> None:
    with AppendLog.create(path) as log, pytest.raises(ValueError, match="whole"):
        log.append(b"half")


def test_a_reader_sees_whole_lines_only(path: Path) -> None:
    """Lines longer than a page, which the kernel does make visible in pieces.

    Each reading begins with the writing of some lines, so that they meet at any speed.
    """
    turns, readings = threading.Semaphore(0), 40
    lines = [b"%d" % (n % 10) * (1 + 997 * n % 20_000) + b"\n" for n in range(400)]

    def write() -> None:
        for number, line in enumerate(lines):
            if number % (len(lines) // readings) == 0:
                turns.acquire()
            log.append(line)

    with AppendLog.create(path) as log:
        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(readings):
                turns.release()
                seen = whole_lines(path)
                assert seen == [line[:-1] for line in lines[: len(seen)]]
        finally:
            turns.release(readings)
            writer.join()
    assert whole_lines(path) == [line[:-1] for line in lines]


def test_reading_a_torn_tail_and_a_missing_log(path: Path) -> None:
    path.write_bytes(b"a\nb\nhalf")
    assert whole_lines(path) == [b"a", b"b"]
    with pytest.raises(CheckpointError):
        whole_lines(path.with_name("absent"))
