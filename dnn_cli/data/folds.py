"""Folds of a cross-validation: which rows one run holds out, as its test part.

Folds        stratified  rows shuffled, sorted by class, dealt out in turn: each fold has its share
                         of every class, and of the rows, within one; without classes by chance
             grouped     whole groups, the largest first, each to the fold with the fewest rows
             by time     rows in order of time, the last k·s in k blocks of s = n // (k + 1): fold i
                         holds out block i and trains on all rows before it. Rows of one moment
                         stay together: a block begins with the first of them
Test part    of the configuration (`split.test`, `test` in a split column or a folder): in no fold
Validation   a share `split.valid` of the rows: stratified from those that are left to train on, or
             whole groups of them, or the last of them; rows that a column or a folder marks `valid`
             are held out in their turn, and else stay for validation
Shapes       keys (n,) text: the groups or the times of all rows
Source       the splitters of scikit-learn's model_selection, whose properties these have
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.random import Purpose, stream
from dnn_cli.base.task import Task
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.fold_spec import FoldSpec
from dnn_cli.data.place import Place
from dnn_cli.data.spec import SplitSpec
from dnn_cli.data.split import Parts, leaves_room, rare_classes, split_by_share
from dnn_cli.data.table import Table


def fold_of(
    table: Table,
    split: SplitSpec,
    usual: Parts,
    by_share: bool,
    task: Task,
    targets: Array | None,
    place: Place,
) -> Parts:
    """The parts of the run that holds out `split.fold`.

    `usual` are those of a run without folds, made `by_share` or brought by the data.

    Raises:
        DataError: the rows cannot be divided so, or there is no such column.
    """
    fold, where = split.fold, safe_text(place.origin)
    assert fold is not None
    if fold.column is not None and fold.column not in table.extra:
        raise DataError(
            f"there is no column `{safe_text(fold.column)}` to make folds by", where=where
        )
    keys = None if fold.column is None else table.extra[fold.column]
    divides = task.classifies and split.stratify is not False
    strata = targets if divides else None
    train, held = hold_out(fold, usual.pool, strata, keys, split.seed, where)
    if not by_share:
        train, valid = np.intersect1d(train, usual.train), np.intersect1d(train, usual.valid)
    elif (wanted := split.shares[0]) > 0:
        share = wanted / (1.0 - split.test)

        def by_chance(among: Array) -> Array:
            single = replace(split, valid=share, test=0.0, fold=None)
            mine = None if strata is None else strata[among]
            rare = {} if mine is None else rare_classes(mine, single)
            if not leaves_room(rare, len(among), single):
                mine, rare = None, {}
            return among[split_by_share(len(among), single, mine, where, rare).valid]

        valid = validation(fold, train, share, keys, split.seed, by_chance, where)
        train = np.setdiff1d(train, valid)
    else:
        valid = train[:0]
    if not len(train):
        raise DataError(
            f"fold {fold.number} leaves no rows to train on", where=where, fix="ask for other folds"
        )
    return Parts(train, valid, held)


def hold_out(
    fold: FoldSpec,
    pool: Array,
    strata: Array | None,
    keys: Array | None,
    seed: int,
    where: str,
) -> tuple[Array, Array]:
    """The rows to train on and those held out, ascending, of the rows `pool` (ascending).

    Raises:
        DataError: there are too few rows, groups or moments; or a time cannot be read.
    """
    if len(pool) < fold.count + (fold.time is not None):
        raise DataError(
            f"{len(pool)} rows cannot be divided into {fold.count} folds",
            where=where,
            fix="ask for fewer folds",
        )
    if fold.time is not None and keys is not None:
        before, held = _blocks(times_of(keys[pool], fold.time, where), fold, where)
        return np.sort(pool[before]), np.sort(pool[held])
    if keys is not None:
        numbers = _grouped(keys[pool], fold, seed, where)
    else:
        numbers = _dealt(len(pool), None if strata is None else strata[pool], fold, seed)
    return pool[numbers != fold.number - 1], pool[numbers == fold.number - 1]


def validation(
    fold: FoldSpec,
    rows: Array,
    share: float,
    keys: Array | None,
    seed: int,
    by_chance: Callable[[Array], Array],
    where: str,
) -> Array:
    """Which of the training `rows` (ascending) are for validation: a `share` of them, ascending.

    `by_chance` chooses them where nothing keeps rows together.

    Raises:
        DataError: one group or moment would have to be in both parts.
    """
    if keys is None:
        return by_chance(rows)
    wanted = max(1, round(share * len(rows)))
    if fold.time is not None:
        moments = times_of(keys[rows], fold.time, where)
        order = np.argsort(moments, kind="stable")
        start = _first(moments[order], len(rows) - wanted)
        chosen = order[start:]
    else:
        _, group = np.unique(keys[rows], return_inverse=True)
        mixed = stream(seed, Purpose.SPLIT, fold.repeat, fold.number).permutation(group.max() + 1)
        sizes = np.bincount(group)[mixed]
        count = int(np.searchsorted(np.cumsum(sizes), wanted)) + 1
        chosen = np.flatnonzero(np.isin(group, mixed[:count]))
    if len(chosen) == len(rows):
        raise DataError(
            f"fold {fold.number} has no rows left to train on beside those for validation",
            where=where,
            why="rows of one group, or of one moment, are not divided",
            fix="ask for other folds, or for a smaller split.valid",
        )
    return np.sort(rows[chosen])


def _dealt(rows: int, strata: Array | None, fold: FoldSpec, seed: int) -> Array:
    """The fold of each row, from 0."""
    order = stream(seed, Purpose.SPLIT, fold.repeat).permutation(rows)
    if strata is not None:
        order = order[np.argsort(strata[order], kind="stable")]
    numbers = np.empty(rows, np.intp)
    numbers[order] = np.arange(rows) % fold.count
    return numbers


def _grouped(keys: Array, fold: FoldSpec, seed: int, where: str) -> Array:
    """The fold of each row, from 0."""
    names, group, sizes = np.unique(keys, return_inverse=True, return_counts=True)
    if len(names) < fold.count:
        raise DataError(
            f"column `{safe_text(fold.group)}` has {len(names)} groups for {fold.count} folds",
            where=where,
            fix="ask for fewer folds",
        )
    order = stream(seed, Purpose.SPLIT, fold.repeat).permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    load = [(0, number) for number in range(fold.count)]
    of_group = np.empty(len(names), np.intp)
    for one in order.tolist():
        rows, number = load[0]
        of_group[one] = number
        heapq.heapreplace(load, (rows + int(sizes[one]), number))
    return of_group[group]


def _blocks(moments: Array, fold: FoldSpec, where: str) -> tuple[Array, Array]:
    """Indices of the rows before a block, and of those in it."""
    n = len(moments)
    order = np.argsort(moments, kind="stable")
    size = n // (fold.count + 1)
    start = n - (fold.count - fold.number + 1) * size
    begin = _first(moments[order], start)
    end = n if fold.number == fold.count else _first(moments[order], start + size)
    if not 0 < begin < end:
        raise DataError(
            f"fold {fold.number} of {fold.count} in the order of `{safe_text(fold.time)}` is empty",
            where=where,
            why="too many rows are of one moment",
            fix="ask for fewer folds",
        )
    return order[:begin], order[begin:end]


def _first(rising: Array, index: int) -> int:
    """Where the values equal to that at `index` begin."""
    return int(np.searchsorted(rising, rising[index], side="left"))


def times_of(cells: Array, column: str, where: str) -> Array:
    """Cells that are all numbers, or all ISO dates, as numbers that rise with time.

    Raises:
        DataError: they are neither, or some are empty.
    """
    words = np.char.strip(cells.astype(np.str_))
    try:
        found = words.astype(np.float64)
    except ValueError:
        try:
            found = words.astype("datetime64[us]").astype(np.float64)
            found[words == ""] = np.nan
        except ValueError:
            found = np.full(1, np.nan)
    if not np.isfinite(found).all():
        raise DataError(
            f"column `{safe_text(column)}` tells no time: its cells must all be numbers, or all "
            "dates such as 2024-01-31 or 2024-01-31T09:30",
            where=where,
        )
    return found
