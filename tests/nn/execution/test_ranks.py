"""Processes that share work: what they share, and what happens when one of them goes."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from dnn_cli.base.errors import LimitError
from dnn_cli.nn.execution.arena import shared_zeros
from dnn_cli.nn.execution.ranks import Phases, Ranks, share_of


def each(part: Callable[..., float]) -> Phases:
    """Phases 0 to 3 that do the same, told which they are."""
    return [partial(part, phase) for phase in range(4)]


@pytest.mark.parametrize(("count", "ranks"), [(7, 3), (128, 2), (3, 3), (2, 3), (1, 4), (0, 2)])
def test_parts_are_neighbours_that_make_up_the_whole(count: int, ranks: int) -> None:
    parts = [share_of(count, rank, ranks) for rank in range(ranks)]
    assert [i for a, b in parts for i in range(a, b)] == list(range(count))
    sizes = [b - a for a, b in parts]
    assert max(sizes) - min(sizes) <= 1 or (count < ranks and sizes[0] == count)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_each_rank_does_its_part_and_all_see_what_it_wrote(count: int) -> None:
    board = shared_zeros(count * 2, np.float64).reshape(count, 2)

    def make(ranks: Ranks) -> Phases:
        def part(phase: int, *numbers: float) -> float:
            board[ranks.rank] = phase, os.getpid()
            return numbers[1] * ranks.rank

        return each(part)

    with Ranks(count, make) as ranks:
        for phase in (0, 3, 1):
            assert ranks.run(phase, 5.0, 2.0) == sum(2.0 * rank for rank in range(count))
            assert board[:, 0].tolist() == [phase] * count
        assert board[0, 1] == os.getpid() and len(set(board[:, 1])) == count
    for process in board[1:, 1]:
        with pytest.raises(ProcessLookupError):
            os.kill(int(process), 0)


def test_sums_within_a_phase_are_the_same_bits_everywhere() -> None:
    shown = shared_zeros(3 * 50 * 4, np.float32).reshape(3, 50, 4)

    def make(ranks: Ranks) -> Phases:
        def part(phase: int, *numbers: float) -> float:
            ranks.own, ranks.whole = 1, phase
            for turn in range(50):
                vector = np.array([0.1, 1e8, turn, ranks.rank], np.float32)
                ranks.sum(vector[: 2 + turn % 3])
                shown[ranks.rank, turn] = vector
            return 0.0

        return each(part)

    with Ranks(3, make, width=4) as ranks:
        ranks.run(3)
        np.testing.assert_array_equal(shown[1, :, :2], shown[0, :, :2])
        np.testing.assert_array_equal(shown[2, :, :2], shown[0, :, :2])
        np.testing.assert_allclose(shown[0, :, 0], 0.3, rtol=1e-6)
        np.testing.assert_allclose(shown[2, 4], [0.3, 3e8, 12, 2], rtol=1e-6)  # three are summed
        np.testing.assert_allclose(shown[2, 5], [0.3, 3e8, 15, 3], rtol=1e-6)
        ranks.run(1)  # whoever has the whole batch asks nobody
        np.testing.assert_array_equal(shown[2, 4], [np.float32(0.1), 1e8, 4, 2])


def test_ranks_that_meet_have_all_come_so_far() -> None:
    board = shared_zeros(3, np.int64)
    seen = shared_zeros(3 * 100, np.int64).reshape(3, 100)

    def make(ranks: Ranks) -> Phases:
        def part(phase: int, *numbers: float) -> float:
            for turn in range(0, 100, 2):
                if turn % 6 == 2 * ranks.rank:
                    time.sleep(0.001)  # each is the last in its turn
                board[ranks.rank] = turn
                ranks.meet()
                seen[ranks.rank, turn : turn + 2] = board.min(), board.max()
                ranks.meet()
            return 0.0

        return each(part)

    with Ranks(3, make) as ranks:
        ranks.run(0)
    np.testing.assert_array_equal(seen, np.broadcast_to(np.arange(100) // 2 * 2, (3, 100)))


def failing(error: BaseException) -> Callable[[Ranks], Phases]:
    def make(ranks: Ranks) -> Phases:
        def part(phase: int, *numbers: float) -> float:
            if ranks.rank == 1:
                raise error
            return 0.0

        return each(part)

    return make


def test_a_failure_is_told() -> None:
    with (
        Ranks(2, failing(ValueError("tensor x"))) as ranks,
        pytest.raises(RuntimeError, match="ValueError: tensor x"),
    ):
        ranks.run(0)
    with Ranks(2, failing(MemoryError())) as ranks, pytest.raises(MemoryError):
        ranks.run(0)


@pytest.mark.parametrize("when", ["before", "in a phase", "in a sum"])
def test_a_rank_that_is_killed_is_noticed(when: str) -> None:
    board = shared_zeros(1, np.int64)

    def make(ranks: Ranks) -> Phases:
        def part(phase: int, *numbers: float) -> float:
            if ranks.rank == 1:
                board[0] = os.getpid()
            if phase == 1 and ranks.rank == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            ranks.own, ranks.whole = 1, 2
            if when == "in a sum":
                ranks.sum(np.zeros(1, np.float32))
            return 0.0

        return each(part)

    with Ranks(2, make, width=1) as ranks:
        ranks.run(0)
        if when == "before":
            os.kill(int(board[0]), signal.SIGKILL)
            os.waitid(os.P_PID, int(board[0]), os.WEXITED | os.WNOWAIT)
        with pytest.raises(MemoryError, match="is gone"):
            ranks.run(1)


def test_a_system_that_refuses_a_process_or_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MemoryError, match="bytes that processes can share"):
        shared_zeros(1 << 59, np.float32)
    real, left = os.fork, [1]

    def fork() -> int:
        if not left.pop():
            raise BlockingIOError(11, "Resource temporarily unavailable")
        left.append(0)
        return real()

    monkeypatch.setattr(os, "fork", fork)
    with pytest.raises(LimitError, match="refuses another process") as caught:
        Ranks(3, failing(ValueError()))
    assert "training.threads=1" in caught.value.problems[0].fix


def test_other_ranks_hold_no_file_and_hear_no_signal(tmp_path: Path) -> None:
    def make(ranks: Ranks) -> Phases:
        def part(phase: int, *numbers: float) -> float:
            if ranks.rank == 0:
                return 0.0
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(os.getpid(), number)
            links = [Path("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
            paths = [str(link.readlink()) for link in links if link.is_symlink()]
            return float(sum(path != os.devnull and "pipe:" not in path for path in paths))

        return each(part)

    with (tmp_path / "lock").open("w") as file, Ranks(2, make) as ranks:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert ranks.run(0) == 0.0


SCRIPT = """
import os, signal, sys
from dnn_cli.nn.execution.ranks import Ranks
def told(ranks):
    open(sys.argv[1], "a").write(f"{os.getpid()}\\n")
    return [lambda: 0.0]
ranks = Ranks(3, told)
ranks.run(0)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_when_rank_0_is_killed_the_others_go(tmp_path: Path) -> None:
    note = tmp_path / "processes"
    ended = subprocess.run([sys.executable, "-c", SCRIPT, str(note)], check=False, timeout=300)
    assert ended.returncode == -signal.SIGKILL
    others = [int(line) for line in note.read_text().split()]
    assert len(others) == 3
    deadline = time.monotonic() + 300  # they take a millisecond
    while any(_runs(process) for process in others):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _runs(process: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False
