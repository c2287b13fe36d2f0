"""Bytes to text: only UTF-8 that every reader and editor shows as the same lines."""

from __future__ import annotations

import re
from pathlib import Path

from dnn_cli.base.text import safe_text
from dnn_cli.config.places import Place, Report, Source

MAX_BYTES = 256 * 1024

_BREAK = re.compile(r"\r\n|\r|\n")
# YAML's printable characters without U+0085, U+2028, U+2029 (line breaks to some readers and
# none to others) and U+FEFF (invisible).
REFUSED = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def source_of(data: bytes, name: str, directory: Path, order: int = 0) -> Source:
    """The source whose text is `data`, for messages."""
    readable = len(data) <= MAX_BYTES and not data.startswith(_UTF_16)
    lines = lines_of(data.decode("utf-8-sig", "replace")) if readable else ()
    return Source(name, lines, directory, order)


def decode(data: bytes, source: Source, report: Report) -> str | None:
    """`data` as text without its byte order mark; None after reporting why it is not text."""
    if len(data) > MAX_BYTES:
        limit = f"the limit is {MAX_BYTES // 1024} KiB"
        report.add(Place(source, 1, 1), "the configuration is too large", why=limit)
    elif data.startswith(_UTF_16):
        report.add(
            Place(source, 1, 1),
            "the file is UTF-16 (it begins with such a byte order mark)",
            fix="save it as UTF-8",
        )
    else:
        return _utf_8(data, source, report)
    return None


def _utf_8(data: bytes, source: Source, report: Report) -> str | None:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        good = data[: error.start].decode("utf-8-sig", "replace")
        line, column = position(good, len(good))
        report.add(
            Place(source, line, column),
            f"byte {error.start} (0x{data[error.start]:02x}) is not UTF-8",
            fix="save the file as UTF-8",
        )
        return None


def accepted(text: str, source: Source, report: Report, indent: int = 0) -> bool:
    """Whether `text` holds only characters that may stand in YAML; reports the first other.

    `indent` characters stand before it in the source's first line.
    """
    found = REFUSED.search(text)
    if found is None:
        return True
    line, column = position(text, found.start())
    report.add(
        Place(source, line, column + (indent if line == 1 else 0)),
        f"the character U+{ord(found[0]):04X} ({safe_text(found[0])}) is not allowed here",
        fix="remove it",
    )
    return False


def position(text: str, index: int) -> tuple[int, int]:
    """(line, column), from 1, of the character at `index`."""
    breaks = [one.end() for one in _BREAK.finditer(text, 0, index)]
    return len(breaks) + 1, index - (breaks[-1] if breaks else 0) + 1


def lines_of(text: str) -> list[str]:
    """The lines of `text` without their ends."""
    return _BREAK.split(text)
