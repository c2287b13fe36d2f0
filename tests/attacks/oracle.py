"""What must hold for every input, whatever it is: the judge that all targets share.

Refused    a reader raises a `DnnError` and nothing else; every sentence of it is one printable
           line of at most 2,000 characters
Accepted   the value is what another reader of the same bytes finds (each target's own check)
Bounded    at most one second of processor time; memory by the limit of the process
Inert      no code is compiled or run, nothing is imported, unpickled, written, sent or started
           while the reader is at work, as Python's audit hooks see it
"""

from __future__ import annotations

import codecs
import importlib
import os
import pkgutil
import sys
import tempfile
import time
import traceback
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import numpy as np

import dnn_cli
from dnn_cli.app.parquet_output import as_parquet
from dnn_cli.app.prediction_rows import Rows
from dnn_cli.base.errors import DnnError, Problem
from dnn_cli.base.spec import Spec
from dnn_cli.base.task import Task
from dnn_cli.config.kinds import options_of
from dnn_cli.console.errors import render
from dnn_cli.data.readers.csv_encoding import OTHERS, WESTERN

T = TypeVar("T")
SECONDS = 1.0  # of processor time for one input
LONGEST = 2000  # characters of a sentence
LARGEST = 1 << 16  # bytes of an input

_FORBIDDEN = {"code.__new__", "compile", "exec", "import", "marshal.loads", "pickle.find_class"}
_FORBIDDEN |= {"os.exec", "os.fork", "os.forkpty", "os.kill", "os.posix_spawn", "os.spawn"}
_FORBIDDEN |= {"os.chmod", "os.chown", "os.link", "os.mkdir", "os.putenv", "os.remove", "os.rename"}
_FORBIDDEN |= {"os.rmdir", "os.symlink", "os.system", "os.truncate", "os.unsetenv", "os.utime"}
_FORBIDDEN_FAMILIES = ("socket.", "subprocess.", "ctypes.", "shutil.", "urllib.", "winreg.")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_LAZY = ("csv", "json.encoder", "numpy.strings", "zipfile")
_LAZY += tuple(
    f"encodings.{name}" for name in ("cp437", "utf_8_sig", "utf_16", "utf_32", "unicode_escape")
)
_MAY_WRITE = ("open", "os.rename", "os.remove", "os.truncate", "os.link")


class BrokenPromiseError(AssertionError):
    """A promise that an input broke; the message says which."""


@dataclass(frozen=True)
class Target:
    """A reader of untrusted bytes, and how to attack it.

    `feed` takes one input and says whether it was accepted; it raises for a broken promise.
    `words` are the tokens of the format; `mutate` makes changes that know its structure.
    """

    name: str
    feed: Callable[[bytes], bool]
    words: tuple[bytes, ...] = ()
    mutate: Callable[[bytes, Random], bytes] | None = None
    longest: int = 4096  # bytes of an input that a mutation makes


class _Watch:
    """Notes what the process does while a reader is at work."""

    def __init__(self) -> None:
        self.armed = self.may_write = False
        self.seen: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.armed and self._forbidden(event, arguments):
            self.seen.append(f"{event} {arguments!r:.200}")
            raise BrokenPromiseError(f"forbidden while reading: {self.seen[-1]}")

    def _forbidden(self, event: str, arguments: tuple[Any, ...]) -> bool:
        if self.may_write and event in _MAY_WRITE:
            return False
        if event == "open":
            mode, flags = arguments[1], arguments[2]
            return bool(flags & _WRITING) if mode is None else not set(mode) <= set("rbt")
        return event in _FORBIDDEN or event.startswith(_FORBIDDEN_FAMILIES)

    @contextmanager
    def on(self, may_write: bool) -> Iterator[None]:
        self.seen.clear()
        self.armed, self.may_write = True, may_write
        try:
            yield
        finally:
            self.armed = False
        if self.seen:  # the reader may have swallowed what the hook raised
            raise BrokenPromiseError(f"forbidden while reading: {self.seen[0]}")


@cache
def _watch() -> _Watch:
    load_everything()
    return _Watch()


@cache
def load_everything() -> None:
    """Do once what readers do when they first need it: afterwards no input may import."""
    for name in _LAZY:
        importlib.import_module(name)
    for module in pkgutil.walk_packages(dnn_cli.__path__, "dnn_cli."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for spec in _below(Spec):
        if spec.__module__.startswith("dnn_cli."):
            options_of(spec)  # evaluates its type hints
    for encoding in (WESTERN, *OTHERS, "utf-16", "utf-32"):
        codecs.lookup(encoding)
    rows = Rows(Task("binary", 2, ("no", "yes")), True)
    list(as_parquet(rows, [np.eye(2, dtype=np.float32)]))  # PyArrow looks for pandas


def _below(spec: type[Spec]) -> Iterator[type[Spec]]:
    for one in spec.__subclasses__():
        yield from (one, *_below(one))


def attempt(read: Callable[[], T], *, may_write: bool = False) -> T | None:
    """What `read` returns, or None if it refused its input as it should.

    Raises:
        BrokenPromiseError: it did something forbidden, was slow, or refused with an unfit error.
    """
    refusal: DnnError | None = None
    found: T | None = None
    with _watch().on(may_write):
        began = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a user would see them
            try:
                found = read()
            except DnnError as error:
                refusal = error
        seconds = time.process_time() - began
    if seconds > SECONDS:
        raise BrokenPromiseError(f"it took {seconds:.1f} s")
    if refusal is not None:
        require_fit(refusal)
    return found


def require(condition: object, what: str) -> None:
    """Raise `BrokenPromiseError` unless `condition` holds."""
    if not condition:
        raise BrokenPromiseError(what)


def require_fit(error: DnnError) -> None:
    """An error that can be shown as it is."""
    require(error.problems, "an error without a problem")
    for problem in error.problems:
        require(problem.what, "an error that says nothing")
        for sentence in _sentences(problem):
            require(one_line(sentence), f"an error with control characters: {sentence!r:.200}")
            require(len(sentence) <= LONGEST, f"an error of {len(sentence)} characters")
    for line in render(error).splitlines():
        require(one_line(line), f"a line with control characters: {line!r:.200}")


def _sentences(problem: Problem) -> tuple[str, ...]:
    return problem.what, problem.where, problem.why, problem.fix, problem.line


def one_line(text: str) -> bool:
    """Whether no character of `text` controls a terminal; unusual spaces do not."""
    return all(c.isprintable() or unicodedata.category(c) == "Zs" for c in text)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="attacks-")


def scratch(name: str, content: bytes | None = None) -> Path:
    """The path of a scratch file, written if `content` is given."""
    path = Path(_folder().name, name)
    if content is not None:
        with open(path, "wb", buffering=0) as file:
            file.write(content)
    return path


def place_of(error: BaseException) -> str:
    """What escaped and where: equal for two inputs that show the same fault."""
    package = str(Path(dnn_cli.__file__).parent)
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if f.filename.startswith(package)] or frames
    frame = ours[-1]
    about = f" ({str(error).split(':')[0]:.40})" if isinstance(error, BrokenPromiseError) else ""
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}{about}"
