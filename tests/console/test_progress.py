import io
import os
import sys

import pytest

from dnn_cli.console.observer import NoProgress
from dnn_cli.console.plain import PlainProgress
from dnn_cli.console.progress import LiveProgress, progress_for
from dnn_cli.training.events import CheckpointSaved, RunFinished

FINISHED = RunFinished("epochs", 3, 1266, "valid.loss", 3, 0.1, 5.4, "runs/x/model.safetensors")


class Clock:
    """A clock that a test moves."""

    now = 0.0
    per_reading = 0.0

    def __call__(self):
        self.now += self.per_reading
        return self.now


@pytest.mark.parametrize(
    ("environment", "columns", "kind"),
    [
        ({}, 80, LiveProgress),
        ({"NO_COLOR": "1"}, 80, LiveProgress),
        ({"CI": "false"}, 80, LiveProgress),
        ({}, 40, LiveProgress),
        ({}, 0, LiveProgress),  # a pty without a size
        ({}, 19, PlainProgress),
        ({"CI": "true"}, 80, PlainProgress),
        ({"TERM": "dumb"}, 80, PlainProgress),
        ({"TERM": ""}, 80, PlainProgress),
    ],
)
def test_T05_the_display_suits_the_terminal(terminal, monkeypatch, environment, columns, kind):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    terminal.size = os.terminal_size((columns, 24))
    terminal.fileno = lambda: 2
    assert type(progress_for(terminal)) is kind
    assert type(progress_for(terminal, quiet=True)) is NoProgress


def test_T05_a_file_gets_plain_lines_whatever_the_environment(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert type(progress_for(io.StringIO())) is PlainProgress


def test_quiet_shows_nothing(events, capsys):
    with NoProgress() as progress:
        progress(events.epoch(1))
        progress.say("hello")
    assert capsys.readouterr() == ("", "")


def test_the_last_picture_stands_below_what_was_said(terminal, events, screen):
    with LiveProgress(terminal) as progress:
        progress.say("before [/red]")
        progress(events.started())
        for number in (1, 2, 3):
            progress(events.steps(number))
            progress(events.epoch(number))
        progress.say("between \x1b[31m")
        progress(CheckpointSaved("hidden", 1, 1))
        progress(FINISHED)
        progress.say("after")
    screen.feed(terminal.getvalue())
    assert screen.text.splitlines() == [
        "before [/red]",
        "between \\x1b[31m",
        "churn  101,770 parameters, 54,000 rows",
        "epoch    3/20  ━━━━━━──────────────────────────────────  5.4s",
        "step  422/422  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━",
        "",
        "epoch  train.loss  valid.loss   valid.accuracy       lr  rows/s  time",
        "    1      4.3100      4.5220           0.8710  8.9e-04  30,000  1.8s",
        "    2      2.1550      2.2610           0.8710  8.9e-04  30,000  1.8s",
        "    3      1.4367      1.5073*          0.8710  8.9e-04  30,000  1.8s",
        "",
        "best  epoch 3, valid.loss 1.5073  █▃▁",
        "after",
    ]
    assert screen.cursor


def test_what_others_write_to_standard_error_stands_above_and_literal(terminal, events, screen):
    with LiveProgress(terminal) as progress:
        progress(events.started())
        sys.stderr.write("a warning [/red] :skull:\n")
        sys.stderr.write("half a line [/red]")
        sys.stderr.flush()
    screen.feed(terminal.getvalue())
    assert screen.text.splitlines()[:3] == [
        "a warning [/red] :skull:",
        "half a line [/red]",
        "churn  101,770 parameters, 54,000 rows",
    ]


def test_verbose_names_checkpoints(terminal, events, screen):
    with LiveProgress(terminal, verbose=True) as progress:
        progress(events.started())
        progress(CheckpointSaved("runs/x/last", 1, 1))
    screen.feed(terminal.getvalue())
    assert screen.text.startswith("saved runs/x/last\nchurn")


def pictures(text):
    return text.count("churn")


def test_at_most_ten_pictures_a_second(terminal, events):
    clock = Clock()
    with LiveProgress(terminal, clock=clock) as progress:
        progress(events.started())
        for _ in range(10_000):
            clock.now += 0.001  # ten seconds altogether
            progress(events.steps(1))
        assert 90 <= pictures(terminal.getvalue()) <= 101


def test_pictures_take_less_than_a_hundredth_of_the_time(terminal, events):
    clock = Clock()
    clock.per_reading = 0.05  # a picture takes two readings, an event one
    with LiveProgress(terminal, clock=clock) as progress:
        progress(events.started())
        while clock.now < 100.0:
            progress(events.steps(1))
        assert pictures(terminal.getvalue()) <= 100.0 * 0.01 / 0.05 + 2


@pytest.mark.parametrize("error", [None, KeyboardInterrupt, SystemExit, RuntimeError])
def test_the_terminal_is_given_back(terminal, events, screen, error, monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    before = sys.stderr
    try:
        with LiveProgress(terminal) as progress:
            progress(events.started())
            screen.feed(terminal.getvalue())
            assert not screen.cursor
            assert sys.stderr is not before  # warnings are printed above the picture
            if error:
                raise error
    except BaseException as found:
        assert type(found) is error
    screen.feed(terminal.getvalue())
    assert screen.cursor
    assert sys.stderr is before


def test_a_terminal_that_is_gone_ends_the_display_and_nothing_else(terminal, events, monkeypatch):
    before = sys.stderr
    with LiveProgress(terminal) as progress:
        progress(events.started())

        def fail(text):
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(terminal, "write", fail)
        progress.say("lost")
        for number in range(1, 5):
            progress(events.epoch(number))
    assert sys.stderr is before


@pytest.mark.parametrize("width", [120, 60, 40, 25])
def test_T05_resizing_leaves_no_remains(terminal, events, screen, width):
    clock = Clock()
    sent = 0

    def feed():
        nonlocal sent
        screen.feed(terminal.getvalue()[sent:])
        sent = len(terminal.getvalue())

    with LiveProgress(terminal, clock=clock) as progress:
        progress.say("note")
        progress(events.started())
        for number in range(1, 8):
            clock.now += 9.0
            progress(events.epoch(number))
        feed()
        terminal.size = os.terminal_size((width, 24))
        screen.resize(width)
        clock.now += 9.0
        progress(events.epoch(8))
        feed()
    lines = screen.text.splitlines()
    assert lines[0] == "note"
    assert lines[1].startswith("churn")
    assert screen.text.count("epoch  ") <= 3  # the bar, the head of the table, the best
    assert len(lines) == 16
    assert max(map(len, lines)) < width


def test_a_low_window_shows_the_top(terminal, events, screen):
    terminal.size = os.terminal_size((80, 6))
    with LiveProgress(terminal) as progress:
        progress(events.started())
        for number in range(1, 8):
            progress(events.epoch(number))
    screen.feed(terminal.getvalue())
    assert len(screen.text.splitlines()) == 5


def test_T04_without_unicode_the_picture_is_ascii(terminal, events):
    terminal.encoding = "ascii"
    with LiveProgress(terminal) as progress:
        progress(events.started())
        for number in range(1, 5):
            progress(events.epoch(number))
    assert terminal.getvalue().isascii()


def test_T05_no_color_leaves_the_picture_without_colours(terminal, events, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    with LiveProgress(terminal) as progress:
        progress(events.started())
        progress(events.epoch(1))
    assert "\x1b[3" not in terminal.getvalue()
    assert "churn" in terminal.getvalue()


def test_T03_foreign_names_cannot_steer_the_terminal(terminal, events, screen, evil):
    with LiveProgress(terminal) as progress:
        progress.say(evil)
        progress(events.started(name=evil))
        progress(events.epoch(1, metrics={evil: 1.0}, monitor=evil))
    screen.feed(terminal.getvalue())  # fails on any control that is not rich's own
    assert "[/red]" not in evil or screen.text.count("[/red]") >= 3
