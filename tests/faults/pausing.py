"""The command in a process of its own, which stands still at a chosen step of its training.

What a test does to it meanwhile happens at this step on every machine, be it fast or slow. The
process goes on when it has taken note of a signal, or when it is told to.

    with Paused("step", 8, "train", "r.yaml") as paused:
        paused.stands()
        paused.process.send_signal(signal.SIGTERM)
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

sys.path.insert(0, str(Path(__file__).parent))

from harness import EVERY_STEP, heeding

from dnn_cli.app import train
from dnn_cli.app.lifecycle import saving
from dnn_cli.runs.disk import disk
from dnn_cli.training.events import CheckpointSaved, Event, StepsFinished

PATIENCE = 300  # seconds until a process counts as hanging: what is waited for takes one
PLAIN = {
    "PATH": os.environ["PATH"],
    "PYTHONPATH": str(Path(__file__).parents[2]),
    "OPENBLAS_NUM_THREADS": "1",
    "TERM": "xterm-256color",
    "LANG": "C.UTF-8",
}


class Paused:
    """A process that saves after every step and stands still.

    `at` is "step": the steps of an epoch that began before count too, or "save": within the
    writing of a checkpoint, after its temporary file and before its name. It stands so often
    there as `times` says.
    """

    def __init__(self, at: str, number: int, *words: str, times: int = 1, **options: Any) -> None:
        (self.hears, told), (go, self._tells) = os.pipe(), os.pipe()
        given = map(str, (at, number, times, told, go))
        settings: dict[str, Any] = {"env": PLAIN, "preexec_fn": heeding}
        settings |= {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(
            [sys.executable, __file__, *given, *words], pass_fds=(told, go), **settings | options
        )
        os.close(told)
        os.close(go)

    def stands(self) -> None:
        """Wait until the process stands still."""
        assert select.select([self.hears], [], [], PATIENCE)[0], "the process hangs"
        assert os.read(self.hears, 1) == b".", f"it ended before: {self.ended()}"

    def go_on(self) -> None:
        """Let the process go on."""
        os.write(self._tells, b".")

    def ended(self) -> tuple[int, str]:
        """The exit code of the process and what it told, once it has ended."""
        _, told = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, (told or b"").decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stderr:
            self.process.stderr.close()
        os.close(self.hears)
        os.close(self._tells)


def _main(at: str, number: int, times: int, told: int, go: int) -> int:
    """Be the process: the command line without what `Paused` put before it."""
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes)  # holds a byte for each signal that Python takes note of

    def stand() -> None:
        for _ in range(times):
            os.write(told, b".")
            for ready in select.select([go, woken], [], [])[0]:
                os.read(ready, 1)

    def at_a_step(event: Event) -> None:
        if isinstance(event, StepsFinished) and event.step == number:
            stand()

    def in_a_save(event: Event) -> None:
        if isinstance(event, CheckpointSaved) and event.step == number - 1:
            saving.write_checkpoint = standing

    def standing(path: Path, *words: Any) -> None:
        def fsync(descriptor: int) -> None:
            del disk.fsync
            stand()
            disk.fsync(descriptor)

        saving.write_checkpoint = write
        disk.fsync = fsync
        write(path, *words)

    def train_run(*words: Any, observers: Any, **more: Any) -> Any:
        watch = {"step": at_a_step, "save": in_a_save}[at]
        return real(*words, observers=[*observers, watch], pace=EVERY_STEP, **more)

    real, write = train.train_run, saving.write_checkpoint
    train.train_run = train_run
    from dnn_cli.__main__ import main

    return main()


if __name__ == "__main__":
    _, at, *numbers = sys.argv[:6]
    del sys.argv[1:6]
    sys.exit(_main(at, *map(int, numbers)))
