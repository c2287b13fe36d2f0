"""Every system call of a run fails once, or for ever: what was called safe stays so.

python tests/faults/faults.py
"""

from __future__ import annotations

import errno
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from harness import (
    CONFIGS,
    Faults,
    Killed,
    Log,
    Outcome,
    armed,
    exit_code,
    resume,
    train,
    write_config,
)

from dnn_cli.app.lifecycle.continuing import read_last
from dnn_cli.base.errors import DnnError
from dnn_cli.runs.directory import RunDirectory

KINDS: tuple[int | str, ...] = (
    *(errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS, errno.EDQUOT, errno.EMFILE),
    *("short", "kill"),
)


@dataclass
class Tried:
    """What came of it."""

    runs: int = 0
    stopped: int = 0  # ended with exit code 6
    resumed: int = 0
    wrong: list[str] = field(default_factory=list)


def sweep(
    folder: Path, fault: int | str, persistent: bool, start: int = 1, stride: int = 1
) -> Tried:
    """Let the calls `start`, `start + stride`, … of a run fail, one run each; then resume it."""
    tried = Tried()
    config = write_config(folder, CONFIGS["short"])
    with armed(Faults()) as counted:
        train(config, folder / "whole")
    wanted = Outcome.of(folder / "whole")
    for at in range(start, counted.count + 1, stride):
        run, log = folder / "run", Log()
        try:
            with armed(Faults(at, fault, persistent)):
                code = exit_code(lambda: train(config, run, log))  # noqa: B023
        except Killed:
            code = 0
        tried.runs += 1
        tried.stopped += code == 6
        wrong = _judge(run, code, log.step, wanted)
        if wrong:
            tried.wrong.append(f"call {at}: {wrong}")
        tried.resumed += (run / "config.yaml").exists()
        shutil.rmtree(run, ignore_errors=True)
    return tried


def _judge(run: Path, code: int, step: int, wanted: Outcome) -> str:
    """What is wrong with a run that ended with `code` after calling `step` safe; or nothing."""
    if code not in (0, 6):
        return f"exit code {code}"
    if not (run / "config.yaml").exists():
        return f"step {step} was safe" if step >= 0 else ""
    try:
        found = read_last(RunDirectory(run))
        there = found.state["step"] if found else -1
        if there < step:
            return f"step {step} was safe, the checkpoint is of step {there}"
        with armed(Faults()):
            resume(run)
    except DnnError as error:
        return str(error)
    return "" if Outcome.of(run) == wanted else "it differs"


def main() -> int:
    """Every kind of fault at every call."""
    failed = 0
    for fault in KINDS:
        for persistent in (False, True):
            with tempfile.TemporaryDirectory(prefix="faults-") as folder:
                tried = sweep(Path(folder), fault, persistent)
            name = fault if isinstance(fault, str) else errno.errorcode[fault]
            print(f"{name} {'for ever' if persistent else 'once'}: {tried}", flush=True)
            failed += len(tried.wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
