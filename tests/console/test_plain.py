import io
import os
import time

import pytest

from dnn_cli.console.plain import PlainProgress
from dnn_cli.training.events import CheckpointSaved


def shown(*events, verbose=False):
    stream = io.StringIO()
    with PlainProgress(stream, verbose) as progress:
        for event in events:
            progress(event)
    return stream.getvalue().splitlines()


def test_one_line_an_epoch(events):
    lines = shown(
        events.started(epochs=200),
        events.steps(11, epochs=200),
        events.epoch(11, epochs=200, seconds=1.8),
        events.epoch(12, epochs=200, seconds=1.8, best=11),
        events.epoch(200, epochs=200, seconds=0.02),
        CheckpointSaved("runs/x/last", 1, 1),
    )
    assert lines == [
        "churn: 101,770 parameters, 54,000 rows, 200 epochs of 422 steps",
        "epoch  11/200  train.loss 0.3918  valid.loss 0.4111*  valid.accuracy 0.8710  lr 8.9e-04"
        "  1.8s  eta 5m40s",
        "epoch  12/200  train.loss 0.3592  valid.loss 0.3768  valid.accuracy 0.8710  lr 8.9e-04"
        "  1.8s  eta 5m38s",
        "epoch 200/200  train.loss 0.0215  valid.loss 0.0226*  valid.accuracy 0.8710  lr 8.9e-04"
        "  20ms",
    ]


def test_verbose_tells_of_checkpoints_and_of_long_epochs(events):
    lines = shown(
        *(events.steps(1, step=s, seconds=s * 1.0) for s in range(1, 31)),
        events.epoch(1),
        events.steps(2, step=9, seconds=9.0),
        CheckpointSaved("runs/a\x1b[31m", 422, 1),
        verbose=True,
    )
    assert [line[13:25] for line in lines[:3]] == [
        "step  10/422",
        "step  20/422",
        "step  30/422",
    ]
    assert lines[0] == ("epoch  1/20  step  10/422  loss 0.5000  gradient 1.2500  lr 8.9e-04")
    assert lines[3].startswith("epoch  1/20  train.loss")
    assert lines[4:] == ["saved runs/a\\x1b[31m"]


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(28, "full"), ValueError("closed")])
def test_a_stream_that_fails_is_left_alone(events, error):
    class Failing(io.StringIO):
        writes = 0

        def write(self, text):
            Failing.writes += 1
            raise error

    progress = PlainProgress(Failing())
    progress(events.epoch(1))
    progress(events.epoch(2))
    assert Failing.writes == 1


def test_T03_foreign_names_are_shown_on_one_printable_line(events, evil):
    stream = io.StringIO()
    progress = PlainProgress(stream)
    progress(events.started(name=evil))
    progress(events.epoch(1, metrics={evil: 1.0}, monitor=evil))
    progress.say(evil)
    lines = stream.getvalue().split("\n")
    assert len(lines) == 4
    assert all(line.isprintable() and len(line) < 2100 for line in lines)


def test_an_epoch_costs_little(events):
    # Measured: 20 µs. Five hundred epochs of 2 ms may not wait for their lines.
    made = [events.epoch(n, epochs=500, seconds=0.002) for n in range(1, 501)]
    with open(os.devnull, "w") as stream:
        progress = PlainProgress(stream)
        before = time.process_time()
        for event in made:
            progress(event)
        assert time.process_time() - before < 500 * 200e-6
