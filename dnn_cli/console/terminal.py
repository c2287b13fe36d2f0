"""What the stream at hand can show, and the rich console for it.

Plain text goes to a file, a pipe and `TERM=dumb`. A terminal gets colour, which rich itself drops
under `NO_COLOR`, and a display that is painted over; not under `CI`, whose terminals are logs.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO, TextIO, final

from dnn_cli.base.text import safe_text

if TYPE_CHECKING:  # rich takes 50 ms to import: only where a terminal is there to show it
    from rich.console import Console

_DUMB = ("", "dumb", "unknown")
_OFF = ("", "0", "false")
_NARROWEST = 20  # columns under which a painted display is no help


def styled(stream: TextIO) -> bool:
    """Whether colour and tables may be written to `stream`."""
    return _is_terminal(stream) and os.environ.get("TERM", "").lower() not in _DUMB


def live(stream: TextIO) -> bool:
    """Whether `stream` can be painted over in place."""
    return (
        styled(stream)
        and os.environ.get("CI", "").lower() in _OFF
        and _columns(stream) >= _NARROWEST
    )


def unicode(stream: TextIO) -> bool:
    """Whether bars and sparklines survive the encoding of `stream`."""
    return (getattr(stream, "encoding", None) or "").lower().replace("-", "") in ("utf8", "utf16")


def console(stream: TextIO) -> Console:
    """A rich console that takes every string literally: no markup, emoji or highlighting."""
    from rich.console import Console

    return Console(
        file=stream,
        force_terminal=True,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=False,
    )


def binary(stream: TextIO) -> BinaryIO | Shown:
    """Where to write text that is data: the bytes of `stream`, or a terminal that shows them."""
    return Shown(stream) if _is_terminal(stream) else stream.buffer


@final
class Shown:
    """A terminal for UTF-8 text that is data: no label in it can move the cursor."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, data: bytes) -> int:
        """Show whole lines, with whatever is not printable made visible."""
        lines = data.decode().split("\n")
        self.stream.write("\n".join(safe_text(line, len(line)) for line in lines))
        return len(data)

    def flush(self) -> None:
        """Send what was written."""
        self.stream.flush()


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # no stream at all, or a closed one
        return False


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80  # 0: a pty nobody has sized
    except (OSError, ValueError):
        return 80
