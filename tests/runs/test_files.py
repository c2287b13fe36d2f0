from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dnn_cli.base.errors import DataError, FileSystemError
from dnn_cli.runs.files import (
    make_directory,
    new_directory,
    read_bytes,
    remove_temporaries,
    write_atomic,
)

OLD, NEW = b"old" * 100, [b"new", b"", b"content" * 100]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "run" / "file"
    path.parent.mkdir()
    path.write_bytes(OLD)
    return path


def test_the_protocol(target: Path, faults: Any) -> None:
    write_atomic(target, b"new")
    assert faults.calls == [
        *("open", "stat", "open", "write", "fsync", "close", "replace", "fsync", "close")
    ]


@pytest.mark.parametrize("persistent", [False, True], ids=["once", "persistent"])
@pytest.mark.usefixtures("same_descriptors")
def test_R08_every_fault_leaves_the_old_file_or_the_new_one(
    target: Path, faults: Any, fault: int | str, persistent: bool, left_over: Callable[..., Any]
) -> None:
    for at in range(1, 50):
        target.write_bytes(OLD)
        faults.arm(at, fault, persistent=persistent)
        failed = published = False
        try:
            write_atomic(target, iter(NEW))
        except FileSystemError as error:
            failed = True
            assert str(target) in str(error) or str(target.parent) in str(error)
            assert os.strerror(fault) in str(error)  # type: ignore[arg-type]
            published = "power failure" in error.state
        reached, last = faults.reached, faults.calls[at - 1 :] == ["close"]
        faults.disarm()
        assert target.read_bytes() == (b"".join(NEW) if published or not failed else OLD)
        if not persistent:
            assert left_over(target.parent) == []
        harmless = fault == "short" or last  # closing the directory is the last call
        assert failed == (reached and not harmless)
        remove_temporaries(target.parent)
        assert [p.name for p in target.parent.iterdir()] == ["file"]
        if not reached:
            return
    raise AssertionError("the save never came to its end")


def test_a_kill_at_any_call_leaves_the_old_file_or_the_new_one(
    target: Path, faults: Any, killed: type[BaseException]
) -> None:
    seen = set()
    for at in range(1, 50):
        target.write_bytes(OLD)
        faults.arm(at, "kill", persistent=True)
        try:
            write_atomic(target, NEW)
        except killed:
            seen.add(target.read_bytes())
        reached = faults.reached
        faults.disarm()
        remove_temporaries(target.parent)
        assert [p.name for p in target.parent.iterdir()] == ["file"]
        if not reached:
            break
    assert seen == {OLD, b"".join(NEW)}


def test_R09_an_interrupted_write_goes_on(target: Path, faults: Any) -> None:
    write_atomic(target, OLD)
    at = faults.calls.index("write") + 1
    faults.arm(at, errno.EINTR)
    write_atomic(target, NEW)
    assert target.read_bytes() == b"".join(NEW)


def test_a_write_that_takes_nothing_is_an_error(target: Path, monkeypatch: Any) -> None:
    from dnn_cli.runs.disk import disk

    monkeypatch.setattr(disk, "write", lambda *_: 0)
    with pytest.raises(FileSystemError, match="no more bytes"):
        write_atomic(target, NEW)


def test_a_file_system_that_cannot_sync_directories_is_no_error(target: Path, faults: Any) -> None:
    write_atomic(target, OLD)
    at = len(faults.calls) - faults.calls[::-1].index("fsync")
    faults.arm(at, errno.EINVAL)
    write_atomic(target, b"new")
    assert faults.reached


def test_errors_of_the_data_pass_through(target: Path, left_over: Callable[..., Any]) -> None:
    def broken() -> Iterator[bytes]:
        yield b"a row"
        raise DataError("row 2 is damaged")

    with pytest.raises(DataError):
        write_atomic(target, broken())
    assert target.read_bytes() == OLD and left_over(target.parent) == []


def test_exclusive_never_replaces(target: Path, left_over: Callable[..., Any]) -> None:
    with pytest.raises(FileSystemError, match="File exists"):
        write_atomic(target, NEW, exclusive=True)
    assert target.read_bytes() == OLD
    write_atomic(target.with_name("other"), NEW, exclusive=True)
    assert target.with_name("other").read_bytes() == b"".join(NEW)
    assert left_over(target.parent) == []


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o027, 0o077])
@pytest.mark.parametrize("exclusive", [False, True])
def test_R10_the_umask_decides_the_mode(target: Path, umask: int, exclusive: bool) -> None:
    before = os.umask(umask)
    try:
        write_atomic(target.with_name("other"), NEW, exclusive=exclusive)
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.with_name("other").stat().st_mode) == 0o666 & ~umask


def test_what_is_replaced_can_be_kept(target: Path, faults: Any) -> None:
    write_atomic(target, b"new", keep="old")
    assert (target.read_bytes(), (target.parent / "old").read_bytes()) == (b"new", OLD)
    faults.disarm()
    write_atomic(target, b"newer", keep="old")
    assert faults.calls == [
        *("open", "stat", "open", "write", "fsync", "close"),
        *("link", "replace", "replace", "unlink", "fsync", "close"),  # as many fsyncs as without
    ]
    assert (target.read_bytes(), (target.parent / "old").read_bytes()) == (b"newer", b"new")
    assert sorted(os.listdir(target.parent)) == ["file", "old"]


def test_there_may_be_nothing_to_keep(target: Path, faults: Any) -> None:
    target.unlink()
    write_atomic(target, b"first", keep="old")
    assert os.listdir(target.parent) == ["file"]
    for kind in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):  # a file system without links
        faults.arm(7, kind)
        write_atomic(target, b"second", keep="old")
        assert faults.calls[6] == "link"
        assert os.listdir(target.parent) == ["file"] and target.read_bytes() == b"second"


@pytest.mark.parametrize("persistent", [False, True], ids=["once", "persistent"])
@pytest.mark.usefixtures("same_descriptors")
def test_every_fault_leaves_two_files_of_which_one_is_the_old(
    target: Path, faults: Any, fault: int | str, persistent: bool
) -> None:
    kept = target.with_name("kept")
    for at in range(1, 50):
        target.write_bytes(OLD)
        kept.write_bytes(b"older")
        faults.arm(at, fault, persistent=persistent)
        with suppress(FileSystemError):
            write_atomic(target, b"new", keep="kept")
        reached = faults.reached
        faults.disarm()
        now = (target.read_bytes(), kept.read_bytes())
        assert now in [(OLD, b"older"), (b"new", OLD), (b"new", b"older")]
        remove_temporaries(target.parent)
        assert sorted(os.listdir(target.parent)) == ["file", "kept"]
        if not reached:
            assert at > 12
            return
        target.unlink()  # not the file that is called `kept` too
    raise AssertionError("the save never came to its end")


def test_a_link_to_keep_is_not_followed(tmp_path: Path, target: Path) -> None:
    (tmp_path / "victim").write_bytes(b"precious")
    target.unlink()
    target.symlink_to(tmp_path / "victim")
    write_atomic(target, b"new", keep="kept")
    assert target.with_name("kept").is_symlink() and target.read_bytes() == b"new"
    write_atomic(target, b"newer", keep="kept")
    assert (tmp_path / "victim").read_bytes() == b"precious"
    assert target.with_name("kept").read_bytes() == b"new"


def test_R05_a_link_in_place_of_the_file_is_replaced_not_followed(
    target: Path, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    for plant in (target.symlink_to, target.hardlink_to):
        target.unlink()
        plant(victim)
        write_atomic(target, NEW)
        assert not target.is_symlink() and target.read_bytes() == b"".join(NEW)
        assert victim.read_bytes() == b"precious"


def test_a_link_in_place_of_the_directory_is_refused(target: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(target.parent)
    with pytest.raises(FileSystemError) as found:
        write_atomic(tmp_path / "link" / "file", NEW)
    assert "symbolic link" in found.value.problems[0].fix
    assert target.read_bytes() == OLD


def test_an_output_that_the_user_named_may_lie_behind_links(target: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(target.parent)
    (tmp_path / "output").symlink_to("link/file")
    write_atomic(tmp_path / "output", NEW, follow=True)
    assert (tmp_path / "output").is_symlink() and target.read_bytes() == b"".join(NEW)


def test_a_planted_temporary_is_not_written_through(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    monkeypatch.setattr(os, "urandom", bytes)
    planted = target.with_name(f".tmp-{os.getpid()}-{'00' * 8}")
    planted.symlink_to(victim)
    with pytest.raises(FileSystemError, match="File exists"):
        write_atomic(target, NEW)
    assert victim.read_bytes() == b"precious" and target.read_bytes() == OLD
    assert planted.is_symlink()


@pytest.mark.parametrize("follow", [False, True])
def test_devices_pipes_and_directories_are_not_replaced(tmp_path: Path, follow: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "directory").mkdir()
    for name in ("pipe", "directory"):
        with pytest.raises(FileSystemError, match="not a regular file"):
            write_atomic(tmp_path / name, NEW, follow=follow)
    assert sorted(os.listdir(tmp_path)) == ["directory", "pipe"]


def test_a_missing_directory_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileSystemError, match="No such file"):
        write_atomic(tmp_path / "absent" / "file", NEW)
    with pytest.raises(FileSystemError, match="too long"):
        write_atomic(tmp_path / ("n" * 256), NEW)


def test_R16_only_our_temporaries_are_removed(tmp_path: Path) -> None:
    ours, others = ".tmp-12-0123456789abcdef", (".tmp-x", ".tmp-12-0123", ".DS_Store", "file")
    for name in (ours, *others):
        (tmp_path / name).write_bytes(b"")
    assert remove_temporaries(tmp_path) == [ours]
    assert sorted(os.listdir(tmp_path)) == sorted(others)


@pytest.mark.usefixtures("same_descriptors")
def test_many_saves_leak_no_descriptor(target: Path) -> None:
    for _ in range(100):
        write_atomic(target, b"x")
        with pytest.raises(FileSystemError):
            write_atomic(target, b"x", exclusive=True)


def test_directories(tmp_path: Path) -> None:
    assert new_directory(tmp_path / "a") and not new_directory(tmp_path / "a")
    make_directory(tmp_path / "b" / "c" / "d", parents=True)
    make_directory(tmp_path / "b" / "c" / "d", parents=True)
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path / "file" / "x", tmp_path / "absent" / "x"):
        with pytest.raises(FileSystemError):
            make_directory(path)


def test_reading_back(tmp_path: Path) -> None:
    for content in (b"", b"x" * (3 << 20)):
        (tmp_path / "file").write_bytes(content)
        assert read_bytes(tmp_path / "file") == content
