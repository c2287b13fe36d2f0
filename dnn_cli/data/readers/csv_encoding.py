"""Which encoding a text file is in that does not say so: UTF-8, Windows' Western one, or none.

UTF-8      all of it is. Where more characters beyond ASCII are UTF-8 than bytes are not, the file
           is damaged UTF-8, and refused
cp1252     at least three in four of its bytes beyond ASCII are what Western words have, at most two
           in a row: letters within a word of ASCII letters, capitals only before others, or a word
           of one letter; or signs such as quotes, dashes, €, °, and not inside a word
Neither    Cyrillic, Greek, Japanese, Chinese, Polish, old DOS and Macintosh files: refused, with
           what the first such cell would be in some encodings, since nothing in the bytes tells
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.data.readers.text_encoding import UTF8, encoding_marked

WESTERN = "cp1252"
OTHERS = (
    *("cp1251", "koi8-r", "cp1250", "cp1253", "shift_jis", "gb18030", "big5", "euc_kr"),
    *("cp850", "mac_roman", "cp1254", "cp1255", "cp1256", "cp874"),
)
_SHOWN = 10  # encodings that a message shows a cell in
_STRANGE = 0.25  # share of the bytes beyond ASCII
_LETTERS = "\u0160\u0152\u017d\u0161\u0153\u017e\u0178\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff"
_CAPITALS = "\u0160\u0152\u017d\u0178\u00c0-\u00d6\u00d8-\u00de"
_WITHIN = "\u2018\u2019\u2013\u2014\u00ad\u00b7\u00a0"  # may stand inside a word
_AROUND = (
    "\u20ac\u201a\u201e\u2026\u2030\u2039\u203a\u201c\u201d\u2022\u2122\u00a1\u00a2\u00a3\u00a5"
    "\u00a7\u00a9\u00aa\u00ab\u00ae\u00b0\u00b1\u00b2\u00b3\u00b4\u00b5\u00ba\u00bb\u00bc\u00bd"
    "\u00be\u00bf\u00d7\u00f7"
)
_ALL = f"A-Za-z{_LETTERS}"
_USUAL = re.compile(
    f"(?<![{_LETTERS}])(?<=[A-Za-z])[{_LETTERS}]{{1,2}}(?![{_LETTERS}])"
    f"|(?<![{_LETTERS}])[{_LETTERS}]{{1,2}}(?=[A-Za-z])"
    f"|(?<= )[{_LETTERS}](?= )"
    f"|[{_WITHIN}]|(?<![{_ALL}{_AROUND}])[{_AROUND}]{{1,2}}(?![{_AROUND}])"
    f"|(?<![{_AROUND}])[{_AROUND}]{{1,2}}(?![{_ALL}{_AROUND}])"
)
_RAISED = re.compile(f"(?<=[a-z])[{_CAPITALS}]")
_BEYOND, _ESCAPED = re.compile("[^\\x00-\\x7f]"), re.compile("[\udc80-\udcff]")
_LONG = re.compile("[^\\x00-\\x7f]{3,}")  # no Western word has so many in a row
_ENDS = bytes.maketrans(b"\r\n", b",,")  # the end of a line is one of a cell
_LOOKED_AT = 1 << 18  # bytes beyond ASCII, and those beside them


@dataclass(frozen=True, slots=True)
class FoundEncoding:
    """The encoding to name, None where it needs no name; why it is no other, for a note."""

    name: str | None = None
    why: str = ""


def find_encoding(head: bytes, whole: bool, origin: str, delimiter: str) -> FoundEncoding:
    """The encoding of a file by its `head`, which is perhaps the `whole`.

    Raises:
        DataError: neither UTF-8 nor Western: names the first byte and its cell.
    """
    if encoding_marked(head) is not None or b"\0" in head:
        return FoundEncoding()  # a NUL is no character of text: said where the file is read
    try:
        codecs.getincrementaldecoder(UTF8)().decode(head, final=whole)
    except UnicodeDecodeError as error:
        first = error.start
    else:
        return FoundEncoding()
    line, column, cell = _cell_at(head, first, delimiter)
    what = f"is not UTF-8 text: byte {first:,} is 0x{head[first]:02x}"
    where = f"{safe_text(origin)}:{line}:{column}"
    good, bad = _utf8_counts(head)
    if good > bad:
        raise DataError(
            f"`{safe_text(origin)}` {what}",
            where=where,
            why=f"the file is UTF-8 but for {bad:,} byte{'s' * (bad > 1)}: {good:,} other "
            "characters beyond ASCII are",
            fix=f"correct the cell, or, if all of the file is in another encoding, name it: "
            f"--encoding {WESTERN}",
        )
    if _western(head):
        shown = safe_text(cell.decode(WESTERN), 30)
        return FoundEncoding(WESTERN, f"it {what} (line {line}, cell {column}: `{shown}`)")
    readings = _readings(head, cell)
    raise DataError(
        f"`{safe_text(origin)}` {what}",
        where=where,
        why="its letters are not those of Western Europe either (cp1252)"
        + (f"; the cell is {', '.join(f'`{s}` in {n}' for n, s in readings)}" if readings else ""),
        fix="name the encoding that the file was saved in, for instance "
        f"--encoding {readings[0][0] if readings else 'cp1251'}, or save it as UTF-8",
    )


def _western(head: bytes) -> bool:
    """Whether the bytes beyond ASCII look like those of Western words in cp1252."""
    codes = np.frombuffer(head, np.uint8)
    high = codes >= 0x80
    kept = high.copy()  # with what stands beside them
    kept[1:] |= high[:-1]
    kept[:-1] |= high[1:]
    parts = np.where(kept, codes, ord(" ")).tobytes().translate(_ENDS)
    parts = b" ".join(parts.split())
    try:
        text = parts[:_LOOKED_AT].decode(WESTERN)
    except UnicodeDecodeError:
        return False
    beyond = len(_BEYOND.findall(text))
    text = _LONG.sub(lambda found: "\uffff" * len(found[0]), text)
    usual = sum(len(_BEYOND.findall(found[0])) for found in _USUAL.finditer(text))
    return usual - len(_RAISED.findall(text)) >= (1 - _STRANGE) * beyond


def _utf8_counts(head: bytes) -> tuple[int, int]:
    """(characters beyond ASCII, bytes that are of none)."""
    good = len(_BEYOND.findall(head.decode(UTF8, "ignore")))
    return good, len(_ESCAPED.findall(head.decode(UTF8, "surrogateescape")))


def _cell_at(head: bytes, position: int, delimiter: str) -> tuple[int, int, bytes]:
    """(line, cell, both from 1, and the bytes of the cell) of a byte; quotes are respected."""
    start = max(head.rfind(b"\n", 0, position), head.rfind(b"\r", 0, position)) + 1
    before = head[:start].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    row, place = head[start:position], position - start
    while (place := row.rfind(separator := delimiter.encode(), 0, place)) >= 0:
        if row.count(b'"', 0, place) % 2 == 0:
            break
    column = 1 + sum(part.count(separator) for part in row.split(b'"')[::2])
    ends = [i for end in (b"\n", b"\r", separator) if (i := head.find(end, position)) >= 0]
    cell = head[start + place + 1 : min([*ends, len(head)])]
    return before.count(b"\n") + 1, column, cell.strip(b' \t"')


def _readings(head: bytes, cell: bytes) -> list[tuple[str, str]]:
    """Encodings in which all of the `head` is text, and the `cell` a word of one script.

    Those first in which capitals are where words have them.
    """
    found = []
    for name in OTHERS:
        try:
            codecs.getincrementaldecoder(name)().decode(head)
            text = cell.decode(name)
        except UnicodeError:
            continue
        if len({_script(c) for c in text if not c.isascii() or c.isalpha()}) == 1:
            found.append((name, safe_text(text, 20)))
    return sorted(found, key=lambda one: not _natural(one[1]))[:_SHOWN]


def _script(character: str) -> str:
    if unicodedata.category(character)[0] != "L":
        return character  # no script has it
    script = unicodedata.name(character, "?").split()[0].split("-")[0]
    return "CJK" if script in ("HIRAGANA", "KATAKANA") else script


def _natural(text: str) -> bool:
    return all(word in (word.lower(), word.upper(), word.capitalize()) for word in text.split())
