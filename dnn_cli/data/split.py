"""Dividing the rows of one source into training, validation and test parts.

Counts     the part sizes are n·share rounded by largest remainder (ties: training, then
           validation), so that they add up to n. A stratified division takes the test rows
           evenly from the rows sorted by class, then the validation rows evenly from what is
           left: sizes stay exact, and each class has its share of the test part within one row
           and of the validation part within two (within one where there is no test part).
Rare       classes with fewer rows than there are parts go to the training part as they are, and
           the others are divided as above: one mistyped label spoils nothing
Order      the rows of a part keep the order of the source
Memory     the training part is compacted in place: at no time is there more than one copy of
           the rows plus the validation and test rows
Errors     a part that would be empty; an unknown part name
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.random import Purpose, stream
from dnn_cli.base.text import listing, nearest, safe_text
from dnn_cli.base.types import Array, size_of
from dnn_cli.data.place import Place, positions
from dnn_cli.data.readers.room import HEAP, Room
from dnn_cli.data.spec import AUTO_ROWS, AUTO_SHARE, DataSpec, SplitSpec

_WORDS = {
    "train": ("train", "training", "fit"),
    "valid": ("valid", "val", "validation", "dev"),
    "test": ("test", "testing", "holdout"),
}
_SHOWN = 10  # names that one message lists
_PART_OF = {word: part for part, words in _WORDS.items() for word in words}


@dataclass(frozen=True, slots=True)
class Parts:
    """The rows of each part, ascending: intp arrays, together all rows, or those a fold uses."""

    train: Array
    valid: Array
    test: Array

    @property
    def pool(self) -> Array:
        """Those of training and validation, ascending."""
        return np.sort(np.concatenate([self.train, self.valid]))


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


def left_to_divide(spec: DataSpec, rows: int, parts: Parts | None) -> SplitSpec | None:
    """The division by shares that is still to be made, with no `auto` in it; None: there is none.

    `parts` are those that a column names or the source brings: of these `split.valid: auto`
    divides the training rows, where no validation rows are among them or beside them.
    """
    split = spec.split
    if split is None or split.valid != "auto":
        return split if parts is None else None
    there = spec.valid is not None or (parts is not None and len(parts.valid) > 0)
    few = (rows if parts is None else len(parts.train)) < AUTO_ROWS
    valid, test = 0.0 if there or few else AUTO_SHARE, 0.0 if parts is not None else split.test
    return replace(split, valid=valid, test=test, column=None) if valid or test else None


def within_training(parts: Parts, found: Parts) -> Parts:
    """`parts`, whose training rows are divided as `found` says: positions among them."""
    return Parts(parts.train[found.train], parts.train[found.valid], parts.test)


def split_by_share(
    rows: int,
    split: SplitSpec,
    strata: Array | None,
    where: str = "",
    rare: Collection[int] = (),
) -> Parts:
    """Divide `rows` rows by shares; with `strata` (class numbers) evenly within each class.

    The classes `rare` are not divided: their rows are training rows.

    Raises:
        DataError: a part that was asked for would have no row; `where` is the source.
    """
    _, valid, test = part_sizes(rows, *split.shares, where)
    order = stream(split.seed, Purpose.SPLIT).permutation(rows)
    aside = order[:0]
    if strata is not None:
        order = order[np.argsort(strata[order], kind="stable")]
        undivided = np.isin(strata[order], list(rare))
        order, aside = order[~undivided], order[undivided]
    chosen, rest = _evenly(order, test)
    kept, train = _evenly(rest, valid)
    return Parts(np.sort(np.concatenate([train, aside])), np.sort(kept), np.sort(chosen))


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
    names, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    words = [name.strip().lower() for name in names.tolist()]
    unknown = np.array([word not in _PART_OF for word in words])
    if unknown.any():
        shown = counted(zip(names[unknown].tolist(), counts[unknown].tolist(), strict=True))
        raise DataError(
            f"column `{safe_text(column)}` names parts that do not exist: {shown}",
            where=place.where(positions(unknown[inverse])),
            why="a part is " + "; or ".join(", ".join(words) for words in _WORDS.values()),
            fix=f"{_meant(names[unknown].tolist())}correct these cells; capitals and blanks around "
            "a word do not matter",
        )
    parts = np.array([_PART_OF[word] for word in words])[inverse]
    found = Parts(*(np.flatnonzero(parts == name) for name in ("train", "valid", "test")))
    if not len(found.train):
        raise DataError(
            f"column `{safe_text(column)}` leaves no training rows",
            where=safe_text(place.origin),
            fix="mark the training rows by `train`",
        )
    return found


def without_targets(values: Array, missing: Array, place: Place) -> str:
    """Of which parts the rows are whose target is `missing`, for a note: ` (2 train, 90 test)`.

    Raises:
        DataError: all training rows are among them.
    """
    parts = np.array([_PART_OF.get(name.strip().lower(), "") for name in values.tolist()])
    counts = {name: int((parts[missing] == name).sum()) for name in ("train", "valid", "test")}
    whole = [name for name, n in counts.items() if n and n == (parts == name).sum()]
    if "train" in whole:
        raise DataError(
            f"the target is missing in all {counts['train']:,} training rows",
            where=safe_text(place.origin),
            fix="check which column is the target, and which marks the parts",
        )
    said = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    gone = f": no {' or '.join(whole)} rows are left" if whole else ""
    return f" ({said}{gone})" if said else ""


def _meant(wrong: Collection[str]) -> str:
    """The names of parts that were probably meant: as a question."""
    close = {name: nearest(name.strip(), _PART_OF) for name in wrong}
    found = [f"`{safe_text(a)}` may mean `{b}`" for a, b in close.items() if b is not None]
    return f"{', '.join(found[:_SHOWN])}; " if found else ""


def names_parts(words: Collection[str]) -> bool:
    """Whether `words` are names of parts, training and another among them."""
    parts = {_PART_OF.get(word.strip().lower(), "") for word in words}
    return "" not in parts and "train" in parts and len(parts) > 1


def check_given_once(parts: Array, spec: DataSpec, place: Place) -> None:
    """Refuse a section that names a part which the source brings too, as one of `parts`.

    Raises:
        DataError: says which.
    """
    there, where = set(parts.tolist()), safe_text(place.origin)
    if spec.split is not None and spec.split.asks:
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


def rare_classes(strata: Array, split: SplitSpec) -> dict[int, int]:
    """The classes with fewer rows than there are parts, and how many each has: {class: rows}."""
    parts = 1 + sum(share > 0 for share in split.shares)
    counts = np.bincount(strata)
    rare = np.flatnonzero((counts > 0) & (counts < parts))
    return dict(zip(rare.tolist(), counts[rare].tolist(), strict=True))


def leaves_room(rare: Mapping[int, int], rows: int, split: SplitSpec) -> bool:
    """Whether the `rare` classes fill no more than half of the training part.

    If they did, the other parts would hold the other classes alone, and measure something else.
    """
    return 2 * sum(rare.values()) <= rows * (1 - sum(split.shares))


def counted(rows_of: Iterable[tuple[str, int]]) -> str:
    """`comon` (1 row), `raer` (2 rows): names and their rows, cut with a count of the rest."""
    each = [f"`{safe_text(name)}` ({n} row{'s' * (n != 1)})" for name, n in rows_of]
    more = f" and {len(each) - _SHOWN} more" if len(each) > _SHOWN else ""
    return ", ".join(each[:_SHOWN]) + more


def partition(inputs: Array, parts: Parts, room: Room = HEAP) -> tuple[Array, Array, Array]:
    """The rows of `inputs` (n, …) as (training, validation, test) arrays; `inputs` is used up.

    Training rows move to the front of `inputs`, of which the first result is a view. Rows only
    ever move towards the front, and in order, so none is overwritten before it has moved.
    """
    valid, test = room.taken(inputs, parts.valid), room.taken(inputs, parts.test)
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
