"""Data sets known by name: three that come with the package, two from the user's cache.

digits         1,797 images 8x8, uint8 of 17 levels; labels 0-9               part: all
iris           150 rows, 4 features; target `species`, three names            part: all
wine           178 rows, 13 features; target `cultivar`, three names          part: all
mnist          60,000 + 10,000 images 28x28, uint8; labels 0-9                part: train, test, all
fashion_mnist  the same form; labels 0-9                                      part: train, test, all

Origin and licence of the first three: `data/builtin/ORIGIN.md`; of the others: `dnn data list`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, final

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.spec import option, require
from dnn_cli.data.cache import folder_of, is_fetched
from dnn_cli.data.catalogue import CACHED
from dnn_cli.data.readers.growing import GrowingArray
from dnn_cli.data.source import SOURCES, SourceSpec
from dnn_cli.data.sources.csv import CsvSpec
from dnn_cli.data.sources.idx import IdxSpec
from dnn_cli.data.table import Columns, Table

_SHIPPED = Path(__file__).parent.parent / "builtin"
_TARGETS = {"iris": "species", "wine": "cultivar"}
_BLOCK = 4096  # images copied at a time when two parts become one table


@final
@SOURCES.register("builtin")
@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltinSpec(SourceSpec):
    """A data set known by name."""

    name: Literal["digits", "iris", "wine", "mnist", "fashion_mnist"] = option("its name")
    part: Literal["train", "test", "all"] | None = option(
        "its official part; default: train for mnist and fashion_mnist, all for the others", None
    )

    def check(self) -> None:
        """Only the large sets have official parts."""
        require(
            self.name in CACHED or self.part in (None, "all"),
            f"`{self.name}` has no official {self.part} part",
            "part",
            fix="leave `part` out, and divide the rows with `data.split`",
        )

    @property
    def tabular(self) -> bool:
        """See `SourceSpec.tabular`."""
        return self.name in _TARGETS

    def tables(self, columns: Columns, rows: int | None = None) -> Iterator[Table]:
        """See `SourceSpec.tables`."""
        if self.name in _TARGETS:
            wanted = replace(columns, target=columns.target or (_TARGETS[self.name],))
            yield from CsvSpec(path=_SHIPPED / f"{self.name}.csv").tables(wanted, rows)
        elif self.name == "digits":
            images, labels = _SHIPPED / "digits-images.idx.gz", _SHIPPED / "digits-labels.idx.gz"
            yield from IdxSpec(images=images, labels=labels).tables(columns, rows)
        else:
            yield from self._cached(columns, rows)

    def _cached(self, columns: Columns, rows: int | None) -> Iterator[Table]:
        if not is_fetched(self.name):
            raise DataError(
                f"the data set `{self.name}` is not in the cache",
                where=str(folder_of(self.name)),
                fix=f"dnn data fetch {self.name}",
            )
        folder = folder_of(self.name)
        train, test = (
            IdxSpec(
                images=folder / f"{part}-images-idx3-ubyte",
                labels=folder / f"{part}-labels-idx1-ubyte",
            )
            for part in ("train", "t10k")
        )
        if self.part != "all":
            yield from (test if self.part == "test" else train).tables(columns, rows)
            return
        pieces = _one_after_other((train, test), columns, _BLOCK if rows is None else rows)
        if rows is None:
            yield _one_table(pieces)
        else:
            yield from pieces


def _one_after_other(sources: tuple[IdxSpec, ...], columns: Columns, rows: int) -> Iterator[Table]:
    before = 0
    for source in sources:
        done = before
        for table in source.tables(columns, rows):
            yield replace(table, first_row=done)
            done += table.rows
        before = done


def _one_table(pieces: Iterator[Table]) -> Table:
    first = next(pieces)
    expected = 70_000
    images = GrowingArray(first.inputs.shape[1:], first.inputs.dtype, expected, first.origin)
    labels = []
    for table in (first, *pieces):
        images.append(table.inputs)
        labels.append(table.targets)
    found = [y for y in labels if y is not None]
    return replace(first, inputs=images.finish(), targets=np.concatenate(found))
