"""Signals, terminals and pipes, with whole processes: what is saved, and how they end."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "faults"))

from harness import CONFIGS, Outcome, heeding, resume, train, write_config
from pausing import PATIENCE, PLAIN, Paused

from dnn_cli.app.lifecycle.saving import Pace
from dnn_cli.app.lifecycle.signals import StopRequest
from dnn_cli.runs.checkpoint import read_checkpoint
from dnn_cli.runs.directory import RunDirectory

TEXT = CONFIGS["dropout"]  # 6 epochs of 3 steps
STEP = 8  # within an epoch, others before it and behind it
TRAIN = ("train", "r.yaml", "--run-dir", "run")


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What every run here must end with."""
    folder = tmp_path_factory.mktemp("whole")
    train(write_config(folder, TEXT), folder / "run", pace=Pace())
    return Outcome.of(folder / "run")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with the configuration."""
    write_config(tmp_path, TEXT)
    return tmp_path


def saved_step(folder: Path) -> int:
    return int(read_checkpoint(RunDirectory(folder / "run").last).state["step"])


def continued(folder: Path) -> Outcome:
    assert resume(folder / "run", pace=Pace()).exit_code == 0
    return Outcome.of(folder / "run")


@pytest.mark.parametrize("step", [1, STEP, 9, 17])
def test_P01_an_interrupt(here: Path, wanted: Outcome, step: int) -> None:
    ends_the_step_saves_and_says_how_to_go_on(
        here, wanted, step, signal.SIGINT, 130, "interrupted, everything is saved"
    )


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGTERM, 143, "terminated"), (signal.SIGHUP, 129, "hung up")],
)
def test_P02_a_scheduler_or_a_hangup(
    here: Path, wanted: Outcome, number: int, code: int, word: str
) -> None:
    told = f"{word}, everything is saved"
    ends_the_step_saves_and_says_how_to_go_on(here, wanted, STEP, number, code, told)


def ends_the_step_saves_and_says_how_to_go_on(
    here: Path, wanted: Outcome, step: int, number: int, code: int, word: str
) -> None:
    with Paused("step", step, *TRAIN, cwd=here) as paused:
        paused.stands()
        paused.process.send_signal(number)
        ended, told = paused.ended()
    assert ended == code
    assert word in told and told.endswith("continue with: dnn resume run\n")
    assert saved_step(here) == step
    assert continued(here) == wanted


@pytest.mark.parametrize("signals", [1, 2])
def test_P04_a_signal_in_the_midst_of_a_save(here: Path, wanted: Outcome, signals: int) -> None:
    """The first waits for the save; the second does not, and the file before it stays."""
    with Paused("save", STEP, *TRAIN, times=signals, cwd=here) as paused:
        for _ in range(signals):
            paused.stands()
            assert saved_step(here) == STEP - 1
            paused.process.send_signal(signal.SIGINT)
        code, told = paused.ended()
    assert code == 130 and "dnn resume run" in told
    if signals == 1:
        assert saved_step(here) == STEP
    else:
        assert saved_step(here) == STEP - 1
        assert f"the last checkpoint is of step {STEP - 1}" in told
    assert not list((here / "run").rglob(".tmp-*"))
    assert continued(here) == wanted


EARLY = """
import os, signal, sys
def hear(event, arguments):
    if event == "import" and arguments[0] == module:
        os.kill(os.getpid(), signal.SIGINT)
module = sys.argv.pop(1)
sys.addaudithook(hear)
from dnn_cli.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize("module", ["typer", "numpy", "dnn_cli.app.train", "yaml"])
def test_P04_an_interrupt_before_anything_began(here: Path, module: str) -> None:
    """While it imports what it needs."""
    words = [sys.executable, "-c", EARLY, module, *TRAIN]
    done = subprocess.run(
        words, cwd=here, env=PLAIN, capture_output=True, timeout=PATIENCE, preexec_fn=heeding
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (130, False), done.stderr
    assert not (here / "run").exists()


def test_P02_nohup_means_that_a_hangup_is_ignored(here: Path, wanted: Outcome) -> None:
    def ignoring() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with Paused("step", STEP, *TRAIN, cwd=here, preexec_fn=ignoring) as paused:
        paused.stands()
        paused.process.send_signal(signal.SIGHUP)
        paused.go_on()
        assert paused.ended()[0] == 0
    assert Outcome.of(here / "run") == wanted


def test_P07_a_reader_that_has_left_does_not_stop_the_training(here: Path, wanted: Outcome) -> None:
    with Paused("step", STEP, *TRAIN, cwd=here) as paused:
        paused.stands()
        assert paused.process.stderr
        paused.process.stderr.close()
        paused.go_on()
        assert paused.process.wait(PATIENCE) == 0
    assert Outcome.of(here / "run") == wanted


@contextmanager
def on_a_terminal(here: Path) -> Iterator[tuple[Paused, int]]:
    """`dnn train` as the leader of a session on a new terminal, and our end of that."""

    def own() -> None:
        heeding()
        fcntl.ioctl(other, termios.TIOCSCTTY, 0)

    main, other = pty.openpty()
    ends = {"stdin": other, "stdout": other, "stderr": other}
    with Paused(
        "step", STEP, *TRAIN, cwd=here, start_new_session=True, preexec_fn=own, **ends
    ) as paused:
        os.close(other)
        yield paused, main


def shown(main: int, until: int = -1) -> bytes:
    """What the terminal shows until there is something to read from `until`, or its other end."""
    found = b""
    ends = [main, *([until] if until >= 0 else [])]
    while True:
        ready = select.select(ends, [], [], PATIENCE)[0]
        assert ready, found
        if until in ready:
            return found
        try:
            found += os.read(main, 65536)
        except OSError:  # closed
            return found


def test_P07_a_terminal_that_is_closed(here: Path, wanted: Outcome) -> None:
    with on_a_terminal(here) as (paused, main):
        shown(main, paused.hears)
        paused.stands()
        os.close(main)
        assert paused.ended()[0] == 129
    assert saved_step(here) == STEP
    assert continued(here) == wanted


def test_P01_control_c_on_a_terminal_gives_the_cursor_back(here: Path, wanted: Outcome) -> None:
    with on_a_terminal(here) as (paused, main):
        seen = shown(main, paused.hears)
        paused.stands()
        os.write(main, b"\x03")
        seen += shown(main)
        assert paused.ended()[0] == 130
        os.close(main)
    hidden, visible = seen.rfind(b"\x1b[?25l"), seen.rfind(b"\x1b[?25h")
    assert 0 <= hidden < visible
    assert b"continue with: dnn resume run" in seen
    assert saved_step(here) == STEP
    assert continued(here) == wanted


@pytest.mark.parametrize(
    ("python", "environment"),
    [
        (("-O", "-m", "dnn_cli"), {"PYTHONHASHSEED": "7"}),
        (("-W", "error", "-m", "dnn_cli"), {"LANG": "C", "LC_ALL": "C", "TERM": "dumb"}),
    ],
)
def test_P10_the_interpreter_and_the_locale_change_nothing(
    here: Path, wanted: Outcome, python: tuple[str, ...], environment: dict[str, str]
) -> None:
    done = subprocess.run(
        [sys.executable, *python, *TRAIN], cwd=here, env={**PLAIN, **environment},
        capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert Outcome.of(here / "run") == wanted


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
