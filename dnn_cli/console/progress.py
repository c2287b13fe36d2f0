"""The live display of training on a terminal, and the choice between it and plain lines."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO, final

from dnn_cli.base.text import safe_text
from dnn_cli.console.figures import cells
from dnn_cli.console.frame import Size, frame
from dnn_cli.console.observer import NoProgress, Progress
from dnn_cli.console.plain import PlainProgress
from dnn_cli.console.terminal import console, live, unicode
from dnn_cli.console.trace import Trace
from dnn_cli.training.events import CheckpointSaved, Event, RunFinished, RunStarted

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

_SHORTEST = 0.1  # seconds between two pictures
_SHARE = 0.01  # of the time may go into pictures: 4 ms for one, so at most 2.5 a second
_SHOW_CURSOR = "\x1b[?25h"


def progress_for(stream: TextIO, quiet: bool = False, verbose: bool = False) -> Progress:
    """The display that suits `stream`: painted on a terminal, plain lines elsewhere."""
    if quiet:
        return NoProgress()
    if live(stream):
        return LiveProgress(stream, verbose)
    return PlainProgress(stream, verbose)


@final
class LiveProgress(Progress):
    """A picture of the run that is painted over in place, at most ten times a second.

    Pictures are painted by the thread that trains, when an event arrives and the last picture
    lies far enough back: the time they take is measured and kept under a hundredth.
    """

    def __init__(
        self, stream: TextIO, verbose: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream
        self._verbose = verbose
        self._clock = clock
        self._console = console(stream)
        self._unicode = unicode(stream)
        self._trace = Trace()
        self._live: Live | None = None
        self._broken = False
        self._due = 0.0  # when the next picture may be painted
        self._painted: tuple[int, list[int]] = (0, [])  # columns then, width of every line

    def __call__(self, event: Event) -> None:
        """Take in the event, and paint if it is time to."""
        self._trace.observe(event)
        if isinstance(event, RunStarted):
            self._start()
        elif isinstance(event, RunFinished):
            self.close()
        elif isinstance(event, CheckpointSaved):
            if self._verbose:
                self.say(f"saved {event.path}")
        elif self._live is not None and self._clock() >= self._due:
            self._paint(self._live)

    def say(self, sentence: str) -> None:
        """Print the sentence above the picture."""
        from rich.text import Text

        text = Text(safe_text(sentence, 2000))
        self._attempt(lambda: self._console.print(text, soft_wrap=self._live is None))

    def close(self) -> None:
        """Paint the last picture and leave it standing; show the cursor again."""
        display, self._live = self._live, None
        if display is None:
            return
        picture = self._picture()
        self._attempt(lambda: display.update(picture, refresh=True))
        # Also after a failure: it is stop() that puts sys.stderr back.
        self._broken = False
        self._attempt(display.stop)
        self._attempt(lambda: self._write(_SHOW_CURSOR))

    def _start(self) -> None:
        from rich.live import Live

        self._live = Live(
            console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=True
        )
        self._attempt(self._live.start)
        self._paint(self._live)

    def _paint(self, display: Live) -> None:
        before = self._clock()
        picture = self._picture()
        self._attempt(lambda: display.update(picture, refresh=True))
        after = self._clock()
        self._due = after + max(_SHORTEST, (after - before) / _SHARE)

    def _picture(self) -> Text:
        from rich.text import Text

        columns, rows = self._console.size
        lines = frame(self._trace, Size(columns - 1, rows), self._unicode)[: max(1, rows - 1)]
        self._mend(columns)
        self._painted = (columns, [sum(cells(text) for text, _ in line) for line in lines])
        picture = Text(no_wrap=True, overflow="crop")
        for number, line in enumerate(lines):
            picture.append("\n" if number else "")
            for text, style in line:
                picture.append(text, style)
        return picture

    def _mend(self, columns: int) -> None:
        """Wipe what a narrower terminal made of the last picture.

        Lines longer than the new width have been wrapped, so the picture takes more rows than
        rich will go back. The cursor is taken up by the difference and the rest is erased.
        """
        before, widths = self._painted
        extra = sum(max(0, width - 1) // columns for width in widths) if columns < before else 0
        if extra:
            self._attempt(lambda: self._write(f"\r\x1b[{extra}A\x1b[J"))

    def _write(self, control: str) -> None:
        self._stream.write(control)
        self._stream.flush()

    def _attempt(self, write: Callable[[], None]) -> None:
        if self._broken:
            return
        try:
            write()
        except (OSError, ValueError):  # the terminal is gone
            self._broken = True
