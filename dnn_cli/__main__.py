"""The command `dnn`: help and version at once, everything else through Typer.

Starting Typer takes 100 ms, and reading a page of text 1: so the help pages are text files in
the package, made by `python -m dnn_cli.cli.help` from the commands themselves.
"""

from __future__ import annotations

import contextlib
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
        _settle_stderr()


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
        _abandon(sys.stdout.fileno())
        return _READER_LEFT
    except OSError as error:  # a full disk shows when the last buffer is written
        _abandon(sys.stdout.fileno())
        with contextlib.suppress(OSError):
            sys.stderr.write(f"error: standard output cannot be written: {error.strerror}\n")
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


def _settle_stderr() -> None:
    """Write what is buffered for standard error, or let it go.

    A terminal or a reader that is gone would otherwise turn every exit code into Python's 120.
    """
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except (OSError, ValueError):
        _abandon(sys.stderr.fileno())


def _abandon(descriptor: int) -> None:
    """Send what is still buffered nowhere, so that the interpreter's last flush cannot fail."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, descriptor)
    os.close(sink)


def _write(text: str) -> int:
    """Write `text` and whatever is still buffered to standard output, if there is one."""
    if sys.stdout is not None:
        sys.stdout.write(text)
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
