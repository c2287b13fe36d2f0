"""What a CSV file is, found out from it: its encoding, its separator, whether it has a header.

Encoding   UTF-8, what a byte order mark says, or, where the bytes are no UTF-8, cp1252: the usual
           one of Windows, in which all but five bytes mean something; else latin-1
Header     there is none where every cell of the first row is a number
"""

from __future__ import annotations

import codecs
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from dnn_cli.data.readers.bytes_in import is_gzip, open_regular, unpacked
from dnn_cli.data.readers.csv_header import separator_of
from dnn_cli.data.readers.numerals import is_number
from dnn_cli.data.readers.text_encoding import as_utf8

_LOOKED_AT = 1 << 24  # bytes: a word that tells the encoding may come late


def examine(path: Path) -> dict[str, Any]:
    """The options of the source that reads the file at `path`, where they are not as usual.

    Raises:
        DataError: it cannot be read.
    """
    head = _head(path)
    found: dict[str, Any] = {}
    encoding = _encoding_of(head)
    if encoding:
        found["encoding"] = encoding
    parts = [head]
    read = as_utf8(lambda _: parts.pop() if parts else b"", encoding, str(path))
    text = read(1 << 20).decode("utf-8", "replace").removeprefix("\ufeff")
    line = text.splitlines()[0] if text.splitlines() else ""
    separator = separator_of(line)
    if separator != ",":
        found["delimiter"] = separator
    cells = [cell.strip(' \t"') for cell in line.split(separator)]
    numbers = (cell.replace(",", ".") if separator != "," else cell for cell in cells)
    if all(is_number(cell) for cell in numbers):
        found["header"] = False
    return found


def _head(path: Path) -> bytes:
    with ExitStack() as files:
        file = files.enter_context(open_regular(path))
        read = unpacked(file, str(path)) if is_gzip(file) else file.read
        pieces, left = [], _LOOKED_AT
        while left > 0 and (piece := read(min(left, 1 << 20))):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)


def _encoding_of(head: bytes) -> str | None:
    """The encoding to name; None where it needs no name."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return None  # its mark says it
    whole = len(head) < _LOOKED_AT
    for encoding in ("utf-8", "cp1252"):
        try:
            codecs.getincrementaldecoder(encoding)().decode(head, final=whole)
        except UnicodeDecodeError:
            continue
        return None if encoding == "utf-8" else encoding
    return "latin-1"
