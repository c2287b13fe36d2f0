import math

import pytest

from dnn_cli.console.figures import cells
from dnn_cli.console.frame import Size, frame
from dnn_cli.console.trace import Trace

WIDE = """\
churn  101,770 parameters, 54,000 rows
epoch    3/20  ━━━━━───────────────────────────────────  4.5s, 32s left
step  211/422  ━━━━━━━━━━━━━━━━━━━━────────────────────  loss 0.5000

epoch  train.loss  valid.loss   valid.accuracy       lr  rows/s  time
    1      4.3100      4.5220           0.8710  8.9e-04  30,000  1.8s
    2      2.1550      2.2610*          0.8710  8.9e-04  30,000  1.8s

best  epoch 2, valid.loss 2.2610  █▁"""

NARROW = """\
churn  101,770 parameters, 54,000 rows
epoch    3/20  #-------  4.5s, 32s left
step  211/422  ####----  loss 0.5000

epoch  train.loss  valid.loss   time
    1      4.3100      4.5220   1.8s
    2      2.1550      2.2610*  1.8s

best  epoch 2, valid.loss 2.2610  #_"""

TINY = """\
churn  101,770 para…
epoch    3/20  4.5s…
step  211/422  loss…

epoch  valid.loss
    1      4.5220
    2      2.2610*

best  epoch 2, vali…"""


@pytest.fixture
def trace(events):
    made = Trace()
    for event in (
        events.started(), events.epoch(1), events.epoch(2), events.steps(3, step=211, seconds=0.9)
    ):  # fmt: skip
        made.observe(event)
    return made


def text(trace, columns=80, rows=24, unicode=True):
    lines = frame(trace, Size(columns, rows), unicode)
    return "\n".join("".join(piece for piece, _ in line).rstrip() for line in lines)


@pytest.mark.parametrize(
    ("columns", "unicode", "golden"), [(80, True, WIDE), (39, False, NARROW), (20, True, TINY)]
)
def test_a_run_under_way(trace, columns, unicode, golden):
    assert text(trace, columns, unicode=unicode) == golden


@pytest.mark.parametrize("columns", [1, 5, 19, 20, 33, 40, 79, 200])
@pytest.mark.parametrize("rows", [1, 5, 12, 60])
def test_every_line_fits(trace, events, columns, rows):
    for number in range(3, 30):
        trace.observe(events.epoch(number))
    lines = frame(trace, Size(columns, rows))
    assert all(sum(cells(piece) for piece, _ in line) <= columns for line in lines)


def test_the_table_gives_way_to_a_low_window(trace, events):
    for number in range(3, 30):
        trace.observe(events.epoch(number))
    shown = [len(text(trace, rows=rows).splitlines()) for rows in (10, 14, 100)]
    assert shown == [8, 12, 19]  # 1, 5 and 12 epochs


def test_the_best_epoch_is_marked(trace):
    table = frame(trace, Size(80, 24))[5:7]
    assert [line[0][1] for line in table] == ["", "bold green"]


def test_before_the_first_event_and_after_the_first(events):
    trace = Trace()
    assert text(trace) == ""
    trace.observe(events.started())
    assert text(trace).splitlines() == [
        "churn  101,770 parameters, 54,000 rows",
        "epoch    0/20  ────────────────────────────────────────  0ms",
        "step    0/422  ────────────────────────────────────────",
    ]


def test_nan_everywhere(events):
    trace = Trace()
    trace.observe(events.started())
    metrics = {"train.loss": math.inf, "valid.loss": math.nan}
    trace.observe(events.epoch(1, best=0, metrics=metrics, seconds=0.0))
    assert "inf" in text(trace)
    assert "best" not in text(trace)


def test_metrics_that_come_and_go(trace, events):
    trace.observe(events.epoch(3, metrics={"train.loss": 0.1, "valid.loss": 0.2, "valid.f1": 0.5}))
    rows = text(trace).splitlines()
    assert rows[4].split() == ["epoch", "train.loss", "valid.loss", "valid.f1", "lr", "rows/s",
                               "time"]  # fmt: skip
    assert rows[5].split()[3] == "-"
