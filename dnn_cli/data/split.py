"""Dividing the rows of one source into training, validation and test parts.

Counts     the part sizes are n·share rounded by largest remainder (ties: training, then
           validation), so that they add up to n. A stratified division takes the test rows
           evenly from the rows sorted by class, then the validation rows evenly from what is
           left: sizes stay exact, and each class has its share of the test part within one row
           and of the validation part within two (within one where there is no test part).
Order      the rows of a part keep the order of the source
Memory     the training part is compacted in place: at no time is there more than one copy of
           the rows plus the validation and test rows
Errors     a part that would be empty; a class too small to stratify by; an unknown part name
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.random import Purpose, stream
from dnn_cli.base.text import listing, safe_text
from dnn_cli.base.types import Array, size_of
from dnn_cli.data.place import Place, positions
from dnn_cli.data.spec import DataSpec, SplitSpec

_NAMES = {"train": "train", "valid": "valid", "val": "valid", "test": "test"}


@dataclass(frozen=True, slots=True)
class Parts:
    """The rows of each part, ascending: intp arrays, together all rows."""

    train: Array
    valid: Array
    test: Array


def part_sizes(rows: int, valid: float, test: float, where: str = "") -> tuple[int, int, int]:
    """(training, validation, test) sizes: shares of `rows` rounded by largest remainder.

    `where` is the source, for the message.

    Raises:
        DataError: a part that was asked for would have no row.
    """
    shares = (1 - valid - test, valid, test)
    sizes = [int(rows * share) for share in shares]
    remainders = [rows * share - size for share, size in zip(shares, sizes, strict=True)]
    for index in sorted(range(3), key=lambda i: -remainders[i])[: rows - sum(sizes)]:
        sizes[index] += 1
    for name, share, size in zip(("train", "valid", "test"), shares, sizes, strict=True):
        if share > 0 and size == 0:
            raise DataError(
                f"the {name} part would be empty: {share:.4g} of {rows} rows is {rows * share:.3g}",
                where=where,
                fix="give more rows or a larger share",
            )
    return sizes[0], sizes[1], sizes[2]


def split_by_share(rows: int, split: SplitSpec, strata: Array | None, where: str = "") -> Parts:
    """Divide `rows` rows by shares; with `strata` (class numbers) evenly within each class.

    Raises:
        DataError: a part that was asked for would have no row; `where` is the source.
    """
    _, valid, test = part_sizes(rows, split.valid, split.test, where)
    order = stream(split.seed, Purpose.SPLIT).permutation(rows)
    if strata is not None:
        order = order[np.argsort(strata[order], kind="stable")]
    chosen, rest = _evenly(order, test)
    kept, train = _evenly(rest, valid)
    return Parts(np.sort(train), np.sort(kept), np.sort(chosen))


def _evenly(order: Array, count: int) -> tuple[Array, Array]:
    """`count` elements at equal distances, and the others: any run of m has m·count/n, ±1."""
    steps = np.arange(len(order) + 1) * count // max(1, len(order))
    chosen = np.diff(steps) > 0
    return order[chosen], order[~chosen]


def split_by_column(values: Array, place: Place, column: str) -> Parts:
    """Divide by a column of part names.

    Raises:
        DataError: a name that is no part, or no training row.
    """
    names, inverse = np.unique(values, return_inverse=True)
    unknown = [name for name in names.tolist() if name not in _NAMES]
    if unknown:
        strange = np.isin(values, unknown)
        raise DataError(
            f"`{safe_text(unknown[0])}` in column `{safe_text(column)}` is no part",
            where=place.where(positions(strange)),
            why="a part is train, valid (or val) or test",
        )
    parts = np.array([_NAMES[name] for name in names.tolist()])[inverse]
    found = Parts(*(np.flatnonzero(parts == name) for name in ("train", "valid", "test")))
    if not len(found.train):
        raise DataError(
            f"column `{safe_text(column)}` leaves no training rows",
            where=safe_text(place.origin),
            fix="mark the training rows by `train`",
        )
    return found


def check_given_once(parts: Array, spec: DataSpec, place: Place) -> None:
    """Refuse a section that names a part which the source brings too, as one of `parts`.

    Raises:
        DataError: says which.
    """
    there, where = set(parts.tolist()), safe_text(place.origin)
    if spec.split is not None:
        raise DataError(
            f"`{where}` holds the parts {listing(there)}, and `data.split` divides it again",
            where=where,
            fix="remove `data.split`, or name the folder of one part as `data.source`",
        )
    for part, source in (("valid", spec.valid), ("test", spec.test)):
        if source is not None and part in there:
            raise DataError(
                f"the {part} part is given twice: by a folder in `{where}` and as `data.{part}`",
                where=where,
                fix=f"remove `data.{part}`, or name the folder of one part as `data.source`",
            )


def too_small_to_stratify(strata: Array, split: SplitSpec) -> tuple[int, int] | None:
    """(class, rows) of the smallest class that has fewer rows than there are parts, or None."""
    parts = 1 + (split.valid > 0) + (split.test > 0)
    counts = np.bincount(strata)
    counts[counts == 0] = np.iinfo(counts.dtype).max  # classes without rows need no share
    smallest = int(np.argmin(counts))
    return (smallest, int(counts[smallest])) if counts[smallest] < parts else None


def partition(inputs: Array, parts: Parts) -> tuple[Array, Array, Array]:
    """The rows of `inputs` (n, …) as (training, validation, test) arrays; `inputs` is used up.

    Training rows move to the front of `inputs`, of which the first result is a view. Rows only
    ever move towards the front, and in order, so none is overwritten before it has moved.
    """
    valid, test = inputs[parts.valid], inputs[parts.test]
    rows = parts.train
    if len(rows) == len(inputs):
        return inputs, valid, test
    if not inputs.flags.writeable:  # the source keeps it
        return inputs[rows], valid, test
    block = max(1, (1 << 20) // max(1, size_of(inputs.shape[1:])))
    for start in range(0, len(rows), block):
        chosen = rows[start : start + block]
        inputs[start : start + len(chosen)] = inputs[chosen]
    return inputs[: len(rows)], valid, test
