"""Text: sentences, of which nearly every row has its own. Left out, or a bag of its words.

Formula    with `hash: N`: each word w of a cell adds ±1 to number h(w) mod N, the sign from another
           bit of h; the cell's N numbers are divided by their Euclidean norm
Words      runs of letters, digits and `_`, in lower case
Why        a hash needs no dictionary, and a new word has a place as the others have
Source     Weinberger et al., "Feature hashing for large scale multitask learning", ICML 2009; h is
           the first 8 bytes of BLAKE2b
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, ClassVar, final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array
from dnn_cli.data import stored as checks
from dnn_cli.data.column import COLUMNS, Column, ColumnSpec, Fitting, Surprises
from dnn_cli.data.place import Place
from dnn_cli.data.raw_columns import RawColumn, words_of

_WORD = re.compile(r"\w+")
_MOST = 1 << 20  # numbers that a cell may become


@final
class TextColumn(Column):
    """A bag of words in `count` numbers."""

    kind = "text"
    type = "word"

    def __init__(self, name: str, count: int) -> None:
        super().__init__(name)
        self.count = count

    @property
    def outputs(self) -> tuple[str, ...]:
        """A name for each number."""
        return tuple(f"{self.name} {i}" for i in range(self.count))

    def encode(self, raw: RawColumn, numbers: Array, codes: Array, place: Place) -> Surprises:
        """Write the bags."""
        words = words_of(raw)
        bags = np.zeros((len(words.levels) + 1, self.count), np.float32)
        for bag, level in zip(bags, words.levels, strict=False):
            for word in _WORD.findall(level.lower()):
                number = int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little")
                bag[(number >> 1) % self.count] += 1.0 if number & 1 else -1.0
        norms = np.sqrt(np.square(bags).sum(axis=1, keepdims=True))
        np.divide(bags, norms, out=bags, where=norms > 0)
        np.take(bags, words.codes, axis=0, out=numbers, mode="wrap")
        return Surprises()

    def describe(self) -> str:
        """How many numbers it becomes."""
        return f"words, hashed into {self.count} numbers"

    def to_json(self) -> dict[str, Any]:
        """The number of numbers."""
        return {"hash": self.count}

    @classmethod
    def from_json(cls, name: str, stored: Mapping[str, Any], arrays: Mapping[str, Array]) -> Column:
        """See `Column.from_json`."""
        checks.require_fields(stored, "columns", {"hash"})
        count = stored["hash"]
        if not checks.is_whole(count) or not 1 <= count <= _MOST:
            checks.damaged("columns.hash", "is no number of numbers")
        return cls(name, count)


@COLUMNS.register("text")
@dataclass(frozen=True, slots=True, kw_only=True)
class TextSpec(ColumnSpec):
    """Sentences: left out, or hashed into a bag of words."""

    column: ClassVar[type[Column] | None] = TextColumn
    plural: ClassVar[str] = "texts"
    hash: int = option(
        "numbers that the words are hashed into; 0: leave it out", 0, minimum=0, maximum=_MOST
    )

    def fit(self, name: str, raw: RawColumn, fitting: Fitting) -> Column | None:
        """Nothing is learned."""
        return TextColumn(name, self.hash) if self.hash else None
