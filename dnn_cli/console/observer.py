"""What a display of training is: an observer that can also say a sentence and be closed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self, final

from dnn_cli.training.events import Event


class Progress(ABC):
    """An observer and a context: leaving it puts the terminal back as it was.

    A display that cannot write any more (its terminal is gone, its disk is full) falls silent;
    training goes on.
    """

    @abstractmethod
    def __call__(self, event: Event) -> None:
        """Show an event."""

    @abstractmethod
    def say(self, sentence: str) -> None:
        """Show one sentence that is no event."""

    @abstractmethod
    def close(self) -> None:
        """Give the terminal back. May be called again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@final
class NoProgress(Progress):
    """Shows nothing (`-q`)."""

    def __call__(self, event: Event) -> None:
        """Show nothing."""

    def say(self, sentence: str) -> None:
        """Say nothing."""

    def close(self) -> None:
        """Do nothing."""
