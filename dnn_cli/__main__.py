"""The command `dnn`: help and version at once, everything else through Typer.

Starting Typer takes 100 ms, and reading a page of text 1: so the help pages are text files in
the package, made by `python -m dnn_cli.cli.help` from the commands themselves.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys

from dnn_cli import __version__
from dnn_cli.cli import COMPLETION

_PAGES = os.path.join(os.path.dirname(__file__), "cli", "pages")
_USAGE, _CANNOT_WRITE = 2, 6
_READER_LEFT = 141  # what a shell reports of a process that SIGPIPE ended


def main() -> int:
    """Run the command line and return the exit code."""
    try:
        return _run(sys.argv[1:])
    finally:
        _settle("stdout")
        _settle("stderr")


def _run(args: list[str]) -> int:
    try:
        if args in (["--version"], ["-V"]):
            return _write(f"dnn {__version__}\n")
        page = None if COMPLETION in os.environ else help_page(args or ["--help"])
        if page and args:
            return _write(page)
        if page:
            sys.stderr.write(page)
            return _USAGE
        from dnn_cli.cli.application import run

        return run(args) or _write("")
    except KeyboardInterrupt:  # before a command was there to handle it
        return 130
    except BrokenPipeError:
        return _READER_LEFT
    except OSError as error:  # a full disk shows when the last buffer is written
        from dnn_cli.cli.standard_output import reason

        with contextlib.suppress(AttributeError, OSError):  # nor may there be a standard error
            sys.stderr.write(f"error: standard output cannot be written: {reason(error)}\n")
        return _CANNOT_WRITE


def help_page(args: list[str]) -> str | None:
    """The help page that `args` ask for, or None if they ask for none that exists."""
    before = args[: args.index("--")] if "--" in args else args
    if "-h" not in before and "--help" not in before:
        return None
    words = []
    for word in before:
        if not word.isalpha():
            break
        words.append(word)
    # An unknown command has no page: Typer names the nearest one.
    names = ["-".join(words[:2]), words[0]] if words else ["dnn"]
    for name in names:
        try:
            with open(os.path.join(_PAGES, f"{name}.txt"), encoding="utf-8") as file:
                return file.read()
        except OSError:
            continue
    return None


def _settle(name: str) -> None:
    """Write what is still buffered for the standard stream called `name`, or send it nowhere.

    A disk that is full or a reader that is gone would otherwise turn every exit code into
    Python's 120, in the interpreter's own last flush.
    """
    stream = getattr(sys, name)
    try:
        if stream is not None:
            stream.flush()
    except (OSError, ValueError):
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, stream.fileno())
        os.close(sink)


def _write(text: str) -> int:
    """Write `text` and whatever is still buffered to standard output."""
    if sys.stdout is not None:
        sys.stdout.write(text)
        sys.stdout.flush()
    elif text:  # closed by whoever started us
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return 0


if __name__ == "__main__":
    sys.exit(main())
