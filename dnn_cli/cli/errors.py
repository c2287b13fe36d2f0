"""The one place where an exception becomes a message and an exit code."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import typer

from dnn_cli import __version__
from dnn_cli.base.errors import EXIT_SIGNALS, DnnError, FileSystemError, LimitError, UsageError
from dnn_cli.base.text import nearest, safe_text
from dnn_cli.console.errors import show

_INTERRUPT = 2
_STOPS = {1: "hung up", _INTERRUPT: "interrupted", 15: "terminated"}
_PACKAGES = ("numpy", "pyyaml", "typer", "rich", "safetensors", "threadpoolctl")


def guarded(invoke: Callable[[], None], debug: bool = False) -> int:
    """Run `invoke`; show what it raises, and return the exit code.

    With `debug` the traceback is shown as well, and no crash report written.

    Raises:
        BrokenPipeError: the reader of standard output has left.
    """
    try:
        invoke()
        return 0
    except typer.Exit as stop:
        return stop.exit_code
    except BrokenPipeError:
        raise
    except (KeyboardInterrupt, typer.Abort) as stop:
        number = getattr(stop, "number", _INTERRUPT)
        with contextlib.suppress(OSError):
            sys.stderr.write(f"{_STOPS[number]}: {_safe(stop) or 'stopped at once'}\n")
        return EXIT_SIGNALS[number]
    except Exception as error:
        return _failed(error, debug)


def _failed(error: Exception, debug: bool) -> int:
    known = expected(error)
    # Where nobody can read the message any more, the exit code still says it.
    with contextlib.suppress(OSError):
        if debug:
            traceback.print_exception(error)
        if known is None:
            sys.stderr.write(bug(error, debug))
        else:
            show(known, sys.stderr)
    return known.exit_code if known else 1


def expected(error: Exception) -> DnnError | None:
    """The error to show for `error`, or None if it is a bug."""
    if isinstance(error, DnnError):
        return error
    if isinstance(error, MemoryError):
        return LimitError("there is not enough memory", why=safe_text(error), state=_safe(error))
    if isinstance(error, OSError):
        path = safe_text(error.filename) if error.filename is not None else ""
        return FileSystemError(
            error.strerror or type(error).__name__, where=path, state=_safe(error)
        )
    if hasattr(error, "format_message"):  # Typer's, whose class has no public name
        return _usage(error)
    return None


def _safe(error: BaseException) -> str:
    """What an exception that is none of ours was told to be safe."""
    return "; ".join(getattr(error, "__notes__", ()))


def _usage(error: Any) -> UsageError:
    """Typer's complaint in our form, the same for each of its versions."""
    message = str(error.format_message()).split(" (Possible options:")[0].rstrip(".")
    message = message.replace(": Value error, ", ": ")  # pydantic's words
    context = getattr(error, "ctx", None)
    page = f"`{context.command_path if context else 'dnn'} --help`"
    close = getattr(error, "possibilities", None)
    meant = close and (nearest(getattr(error, "option_name", ""), close) or sorted(close)[0])
    fix = f"did you mean `{meant}`? See {page}" if meant else f"see {page}"
    return UsageError(message[:1].lower() + message[1:], fix=fix)


def bug(error: Exception, debug: bool = False) -> str:
    """Write a crash report and return the line that names it."""
    safe = f"; {_safe(error)}" if _safe(error) else ""
    line = f"internal error: {type(error).__name__}{safe}; this is our bug, not yours"
    if debug:
        return f"{line}\n"
    try:
        import tempfile  # 30 ms with those of `_report`, for a file that is hardly ever written

        with tempfile.NamedTemporaryFile(
            "w", prefix="dnn-crash-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write("".join(_report(error)))
    except OSError:
        return f"{line}; run it again with --debug to see where\n"
    return f"{line}; please report it with {file.name}\n"


def _report(error: BaseException) -> Iterator[str]:
    """Where it happened and under which versions: no data, no arguments, no environment."""
    import platform
    from importlib import metadata

    yield f"dnn {__version__}\nPython {platform.python_version()} on {platform.platform()}\n"
    for name in _PACKAGES:
        try:
            yield f"{name} {metadata.version(name)}\n"
        except metadata.PackageNotFoundError:
            yield f"{name} missing\n"
    chain: list[BaseException] = []
    found: BaseException | None = error
    while found is not None and found not in chain:
        chain.append(found)
        found = found.__cause__ or found.__context__
    for one in reversed(chain):
        yield "\n"
        yield from traceback.format_tb(one.__traceback__)
        # A message may quote a cell of the data: its beginning is all a report may hold of it.
        yield f"{type(one).__name__}: {safe_text(one)}\n"
