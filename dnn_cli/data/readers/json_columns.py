"""The columns of JSON lines: which there are, and the cells of those that are wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

import numpy as np

from dnn_cli.base.text import safe_text
from dnn_cli.data.readers.json_lines import JsonLines, Lines
from dnn_cli.data.readers.named_cells import Piece, TextCells, text_cells

_WORDS = {None: "", True: "true", False: "false"}


class JsonColumns:
    """Cells of some keys, line by line; a key that a line lacks is a gap.

    `seen` are the keys of the lines that were read, in the order in which they first appeared.
    """

    def __init__(
        self, lines: JsonLines, wanted: Sequence[str], verbatim: Sequence[str], of_model: bool
    ) -> None:
        self._lines, self._wanted, self._verbatim = lines, wanted, verbatim
        self._of_model = of_model
        self.seen: dict[str, None] = {}

    def pieces(self, found: Iterable[Lines]) -> Iterator[Piece]:
        """The cells of some rows at a time.

        Raises:
            DataError: a value that no cell of a table can be.
        """
        for lines in found:
            see(self.seen, lines)
            cells = [self._cells(name, lines) for name in self._wanted]
            verbatim = [self._texts(name, lines) for name in self._verbatim]
            yield Piece(cells, verbatim, np.array(lines.numbers, np.int64))

    def _cells(self, name: str, lines: Lines) -> TextCells:
        texts = self._texts(name, lines)
        found = text_cells(texts)
        if found.codes.size and not found.codes.all():
            row = next(i for i, text in enumerate(texts) if "\0" in text)
            what = f"a NUL character in `{safe_text(name)}`"
            raise self._lines.error(what, lines.numbers[row], fix="remove it")
        return found

    def _texts(self, name: str, lines: Lines) -> list[str]:
        found = [row.get(name) for row in lines.rows]
        if set(map(type, found)) != {str}:
            found = [
                one if type(one) is str else self._text(one, name, i, lines)
                for i, one in enumerate(found)
            ]
        texts = cast(list[str], found)
        try:
            "".join(texts).encode()
        except UnicodeEncodeError:
            row = next(i for i, text in enumerate(texts) if _is_half(text))
            what = f"half of a surrogate pair in `{safe_text(name)}`, which is no text"
            raise self._lines.error(what, lines.numbers[row]) from None
        return texts

    def _text(self, value: Any, name: str, row: int, lines: Lines) -> str:
        if isinstance(value, tuple | list):
            out = f", or exclude the column: `exclude: [{safe_text(name)}]`"
            said = "" if self._of_model else out
            raise self._lines.nested(value, name, lines.numbers[row], said)
        return _WORDS[value]


def see(seen: dict[str, None], lines: Lines) -> None:
    """Add the keys of some lines to those that were `seen`."""
    known: tuple[str, ...] | None = None
    for row in lines.rows:
        keys = tuple(row)
        if keys != known:  # most rows have the keys of the one before
            seen.update(dict.fromkeys(keys))
            known = keys


def _is_half(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
