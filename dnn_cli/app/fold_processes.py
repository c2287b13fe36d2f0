"""Folds in processes of their own, some at a time: each is an ordinary command.

Signals    one that arrives here is passed on, and no other fold begins; each process saves
Failing    a fold that fails says so itself, and the others that have begun come to their end
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence

from dnn_cli.app.fold import Fold
from dnn_cli.app.lifecycle.signals import StopRequest
from dnn_cli.app.say import Say
from dnn_cli.base.text import figure

_LOOK = 0.05  # seconds between two looks at the processes


def run_processes(folds: Sequence[Fold], jobs: int, say: Say) -> int:
    """Train and measure `folds`, up to `jobs` at a time.

    Returns the first exit code that is not 0.
    """
    waiting, stopped, told = list(folds), 0, False
    running: list[tuple[Fold, subprocess.Popen[bytes]]] = []
    with StopRequest() as stop:
        try:
            while running or (waiting and not stopped and stop.reason is None):
                while waiting and len(running) < jobs and not stopped and stop.reason is None:
                    fold = waiting.pop(0)
                    command = [sys.executable, "-m", "dnn_cli", *fold.command]
                    running.append((fold, subprocess.Popen(command, stdin=subprocess.DEVNULL)))
                    say(f"{fold.name} is training")
                for fold, process in list(running):
                    code = process.poll()
                    if code is None:
                        continue
                    running.remove((fold, process))
                    if code:
                        stopped = stopped or _exit_code(code)
                    else:
                        say(f"{fold.name}: loss {figure(fold.measure()['loss'])}")
                if stop.reason is not None and not told:
                    told = True
                    for _, process in running:
                        process.terminate()
                time.sleep(_LOOK)
        finally:
            for _, process in running:
                process.terminate()
    if stop.reason is not None and not stopped:
        stopped = _SIGNALS.get(stop.reason, 143)
    return stopped


_SIGNALS = {"hangup": 129, "interrupted": 130, "terminated": 143}


def _exit_code(code: int) -> int:
    """That of a process; one that a signal killed has a negative one."""
    return code if code > 0 else 128 - code
