"""Every seed, everything that once broke a promise, and some thousand mutations of both."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from oracle import SECONDS, BrokenPromiseError, attempt, scratch
from targets import TARGETS, mutated, seeds

from dnn_cli.base.errors import DataError

MUTATIONS = dict.fromkeys(TARGETS, 1500) | {"config": 400, "overrides": 200, "checkpoint": 800}


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_findings_keep_every_promise(name: str) -> None:
    paths = seeds(TARGETS[name])
    accepted = {path: TARGETS[name].feed(path.read_bytes()) for path in paths}
    assert len(paths) >= 10 and len(set(accepted.values())) == 2, accepted


@pytest.mark.parametrize("name", TARGETS)
def test_mutations_keep_every_promise(name: str) -> None:
    target, random = TARGETS[name], Random(1)
    inputs = [path.read_bytes() for path in seeds(target)]
    found = {
        target.feed(mutated(target, random.choice(inputs), random)) for _ in range(MUTATIONS[name])
    }
    assert found == {True, False}


def _write() -> None:
    scratch("x").write_bytes(b"")


def _swallow() -> None:
    try:
        eval("1")
    except BrokenPromiseError:
        return


def _refuse(**parts: str) -> Callable[[], None]:
    def read() -> None:
        raise DataError(parts.pop("what", "wrong"), **parts)

    return read


def _work() -> None:
    end = time.process_time() + 1.1 * SECONDS
    while time.process_time() < end:
        pass


BROKEN: dict[str, Callable[[], Any]] = {
    "runs code": lambda: eval("1"),
    "runs code and hides it": _swallow,
    "imports": lambda: __import__("this_module_is_none"),
    "writes": _write,
    "starts a process": lambda: __import__("os").system("true"),
    "opens a socket": lambda: __import__("socket").socket(),
    "is slow": _work,
    "says nothing": _refuse(what=""),
    "acts on the terminal": _refuse(why="\x1b[2J"),
    "turns text around": _refuse(where="\u202egnp.exe"),
    "says too much": _refuse(fix="a" * 2001),
}


@pytest.mark.parametrize("read", BROKEN.values(), ids=BROKEN)
def test_the_judge_notices_a_reader_that(read: Callable[[], Any]) -> None:
    with pytest.raises(BrokenPromiseError):
        attempt(read)


def test_the_judge_lets_others_pass() -> None:
    scratch("x")  # its folder is made once
    assert attempt(lambda: 1) == 1
    assert attempt(_refuse()) is None
    with pytest.raises(UserWarning):
        attempt(lambda: warnings.warn("seen by the user", stacklevel=1))
    attempt(_write, may_write=True)
