"""One picture of a run under way, as lines of styled pieces: a pure function of its trace.

```
mnist-mlp  101,770 parameters, 54,000 rows
epoch   12/20  ━━━━━━━━━━━━━━━━━━────────────  1m02s, 48s left
step  310/422  ━━━━━━━━━━━━━━━━━━━━━━────────  loss 0.4310

epoch  train.loss  valid.loss  valid.accuracy       lr  rows/s  time
   11      0.4410      0.4602          0.8680  9.0e-04  30,012  1.8s
   12      0.4310      0.4522*         0.8710  8.9e-04  30,441  1.8s

best   epoch 12, valid.loss 0.4522  █▅▃▂▂▁▁▁▁▁▁▁
```
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from dnn_cli.base.text import figure, safe_text
from dnn_cli.console.figures import cells, count, cut, duration, pad, rate
from dnn_cli.console.sparkline import bar, sparkline
from dnn_cli.console.trace import ROWS, Trace
from dnn_cli.training.events import EpochFinished, RunStarted

Line: TypeAlias = list[tuple[str, str]]  # pieces of text and their style

_BAR = 40  # columns of the longest bar and sparkline
_AROUND = 9  # lines of a frame that are not rows of the table, and one to spare


class Size(NamedTuple):
    """The room there is."""

    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    rank: int  # columns of the highest rank are the first to go where room is short
    cell: Callable[[EpochFinished], str]
    mark: bool = False  # has room for the star of the best epoch


def frame(trace: Trace, size: Size, unicode: bool = True) -> list[Line]:
    """The lines to show in `size`, none wider than it."""
    started = trace.started
    if started is None:
        return []
    lines = [_head(started), *_bars(trace, started, size, unicode)]
    if trace.epochs:
        lines += [[], *_table(trace, size)]
    best = _best(trace, size, unicode)
    if best:
        lines += [[], best]
    return [_fit(line, size.columns) for line in lines]


def _head(started: RunStarted) -> Line:
    facts = f"{count(started.parameters)} parameters, {count(started.rows)} rows"
    return [(safe_text(started.name), "bold"), (f"  {facts}", "dim")]


def _bars(trace: Trace, started: RunStarted, size: Size, unicode: bool) -> list[Line]:
    steps, last = trace.steps, trace.last
    done = last.epoch if last else 0
    epoch = steps.epoch if steps else done
    in_epoch = steps.step_in_epoch if steps else (started.steps_per_epoch if done else 0)
    within = steps.step_in_epoch / max(1, steps.steps_per_epoch) if steps else 0.0
    whole = (steps.epoch - 1 if steps else done) + within

    counts = (_of(epoch, started.epochs), _of(in_epoch, started.steps_per_epoch))
    wide = max(map(len, counts))
    labels = [
        f"{name} {text:>{wide}}" for name, text in zip(("epoch", "step "), counts, strict=True)
    ]
    time = duration(trace.elapsed + (steps.seconds if steps else 0.0))
    left = trace.left()
    if left is not None and not trace.finished:
        time += f", {duration(left)} left"
    loss = f"loss {figure(steps.loss)}" if steps else ""
    room = min(_BAR, size.columns - len(labels[0]) - max(len(time), len("loss 0.0000")) - 4)
    return [
        _bar_line(labels[0], whole / max(1, started.epochs), room, time, unicode),
        _bar_line(labels[1], in_epoch / max(1, started.steps_per_epoch), room, loss, unicode),
    ]


def _bar_line(label: str, fraction: float, room: int, note: str, unicode: bool) -> Line:
    line: Line = [(label, "")]
    if room >= 5:
        done, open_ = bar(fraction, room, unicode)
        line += [("  ", ""), (done, "cyan"), (open_, "dim")]
    return [*line, (f"  {note}", "")] if note else line


def _of(part: int, whole: int) -> str:
    total = str(whole)
    return f"{part:>{len(total)}}/{total}"


def _table(trace: Trace, size: Size) -> list[Line]:
    shown = list(trace.epochs)[-max(1, min(ROWS, size.rows - _AROUND)) :]
    best = trace.best.best_epoch if trace.best else 0
    columns = _chosen(_columns(shown[-1]), shown, size.columns)
    lines: list[Line] = [[("  ".join(pad(c.name, w, True) for c, w in columns), "dim")]]
    for epoch in shown:
        top = epoch.epoch == best
        texts = [
            pad(c.cell(epoch) + ("*" if top else " ") if c.mark else c.cell(epoch), w, True)
            for c, w in columns
        ]
        lines.append([("  ".join(texts), "bold green" if top else "")])
    return lines


def _columns(last: EpochFinished) -> list[_Column]:
    """All columns in the order shown. The monitored metric is the last one to go."""
    metrics = [
        _Column(
            safe_text(name) + (" " if name == last.monitor else ""),
            0 if name == last.monitor else 2 + (name != "train.loss") * (1 + place),
            _metric(name),
            name == last.monitor,
        )
        for place, name in enumerate(last.metrics)
    ]
    return [
        _Column("epoch", 0, lambda e: str(e.epoch)),
        *metrics,
        _Column("lr", 90, lambda e: rate(e.learning_rate)),
        _Column("rows/s", 91, lambda e: count(round(e.examples / max(e.seconds, 1e-9)))),
        _Column("time", 1, lambda e: duration(e.seconds)),
    ]


def _metric(name: str) -> Callable[[EpochFinished], str]:
    return lambda epoch: figure(epoch.metrics[name]) if name in epoch.metrics else "-"


def _chosen(
    columns: list[_Column], shown: list[EpochFinished], room: int
) -> list[tuple[_Column, int]]:
    """The columns that fit, with their widths."""
    widths = {
        c.name: max(cells(c.name), *(cells(c.cell(e)) + c.mark for e in shown)) for c in columns
    }
    kept = sorted(columns, key=lambda c: c.rank)
    while len(kept) > 1 and sum(widths[c.name] + 2 for c in kept) - 2 > room:
        kept.pop()
    return [(c, widths[c.name]) for c in columns if c in kept]


def _best(trace: Trace, size: Size, unicode: bool) -> Line:
    best = trace.best
    if best is None:
        return []
    text = f"epoch {best.best_epoch}, {safe_text(best.monitor)} {figure(best.best_value)}"
    line: Line = [("best  ", "dim"), (text, "green")]
    room = min(_BAR, size.columns - 8 - cells(text))
    if room >= 5 and len(trace.history.points) > 1:
        line += [("  ", ""), (sparkline(trace.history.points, room, unicode), "cyan")]
    return line


def _fit(line: Line, columns: int) -> Line:
    fitted: Line = []
    room = columns
    for text, style in line:
        shown = cut(text, room) if room > 0 else ""
        if shown:
            fitted.append((shown, style))
        room -= cells(shown)
        if shown != text:
            break
    return fitted
