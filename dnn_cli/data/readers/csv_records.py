"""Whole records of a CSV stream, about a mebibyte at a time.

A line break ends a record unless it is quoted, that is, unless an odd number of quotes precede it.
Line breaks are LF, CR LF or CR.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.data.readers.byte_stream import BLOCK

MAX_RECORD = 1 << 24  # bytes of one record: more is a quote that was never closed


@dataclass(frozen=True, slots=True)
class Records:
    """Some whole records: `line` is the number of their first line, counted from 1."""

    raw: bytes
    data: bytes  # the same with LF as line break, and one at the end
    line: int
    offset: int  # position of their first byte in the file

    @property
    def ended(self) -> bool:
        """Whether a line break ends the last of them; only the last of a file may lack it."""
        return self.raw.endswith((b"\n", b"\r"))

    @classmethod
    def of(cls, raw: bytes, line: int, offset: int) -> Records:
        """The records in `raw`."""
        data = raw
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return cls(raw, data if data.endswith(b"\n") else data + b"\n", line, offset)

    @property
    def next_line(self) -> int:
        """The number of the line after them."""
        return self.line + self.data.count(b"\n")

    def text(self, origin: str, delimiter: str = "") -> str:
        """The records as text.

        Raises:
            DataError: not UTF-8, or a NUL; names the byte, and its cell where cells are known.
        """
        try:
            text = self.data.decode("utf-8")
        except UnicodeDecodeError:
            raise self._undecodable(origin, delimiter.encode()) from None
        if "\0" in text:
            line = self.line + text.count("\n", 0, text.index("\0"))
            raise DataError("a NUL character", where=f"{safe_text(origin)}:{line}", fix="remove it")
        return text

    def _undecodable(self, origin: str, delimiter: bytes) -> DataError:
        try:
            self.raw.decode("utf-8")
            position = 0
        except UnicodeDecodeError as error:
            position = error.start
        before = self.raw[:position].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        line = self.line + before.count(b"\n")
        row = before[before.rfind(b"\n") + 1 :].split(b'"')[::2]  # outside quotes
        cell = f":{1 + sum(part.count(delimiter) for part in row)}" if delimiter else ""
        return DataError(
            f"`{safe_text(origin)}` is not UTF-8 text: byte {self.offset + position:,} is "
            f"0x{self.raw[position]:02x}",
            where=f"{safe_text(origin)}:{line}{cell}",
            fix="save the file as UTF-8, or name its encoding (`encoding` of the source, "
            "or --encoding): cp1252 on Windows, latin-1, …",
        )


def records(read: Callable[[int], bytes], origin: str) -> Iterator[Records]:
    """Cut what `read` gives (some bytes, or none at the end) into whole records.

    A byte order mark at the beginning is left out.

    Raises:
        DataError: a record is longer than any record should be.
    """
    pending, line, offset = b"", 1, 0
    first = True
    while block := read(max(BLOCK, len(pending))):
        pending += block
        if first:
            if len(pending) < 3 and b"\xef\xbb\xbf".startswith(pending):
                continue  # perhaps a byte order mark, of which a pipe gave the first bytes
            first = False
            if pending.startswith(b"\xef\xbb\xbf"):
                pending, offset = pending[3:], 3
        cut = _cut(pending)
        if cut:
            whole = Records.of(pending[:cut], line, offset)
            yield whole
            line, offset, pending = whole.next_line, offset + cut, pending[cut:]
        elif len(pending) > MAX_RECORD:
            raise DataError(
                f"the row has more than {MAX_RECORD:,} bytes",
                where=f"{safe_text(origin)}:{line}",
                why="a quote was opened and never closed, or this is no CSV file",
            )
    if pending:
        yield Records.of(pending, line, offset)


def _cut(pending: bytes) -> int:
    """The end of the last whole record in `pending`, 0 if there is none."""
    end = b"\n"
    cut = pending.rfind(b"\n") + 1
    if not cut:  # a CR that ends the block may be half of a CR LF
        end = b"\r"
        cut = pending.rfind(b"\r", 0, len(pending) - 1) + 1
    if b'"' not in pending:
        return cut
    quotes = pending.count(b'"', 0, cut)
    while cut and quotes % 2:
        last_quote = pending.rfind(b'"', 0, cut)
        earlier = pending.rfind(end, 0, last_quote) + 1
        quotes -= pending.count(b'"', earlier, cut)
        cut = earlier
    return cut


def first_record(found: Records) -> tuple[Records, Records | None]:
    """The first record, and the others if there are some."""
    raw, end = found.raw, 0
    while True:
        breaks = [i for i in (raw.find(b"\n", end), raw.find(b"\r", end)) if i >= 0]
        if not breaks:
            return found, None
        end = min(breaks) + 1
        if raw.count(b'"', 0, end) % 2 == 0:
            break
    if raw[end - 1 : end + 1] == b"\r\n":
        end += 1
    head = Records.of(raw[:end], found.line, found.offset)
    if end == len(raw):
        return head, None
    return head, Records.of(raw[end:], head.next_line, found.offset + end)
