"""Ranks: equal processes that share the work of a batch.

Processes  rank 0 is the process that asks; the others are forked from it, know what it knew then,
           and see what it writes into memory from `shared_zeros` since
Phases     rank 0 names a phase and its numbers, does its own part, and waits for the others'
Meetings   within a phase, `meet` waits until all ranks have come so far, and `sum` adds up what
           each rank has of a batch, as batch_norm needs
Picture    a phase in which the ranks meet once; time goes down

               rank 0                     rank 1                     rank 2
               order ------------------->
               order ------------------------------------------------>
               its part                   its part                   its part
                        <---------- met   waits
                        <------------------------------------- met   waits
               go on ------------------->
               go on ------------------------------------------------>
               its part                   its part                   its part
                        <--- done, value  waits for an order
                        <-------------------------------- done, value  waits for an order

           Everything passes through rank 0, so nobody can overtake: when it has heard `met` from
           all, what each wrote into shared memory before is there for all to read after
Cost       10 µs a phase; forking takes 3 ms, and a rank a few MB of its own
Death      if rank 0 goes, the others read the end of their pipe and go too; if another goes, the
           next phase raises MemoryError, since lack of memory is what kills a single process
Why        threads of one interpreter pass it to and fro at every NumPy call, 10 to 30 µs each:
           forward and backward through convolution and pooling take 0.8 of one thread's time in
           two threads and 0.6 in two processes
"""

from __future__ import annotations

import gc
import os
import signal
import struct
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NoReturn, Self, TypeAlias, final

import numpy as np

from dnn_cli.base.errors import LimitError
from dnn_cli.base.types import Array
from dnn_cli.nn.execution.arena import shared_zeros

# What a rank does of each phase, given its numbers; what it comes to, if that is to be added up.
Phases: TypeAlias = Sequence[Callable[..., float | None]]

_ORDER = struct.Struct("<BB3d")  # phase, how many numbers, and the numbers, to a rank
_ANSWER = struct.Struct("<cd")  # done and with what value, met, or failed; from a rank
_GO_ON = 255  # in place of a phase: all ranks have met
_TEXT = 1000  # bytes of a failure's text: less than a pipe takes at once
# Before sleeping until there is a message, a rank looks for one so often: for 5 ms, since a virtual
# machine that lets a core sleep gets it back late, and each rank then makes the next one sleep;
# shorter where something else wants the core, or that would run when it comes.
_LOOKS, _BUSY_LOOKS = 10_000, 50
# The core is wanted if within so many messages the system has taken it away so often.
_MESSAGES, _LOSSES = 64, 4
_FILES = 1024  # that a process has at the most, as far as is known without /proc
_QUIET = ("SIGINT", "SIGTERM", "SIGHUP")  # rank 0 alone decides what they mean


def can_fork() -> bool:
    """Whether this system can run several ranks: elsewhere forking is missing or unsafe."""
    return sys.platform == "linux"


def share_of(count: int, rank: int, ranks: int) -> tuple[int, int]:
    """Of `count` things those of `rank`: the first, and the one after the last.

    Fewer things than ranks are all the part of rank 0.
    """
    if count < ranks:
        return (0, count) if rank == 0 else (0, 0)
    return count * rank // ranks, count * (rank + 1) // ranks


@final
class Ranks:
    """`count` ranks; `make` gives each its phases, and is called in the rank's own process.

    Shapes     `sum` takes vectors of up to `width` numbers of type `dtype`

    `own` and `whole` are the examples of the batch under way in this rank and in all; whoever
    begins a batch sets them.

    Raises:
        LimitError: the system refuses another process.
    """

    def __init__(
        self, count: int, make: Callable[[Ranks], Phases], width: int = 0, dtype: Any = np.float32
    ) -> None:
        self.count, self.rank = count, 0
        self.own = self.whole = 0
        self._turn = 0
        self._sums = shared_zeros(2 * count * width, dtype).reshape(2, count, width)
        self._above: _Line | None = None  # to rank 0
        self._others: list[_Line] = []
        for rank in range(1, count):
            self._others.append(self._fork(rank, make))
        try:
            self._phases = make(self)  # of rank 0
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def alone(self) -> bool:
        """Whether the batch under way is all in this rank."""
        return self.own == self.whole

    def part(self, count: int) -> slice:
        """What is this rank's of `count` things."""
        return slice(*share_of(count, self.rank, self.count))

    def run(self, phase: int, *numbers: float) -> float:
        """Let every rank do its part of `phase`; the sum of what they came to, in their order.

        Raises:
            MemoryError: a rank is gone, or has no memory.
            RuntimeError: a rank failed; with what it said.
        """
        for other in self._others:
            other.write(_order(phase, numbers))
        total = self._phases[phase](*numbers) or 0.0
        for other in self._others:
            total += _answer(other, b"d")
        return total

    def sum(self, vector: Array) -> None:
        """Replace `vector`, contiguous, by its sum over the ranks; all of them have to call this.

        Every rank adds in the same order and gets the same bits. Two buffers in turn: no rank
        can be two sums ahead of another.
        """
        if self.alone:
            return
        # A rank that is quick may begin the next sum while another still adds up this one: it
        # writes into the other buffer. It cannot reach this one again before the slow rank has
        # met it in the next sum, and so has finished here.
        slots = self._sums[self._turn][:, : vector.size]
        self._turn = 1 - self._turn
        flat = vector.reshape(-1)
        slots[self.rank] = flat
        self.meet()
        np.add.reduce(slots, axis=0, out=flat)

    def meet(self) -> None:
        """Go on when every rank has come so far; all of them have to call this."""
        if self._above is None:
            for other in self._others:
                _answer(other, b"m")
            for other in self._others:
                other.write(_order(_GO_ON))
        else:
            self._above.write(_ANSWER.pack(b"m", 0.0))
            if not self._above.read(_ORDER.size):
                os._exit(0)

    def stop(self) -> None:
        """End the other ranks."""
        for other in self._others:
            other.close()
        self._others.clear()

    def _fork(self, rank: int, make: Callable[[Ranks], Phases]) -> _Line:
        try:
            down, up = os.pipe(), os.pipe()
            with warnings.catch_warnings():
                # Python warns where there are other threads: none holds what a rank needs.
                warnings.simplefilter("ignore", DeprecationWarning)
                process = os.fork()
        except OSError as error:
            self.stop()
            raise LimitError(
                "the system refuses another process",
                why=error.strerror or str(error),
                fix="raise the limit on processes (ulimit -u); a training can do with one: "
                "training.threads=1",
            ) from error
        if process == 0:
            self._serve(rank, make, _Line(down[0], up[1], 0))
        os.close(down[0])
        os.close(up[1])
        return _Line(up[0], down[1], process)

    def _serve(self, rank: int, make: Callable[[Ranks], Phases], line: _Line) -> NoReturn:
        """The life of another rank: orders, until there are no more."""
        try:
            line.keep_only()
            for name in _QUIET:
                signal.signal(getattr(signal, name), signal.SIG_IGN)
            gc.disable()
            np.seterr(over="ignore", invalid="ignore")  # rank 0 looks at what comes of it
            self.rank, self._above, self._others = rank, line, []
            phases = make(self)
            while order := line.read(_ORDER.size):
                phase, given, *numbers = _ORDER.unpack(order)
                line.write(_ANSWER.pack(b"d", phases[phase](*numbers[:given]) or 0.0))
        except MemoryError:
            line.write(_ANSWER.pack(b"o", 0.0))
        except BaseException as error:
            text = f"{type(error).__name__}: {error}".encode()[:_TEXT]
            line.write(_ANSWER.pack(b"e", float(len(text))) + text)
        finally:
            os._exit(0)


def _order(phase: int, numbers: Sequence[float] = ()) -> bytes:
    """The message that tells a rank to do its part of `phase`, given up to three numbers."""
    return _ORDER.pack(phase, len(numbers), *(*numbers, 0.0, 0.0, 0.0)[:3])


def _answer(line: _Line, wanted: bytes) -> float:
    """The value of a rank's answer of the kind `wanted`."""
    answer = line.read(_ANSWER.size)
    kind, value = _ANSWER.unpack(answer) if answer else (b"o", 0.0)
    if kind == wanted:
        return float(value)
    if kind == b"e":
        raise RuntimeError(f"a rank failed: {line.read(int(value)).decode(errors='replace')}")
    raise MemoryError("a process that computed a part of each step is gone")


def _losses() -> int:
    """How often the system has taken the core from this process while it had work."""
    import resource  # not on every system, nor ranks

    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


@final
class _Line:
    """A pipe to another process and one from it."""

    def __init__(self, reads: int, writes: int, process: int) -> None:
        self._reads, self._writes, self._process = reads, writes, process
        self._messages, self._looks, self._losses = 0, _LOOKS, _losses()
        os.set_blocking(reads, False)

    def read(self, size: int) -> bytes:
        """The next message, which is written at once; empty if the other end is gone."""
        self._messages += 1
        if self._messages % _MESSAGES == 0:
            losses = _losses()
            self._looks = _BUSY_LOOKS if losses - self._losses >= _LOSSES else _LOOKS
            self._losses = losses
        for _ in range(self._looks):
            try:
                return os.read(self._reads, size)
            except BlockingIOError:
                pass
        os.set_blocking(self._reads, True)
        found = os.read(self._reads, size)
        os.set_blocking(self._reads, False)
        return found

    def write(self, message: bytes) -> None:
        """Send a message; reading tells if nobody is there."""
        with suppress(BrokenPipeError):
            os.write(self._writes, message)

    def keep_only(self) -> None:
        """Close every other file of this process: a lock is free when its holder goes."""
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number in {0, 1, 2}.difference((self._reads, self._writes)):
            os.dup2(nothing, number)
        try:
            there = [int(name) for name in os.listdir("/proc/self/fd")]
        except OSError:
            there = list(range(_FILES))
        for number in set(there).difference((0, 1, 2, self._reads, self._writes)):
            with suppress(OSError):
                os.close(number)

    def close(self) -> None:
        """Let the other process end, and wait until it has."""
        os.close(self._writes)
        os.close(self._reads)
        os.waitpid(self._process, 0)
