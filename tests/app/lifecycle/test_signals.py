"""Signals, terminals and pipes, with whole processes: what is saved, and how they end."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "faults"))

from harness import Outcome, heeding, resume, train, write_config

from dnn_cli.app.lifecycle.saving import Pace
from dnn_cli.app.lifecycle.signals import StopRequest
from dnn_cli.runs.checkpoint import read_checkpoint
from dnn_cli.runs.directory import RunDirectory

ROOT = Path(__file__).parents[3]
TEXT = """\
name: r
data: {source: {type: synthetic, kind: moons, rows: 2000}, split: {valid: 0.1}}
model: {hidden: [32], dropout: 0.1}
optimizer: {type: adam, schedule: cosine}
training: {epochs: 10, batch_size: 4, threads: 1, checkpoint: {every_seconds: 0.05}}
"""
PLAIN = {
    "PATH": os.environ["PATH"],
    "PYTHONPATH": str(ROOT),
    "OPENBLAS_NUM_THREADS": "1",
    "TERM": "xterm-256color",
    "LANG": "C.UTF-8",
}


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What every run here must end with."""
    folder = tmp_path_factory.mktemp("whole")
    train(write_config(folder, TEXT), folder / "run", pace=Pace())
    return Outcome.of(folder / "run")


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`dnn train` in a process of its own, which does not outlive the test."""
    made: list[subprocess.Popen[str]] = []
    path = write_config(tmp_path, TEXT)

    def start(*, python: tuple[str, ...] = ("-m", "dnn_cli"), **options: Any) -> Any:
        words = [sys.executable, *python, "train", str(path), "--run-dir", str(tmp_path / "run")]
        settings = {"env": PLAIN, "stderr": subprocess.PIPE, "text": True, "preexec_fn": heeding}
        settings |= options
        made.append(subprocess.Popen(words, stdout=subprocess.DEVNULL, **settings))
        return made[-1]

    yield start
    for process in made:
        process.kill()
        process.wait()
        process.stderr.close()  # type: ignore[union-attr]


def until(process: Any, condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds; the process must be alive."""
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)


def lines(run: Path) -> int:
    log = run / "metrics.jsonl"
    return log.read_bytes().count(b"\n") if log.exists() else 0


def continued(run: Path) -> Outcome:
    assert resume(run, pace=Pace()).exit_code == 0
    return Outcome.of(run)


def ends_the_step_saves_and_says_how_to_go_on(
    tmp_path: Path, started: Any, wanted: Outcome, number: int, code: int, word: str
) -> None:
    process = started()
    until(process, lambda: lines(tmp_path / "run") >= 2)
    process.send_signal(number)
    _, told = process.communicate(timeout=30)
    assert process.returncode == code
    assert word in told and told.endswith(f"continue with: dnn resume {tmp_path}/run\n")
    state = read_checkpoint(RunDirectory(tmp_path / "run").last).state
    assert state["step"] >= 2 * 450
    assert continued(tmp_path / "run") == wanted


def test_P01_an_interrupt(tmp_path: Path, started: Any, wanted: Outcome) -> None:
    told = "interrupted, everything is saved"
    ends_the_step_saves_and_says_how_to_go_on(tmp_path, started, wanted, signal.SIGINT, 130, told)


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGTERM, 143, "terminated"), (signal.SIGHUP, 129, "hung up")],
)
def test_P02_a_scheduler_or_a_hangup(
    tmp_path: Path, started: Any, wanted: Outcome, number: int, code: int, word: str
) -> None:
    told = f"{word}, everything is saved"
    ends_the_step_saves_and_says_how_to_go_on(tmp_path, started, wanted, number, code, told)


SLOW = """
import os, sys, time
from dnn_cli.app.lifecycle import saving
from dnn_cli.cli.application import run
from dnn_cli.runs.disk import disk
real, calls = saving.write_checkpoint, []
def fsync(descriptor):
    open(os.environ["MARK"], "w").close()
    del disk.fsync
    time.sleep(float(os.environ["PAUSE"]))
def slow(path, *words):
    calls.extend([path] if path.name == "last.safetensors" else [])
    if len(calls) == 3 and path is calls[-1]:
        disk.fsync = fsync
    real(path, *words)
saving.write_checkpoint = slow
object.__setattr__(saving.NORMAL, "share", 1.0)  # save as often as asked, on a slow disk too
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.parametrize("signals", [1, 2])
def test_P04_a_signal_in_the_midst_of_a_save(
    tmp_path: Path, started: Any, wanted: Outcome, signals: int
) -> None:
    """The first waits for the save; the second does not, and the file before it stays."""
    mark, run = tmp_path / "saving", RunDirectory(tmp_path / "run")
    pause = "0.5" if signals == 1 else "60"
    process = started(python=("-c", SLOW), env={**PLAIN, "MARK": str(mark), "PAUSE": pause})
    until(process, mark.exists)
    before = read_checkpoint(run.last).state["step"]
    for _ in range(signals):
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    began = time.monotonic()
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130, told
    assert f"dnn resume {run.path}" in told
    after = read_checkpoint(run.last).state["step"]
    if signals == 1:
        assert after > before
    else:
        assert after == before and time.monotonic() - began < 10
        assert f"the last checkpoint is of step {before}" in told
        assert not list(run.path.rglob(".tmp-*"))
    assert continued(run.path) == wanted


EARLY = """
import os, sys
open(os.environ["MARK"], "w").close()
from dnn_cli.__main__ import main
sys.exit(main())
"""


def test_P04_an_interrupt_before_anything_began(tmp_path: Path, started: Any) -> None:
    """Python itself may lose one that comes while it imports a module: then comes another."""
    mark = tmp_path / "started"
    process = started(python=("-c", EARLY), env={**PLAIN, "MARK": str(mark)})
    until(process, mark.exists)
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    process.communicate(timeout=30)
    assert process.returncode in (130, -signal.SIGINT)
    if (tmp_path / "run" / "config.yaml").exists():
        resume(tmp_path / "run", "training.epochs=1")


def test_P02_nohup_means_that_a_hangup_is_ignored(
    tmp_path: Path, started: Any, wanted: Outcome
) -> None:
    process = started(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    until(process, lambda: lines(tmp_path / "run") >= 2)
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 0 and Outcome.of(tmp_path / "run") == wanted


def test_P07_a_reader_that_has_left_does_not_stop_the_training(
    tmp_path: Path, started: Any, wanted: Outcome
) -> None:
    process = started()
    process.stderr.readline()
    process.stderr.close()
    assert process.wait(timeout=60) == 0
    assert Outcome.of(tmp_path / "run") == wanted


def on_a_terminal(folder: Path) -> tuple[int, int]:
    """`dnn train` as the leader of a session on a new terminal: process id, our end of it."""
    words = [sys.executable, "-m", "dnn_cli", "train", "r.yaml", "--run-dir", "run"]
    code = "import os, sys; os.chdir(sys.argv[1]); os.execv(sys.argv[2], sys.argv[2:])"
    main, other = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), *words],
        stdin=other, stdout=other, stderr=other, start_new_session=True, env=PLAIN,
        preexec_fn=lambda: _own(other),
    )  # fmt: skip
    os.close(other)
    process.returncode = 0  # waited for by its id
    return process.pid, main


def _own(terminal: int) -> None:
    import fcntl
    import termios

    heeding()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def drained(main: int, condition: Callable[[], bool]) -> bytes:
    """What the terminal shows until `condition` holds or the other end is closed."""
    shown = b""
    os.set_blocking(main, False)
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        try:
            shown += os.read(main, 65536)
        except BlockingIOError:
            time.sleep(0.005)
        except OSError:
            break
    return shown


def test_P07_a_terminal_that_is_closed(tmp_path: Path, wanted: Outcome) -> None:
    write_config(tmp_path, TEXT)
    child, main = on_a_terminal(tmp_path)
    drained(main, lambda: lines(tmp_path / "run") >= 2)
    os.close(main)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 129
    assert read_checkpoint(RunDirectory(tmp_path / "run").last).state["step"] >= 2 * 450
    assert continued(tmp_path / "run") == wanted


def test_P01_control_c_on_a_terminal_gives_the_cursor_back(tmp_path: Path, wanted: Outcome) -> None:
    write_config(tmp_path, TEXT)
    child, main = on_a_terminal(tmp_path)
    shown = drained(main, lambda: lines(tmp_path / "run") >= 2)
    os.set_blocking(main, True)
    os.write(main, b"\x03")
    shown += drained(main, lambda: False)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 130
    os.close(main)
    hidden, visible = shown.rfind(b"\x1b[?25l"), shown.rfind(b"\x1b[?25h")
    assert 0 <= hidden < visible
    assert b"continue with: dnn resume run" in shown
    assert continued(tmp_path / "run") == wanted


@pytest.mark.parametrize(
    ("python", "environment"),
    [
        (("-O", "-m", "dnn_cli"), {"PYTHONHASHSEED": "7"}),
        (("-W", "error", "-m", "dnn_cli"), {"LANG": "C", "LC_ALL": "C", "TERM": "dumb"}),
    ],
)
def test_P10_the_interpreter_and_the_locale_change_nothing(
    tmp_path: Path, started: Any, wanted: Outcome, python: Any, environment: dict[str, str]
) -> None:
    process = started(python=python, env={**PLAIN, **environment})
    _, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert Outcome.of(tmp_path / "run") == wanted


def test_handlers_are_put_back() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    ours = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        signal.signal(number, signal.default_int_handler)
    try:
        with StopRequest() as stop:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGHUP)
            assert stop.reason == "terminated"
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
        assert {signal.getsignal(n) for n in numbers} == {signal.default_int_handler}
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
