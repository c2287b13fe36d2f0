"""Bootstrap: how far a metric would be off, had other rows of the same kind been measured.

Formula    draw n of the n rows with replacement, 1,000 times, and measure each resample; the 95 %
           interval is from the 2.5th to the 97.5th of a hundred parts of what is found
Seed       one for all: equal predictions have equal intervals
Undefined  resamples without a value are left out; a metric that is nan has no interval
Bound      of more than 16,384 rows so many are drawn, once, by chance; the interval of these m rows
           is put around the value of all n and shrunk by sqrt(m / n), as errors shrink with more
Cost       16,281 rows, the ten metrics of two classes: 0.9 s, and no more for more rows
Source     Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 1979;
           fewer rows: Bickel, Götze, van Zwet, "Resampling fewer than n observations", Statistica
           Sinica 1997
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import numpy as np

from dnn_cli.base.random import Purpose, stream
from dnn_cli.base.task import Task
from dnn_cli.base.types import Array, Rng
from dnn_cli.training.metrics import LOSS, find, value_of
from dnn_cli.training.outcome import Outcome
from dnn_cli.training.resamples import Resamples

Interval: TypeAlias = tuple[float, float]

_TAILS = (0.025, 0.975)
_RESAMPLES = 1000
_ROWS = 1 << 14
_BLOCK = 1 << 19  # rows of the resamples that are measured at once: 4 MB of how often each is drawn


def intervals(
    measured: Mapping[str, float],
    predictions: Array,
    targets: Array,
    task: Task,
    weights: Array | None = None,
) -> dict[str, Interval]:
    """The 95 % interval of each metric that was `measured`, where it has one.

    The loss has none: it is known as a mean over batches. Nor has a class or target by itself.
    Rows are drawn with their `weights` (n,), if they have some.

    Shapes     predictions, targets: the canonical form of `outcome.py`
    """
    defined = [name for name, value in measured.items() if not math.isnan(value)]
    metrics = {name: find(name, task) for name in defined if name != LOSS}
    whole = {name: metric for name, (metric, part) in metrics.items() if part is None}
    rng, n = stream(0, Purpose.BOOTSTRAP), len(targets)
    chosen = slice(None) if n <= _ROWS else np.sort(rng.choice(n, _ROWS, replace=False))
    some_weights = None if weights is None else weights[chosen]
    outcome = Outcome(predictions[chosen], targets[chosen], task, some_weights)
    found: dict[str, list[Array]] = {name: [] for name in whole}
    for drawn in _resamples(outcome, rng):
        for name, metric in whole.items():
            some = metric.resampled(drawn)
            if some is not None:
                found[name].append(some)
    values = {name: np.concatenate(blocks) for name, blocks in found.items() if blocks}
    # Of few rows none may be of a rare class, and then no resample has a value.
    ends = {name: _ends(one) for name, one in values.items() if not np.isnan(one).all()}
    if n <= _ROWS:
        return ends
    shrink = math.sqrt(_ROWS / n)
    return {
        name: _moved(pair, value_of(whole[name], None, outcome), measured[name], shrink)
        for name, pair in ends.items()
    }


def _resamples(outcome: Outcome, rng: Rng) -> Iterator[Resamples]:
    """All resamples, some at a time; none of no rows."""
    n = outcome.rows
    most = max(1, _BLOCK // max(1, n))
    for start in range(0, _RESAMPLES if n else 0, most):
        r = min(most, _RESAMPLES - start)
        cells = rng.integers(0, n, (r, n))
        cells += np.arange(0, r * n, n)[:, None]
        times = np.bincount(cells.reshape(-1), minlength=r * n)
        yield Resamples(outcome, times.reshape(r, n).astype(np.float64))


def _ends(values: Array) -> Interval:
    """The interval that holds 95 % of the values that are not nan."""
    low, high = np.nanquantile(values, _TAILS).tolist()
    return low, high


def _moved(interval: Interval, own: float, value: float, shrink: float) -> Interval:
    """An interval around its `own` value, shrunk and put around another."""
    low, high = (value + (end - own) * shrink for end in interval)
    return float(low), float(high)
