"""Signals: during training the first asks for an orderly stop, a second interrupt stops at once.

What has nothing to save stops at the first one, and clears up.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, NoReturn

from dnn_cli.base.errors import SignalError
from dnn_cli.training.events import StopReason

_REASONS: dict[int, StopReason] = {
    signal.SIGINT: "interrupted",
    signal.SIGTERM: "terminated",
    **({signal.SIGHUP: "hangup"} if hasattr(signal, "SIGHUP") else {}),
}


class StopRequest:
    """A context in which SIGINT, SIGTERM and SIGHUP set `reason` instead of ending the process.

    An exception raised inside an update would leave the parameters half moved, so the flag is
    read between steps. A signal that is ignored stays so: `nohup` means that a run goes on when
    its terminal is closed. Outside the main thread, where handlers cannot be set, nothing changes.
    """

    def __init__(self) -> None:
        self.reason: StopReason | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        try:
            for number in _REASONS:
                if signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._on_signal)
        except ValueError:  # not the main thread
            self._restore()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.reason is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.reason = self.reason or _REASONS[number]


@contextmanager
def raised() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise an exception in the block, as SIGINT does by itself.

    Without one the process would end on the spot and leave its temporary files. Signals that are
    ignored or handled already stay so, and outside the main thread nothing changes.

    Raises:
        SignalError: one of them arrived.
    """
    set_here: list[int] = []
    try:
        for number in _REASONS:
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, _raise)
                set_here.append(number)
    except ValueError:  # not the main thread
        pass
    try:
        yield
    finally:
        for number in set_here:
            signal.signal(number, signal.SIG_DFL)


def _raise(number: int, frame: FrameType | None) -> NoReturn:
    raise SignalError(number)
