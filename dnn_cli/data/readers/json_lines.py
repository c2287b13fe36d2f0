"""Lines of JSON, about a mebibyte at a time: one object a line, its values as they are written.

Values     numbers by their digits, so that nothing is lost; text; true and false as these words;
           null as nothing. Objects and lists are kept as `NESTED`, to be refused where wanted
Refused    a key that a line has twice; NaN and Infinity, which are no JSON; what is no object; text
           that is no UTF-8, or holds a NUL or half of a surrogate pair
Lines      end in LF or CR LF; empty ones are left out
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.data.readers.byte_stream import BLOCK
from dnn_cli.data.readers.bytes_in import looks_like

MAX_LINE = 1 << 24  # bytes
_MARK = b"\xef\xbb\xbf"
_SHOWN = 40  # characters
Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Lines:
    """Some rows and where they are: `numbers` are those of their lines, counted from 1."""

    rows: list[Row]
    numbers: list[int]
    size: int  # bytes


class JsonLines:
    """Reads the lines of one file, whose bytes `read` gives, some at a time, none at the end."""

    def __init__(self, read: Callable[[int], bytes], origin: str) -> None:
        self._read, self._origin = read, origin
        # an object becomes a tuple of pairs, so that it is told from a list, and no key is lost
        self._decode = json.JSONDecoder(
            object_pairs_hook=tuple, parse_int=str, parse_float=str, parse_constant=_no_constant
        ).decode

    def __iter__(self) -> Iterator[Lines]:
        """All rows, block by block.

        Raises:
            DataError: a line is no JSON object, or is refused; says where.
        """
        for block, first, whole in self._blocks():
            rows, numbers = list[Row](), list[int]()
            for number, line in enumerate(block.split(b"\n"), first):
                if line and not line.isspace():
                    rows.append(self._row(line, number, whole))
                    numbers.append(number)
            yield Lines(rows, numbers, len(block))

    def _blocks(self) -> Iterator[tuple[bytes, int, bool]]:
        """(whole lines, the number of the first of them, whether a line break ends the last)."""
        pending, line, first = b"", 1, True
        while block := self._read(max(BLOCK, len(pending))):
            pending += block
            if first:
                if len(pending) < len(_MARK) and _MARK.startswith(pending):
                    continue  # perhaps a byte order mark, of which a pipe gave the first bytes
                pending, first = pending.removeprefix(_MARK), False
            cut = pending.rfind(b"\n") + 1
            if cut:
                yield pending[: cut - 1], line, True
                line += pending.count(b"\n", 0, cut)
                pending = pending[cut:]
            if len(pending) > MAX_LINE:
                raise self.error(
                    f"the line has more than {MAX_LINE:,} bytes",
                    line,
                    why="it is no row of a table",
                )
        if pending:
            yield pending, line, False

    def _row(self, line: bytes, number: int, ended: bool) -> Row:
        try:
            text = line.decode()
            pairs = self._decode(text)
        except UnicodeDecodeError as error:
            raise self._undecodable(line, number, error) from None
        except json.JSONDecodeError as error:
            raise self._no_json(line.decode(), number, error, ended) from None
        except RecursionError:
            raise self.error("values in values beyond any table", number) from None
        except _NoConstantError as error:
            raise self._no_number(str(error), text, number) from None
        if type(pairs) is not tuple:
            raise self._no_object(pairs, number)
        row = dict(pairs)
        if len(row) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for place, name in enumerate(names) if name in names[:place])
            raise self.error(f"the key `{safe_text(twice)}` is there twice", number)
        return row

    # ---- errors -------------------------------------------------------------------------------

    def error(
        self, what: str, line: int, column: int = 0, *, why: str = "", fix: str = ""
    ) -> DataError:
        """An error in a line, and perhaps at a character of it, counted from 1."""
        where = f"{safe_text(self._origin)}:{line}" + (f":{column}" if column else "")
        return DataError(what, where=where, why=why, fix=fix)

    def _undecodable(self, line: bytes, number: int, error: UnicodeDecodeError) -> DataError:
        kind = looks_like(line[:64])
        if number == 1 and kind not in ("text", "binary data of an unknown kind"):
            shown = safe_text(self._origin)
            return DataError(f"`{shown}` is no file of JSON lines: it is {kind}", where=shown)
        return self.error(
            f"not UTF-8 text: byte {error.start + 1:,} of the line is 0x{line[error.start]:02x}",
            number,
            fix="save the file as UTF-8, as JSON has to be",
        )

    def _no_json(
        self, text: str, number: int, error: json.JSONDecodeError, ended: bool
    ) -> DataError:
        start = text.lstrip()
        if number == 1 and start[:1] == "[":
            return self._array(number)
        if number == 1 and start.strip() == "{":
            return self.error(
                "an object goes on after its line",
                number,
                fix="write each object on one line: `jq -c . FILE` does so",
            )
        why = "" if ended else "the file was cut short, or ends in a line that is no row"
        what = f"no JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        fix = "restore the file, or remove its last line" if why else ""
        return self.error(what, number, error.pos + 1, why=why, fix=fix)

    def _no_number(self, word: str, text: str, number: int) -> DataError:
        return self.error(
            f"`{word}` is no JSON",
            number,
            text.find(word) + 1,
            why="a number is finite",
            fix="write null for a gap",
        )

    def _no_object(self, value: object, number: int) -> DataError:
        if isinstance(value, list) and number == 1:
            return self._array(number)
        return self.error(
            f"a line holds one object, and here is {_described(value)}",
            number,
            fix='write it as {"column": value, …}',
        )

    def _array(self, number: int) -> DataError:
        return self.error(
            "this is a list of JSON, not one object a line",
            number,
            fix="`jq -c '.[]' FILE` writes its objects as lines",
        )

    def nested(self, value: object, key: str, line: int, excluded: str) -> DataError:
        """A value that is an object or a list in a column that is wanted."""
        return self.error(
            f"the value of `{safe_text(key)}` is {_described(value)}",
            line,
            why="a cell of a table is a number, a text, true, false or null",
            fix=f"write what is in it as columns of their own{excluded}",
        )


class _NoConstantError(Exception):
    """NaN or Infinity, where JSON has no such words."""


def _no_constant(word: str) -> NoReturn:
    raise _NoConstantError(word)


def _described(value: object) -> str:
    if isinstance(value, tuple):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return f"`{safe_text(value, _SHOWN)}`"
