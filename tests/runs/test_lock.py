from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dnn_cli.base.errors import FileSystemError, LockedError
from dnn_cli.runs.lock import lock

HOLD = """
import sys
from pathlib import Path
from dnn_cli.runs.lock import lock
with lock(Path(sys.argv[1]), "2026-11-22T10:00:00Z"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_R02_one_process_holds_it_and_a_killed_one_no_longer(tmp_path: Path) -> None:
    pipe = subprocess.PIPE
    holder = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdin=pipe, stdout=pipe)
    try:
        assert holder.stdout and holder.stdout.readline() == b"held\n"
        with pytest.raises(LockedError) as found, lock(tmp_path, "now"):
            pass
        message = str(found.value)
        assert f"process {holder.pid}, started 2026-11-22T10:00:00Z" in message
        assert found.value.exit_code == 7
    finally:
        holder.kill()
        holder.communicate()
    with lock(tmp_path, "later"):
        assert "later" in (tmp_path / "run.lock").read_text()
    assert (tmp_path / "run.lock").exists()


def test_a_note_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    with lock(tmp_path, "now"):
        for note, told in [
            (b"", "another process"),
            (b"\xff\x1b[31m", "another process"),
            (b"12 \x1b", r"process 12, started \x1b"),
        ]:
            (tmp_path / "run.lock").write_bytes(note)
            with pytest.raises(LockedError) as found, lock(tmp_path, "then"):
                pass
            assert told in str(found.value)


@pytest.mark.usefixtures("same_descriptors")
def test_faults(tmp_path: Path, faults: Any) -> None:
    with lock(tmp_path, "now"):
        calls = list(faults.calls)
    for kind, text in [(errno.ENOLCK, "no locks"), (errno.EIO, "Input/output")]:
        faults.arm(calls.index("flock") + 1, kind)
        with pytest.raises(FileSystemError, match=text), lock(tmp_path, "now"):
            pass
    faults.arm(calls.index("write") + 1, errno.ENOSPC)
    with lock(tmp_path, "now"):
        pass


def test_R05_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / "run" / "run.lock").symlink_to(tmp_path / "victim")
    with pytest.raises(FileSystemError), lock(tmp_path / "run", "now"):
        pass
    assert (tmp_path / "victim").read_bytes() == b"precious"
