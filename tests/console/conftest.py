"""Runs made of events, streams that are terminals, and a terminal to see what they show."""

from __future__ import annotations

import io
import os
import re
from types import SimpleNamespace

import pytest

from dnn_cli.training.events import EpochFinished, RunStarted, StepsFinished

EVIL = [
    "[/red]",
    "[bold]x[/bold]",
    "[link=http://x]y",
    ":skull:",
    "\x1b[31mred",
    "\x1b]52;c;aGk=\x07",
    "\x9b31m",
    "a\rb",
    "a\x08b",
    "\u202egnp",
    "a\u200bb",
    "\ud800",
    "x" * 100_000,
]
_CONTROL = re.compile(r"\x1b\[(\?)?([0-9;]*)([A-Za-z])|[\r\n]|.", re.DOTALL)


def pytest_generate_tests(metafunc):
    if "evil" in metafunc.fixturenames:
        metafunc.parametrize("evil", EVIL, ids=lambda text: ascii(text[:20]))


def started(name="churn", epochs=20, steps=422, monitor="valid.loss"):
    return RunStarted(name, epochs, steps, 54_000, 101_770, monitor)


def epoch(number, epochs=20, seconds=1.8, best=None, metrics=None, examples=54_000, **kw):
    metrics = metrics or {
        "train.loss": 0.4310 / number * 10,
        "valid.loss": 0.4522 / number * 10,
        "valid.accuracy": 0.871,
    }
    monitor = kw.get("monitor", "valid.loss")
    best = number if best is None else best
    return EpochFinished(
        number, epochs, number * 422, metrics, 8.9e-4, examples, seconds, monitor,
        best == number, best, metrics.get(monitor, float("nan")),
    )  # fmt: skip


def steps(number, step=100, of=422, seconds=0.9, epochs=20):
    return StepsFinished(number, epochs, step, step, of, step * 128, 0.5, 1.25, 8.9e-4, seconds)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


class Screen:
    """What a terminal shows after it was sent `feed(...)`: the few controls that rich uses.

    Nothing scrolls away. `resize` wraps long lines again, as most terminals do.
    """

    def __init__(self, columns):
        self.columns, self.rows, self.row, self.column, self.cursor = columns, [[]], 0, 0, True
        self.joined = set()  # rows that continue the row above

    def feed(self, text):
        for found in _CONTROL.finditer(text):
            private, numbers, command = found.groups()
            if command:
                self._control(private, int(numbers) if numbers.isdigit() else 1, numbers, command)
            elif found[0] == "\r":
                self.column = 0
            elif found[0] == "\n":
                self._down()
                self.column = 0
            else:
                self._put(found[0])

    def _control(self, private, count, numbers, command):
        if private:
            assert numbers == "25"
            self.cursor = command == "h"
        elif command == "A":
            self.row = max(0, self.row - count)
        elif command == "K":
            self.rows[self.row] = []
        elif command == "J":
            self.rows[self.row][self.column :] = []
            del self.rows[self.row + 1 :]
        else:
            assert command == "m", command

    def _put(self, character):
        assert character.isprintable(), repr(character)
        if self.column == self.columns:
            self._down()
            self.joined.add(self.row)
            self.column = 0
        row = self.rows[self.row]
        row += " " * (self.column + 1 - len(row))
        row[self.column] = character
        self.column += 1

    def _down(self):
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append([])
        self.joined.discard(self.row)

    def resize(self, columns):
        assert self.row == len(self.rows) - 1
        lines = []
        for number, row in enumerate(self.rows):
            if number in self.joined:
                lines[-1] += row
            else:
                lines.append(list(row))
        self.columns, self.rows, self.joined = columns, [], set()
        for line in lines:
            for start in range(0, max(1, len(line)), columns):
                if start:
                    self.joined.add(len(self.rows))
                self.rows.append(line[start : start + columns])
        self.row, self.column = len(self.rows) - 1, len(self.rows[-1])

    @property
    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.rows).rstrip("\n")


@pytest.fixture
def events():
    return SimpleNamespace(started=started, epoch=epoch, steps=steps)


@pytest.fixture
def screen():
    return Screen(80)


@pytest.fixture
def terminal(monkeypatch):
    """A `Terminal` of 80 columns and 24 rows; `terminal.size` may be changed."""
    stream = Terminal()
    stream.size = os.terminal_size((80, 24))
    monkeypatch.setattr(os, "get_terminal_size", lambda fd=1: stream.size)
    for name in ("CI", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return stream
