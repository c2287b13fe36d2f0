"""Text in other encodings, turned into UTF-8 as it is read.

Found      a byte order mark says UTF-8, UTF-16 or UTF-32; everything else is UTF-8, or what the
           training file was, unless it is named
Named      any text encoding that Python knows: latin-1, cp1252, utf-16-le, shift_jis, …
Cost       none for UTF-8, which passes through
"""

from __future__ import annotations

import codecs
from collections.abc import Callable

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text

Read = Callable[[int], bytes]

_MARKS = (  # the longer first: UTF-32 begins as UTF-16 does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8"),
)
_LONGEST = 4
UTF8 = "utf-8"


def encoding_named(name: str) -> str | None:
    """The encoding that `name` is a name of; None if there is none, or it is not one of text."""
    try:
        found = codecs.lookup(name)
        codecs.getincrementaldecoder(name)
        text = "a,1\n".encode(name).decode(name) == "a,1\n"
    except (LookupError, ValueError, TypeError):
        return None
    return found.name if text else None


def encoding_marked(head: bytes) -> str | None:
    """The encoding that a byte order mark at the beginning of `head` says, if there is one."""
    return next((name for mark, name in _MARKS if head.startswith(mark)), None)


def as_utf8(read: Read, encoding: str | None, origin: str, usual: str = UTF8) -> Read:
    """A function that reads UTF-8 from bytes in `encoding`.

    None: as a byte order mark says, and without one in the `usual` encoding.
    """
    head = b""
    while len(head) < _LONGEST and (more := read(_LONGEST - len(head))):
        head += more
    read = _after(head, read)
    if encoding is None:
        encoding = encoding_marked(head) or usual
    if encoding_named(encoding) == UTF8:
        encoding = UTF8
    return read if encoding == UTF8 else _decoded(read, encoding, origin)


def _after(head: bytes, read: Read) -> Read:
    """What `read` gives, with `head` before it."""
    rest = [head]

    def more(count: int) -> bytes:
        return rest.pop() + read(max(count - len(head), 1)) if rest else read(count)

    return more


def _decoded(read: Read, encoding: str, origin: str) -> Read:
    decoder = codecs.getincrementaldecoder(encoding)()
    done = 0

    def more(count: int) -> bytes:
        nonlocal done
        while True:
            block = read(count)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeError as error:
                raise _undecodable(error, done + len(block), encoding, origin) from None
            done += len(block)
            if text or not block:
                return text.encode(UTF8, "surrogatepass")

    return more


def _undecodable(error: UnicodeError, end: int, encoding: str, origin: str) -> DataError:
    place = ""
    if isinstance(error, UnicodeDecodeError):
        place = f": byte {end - len(error.object) + error.start:,}"
    return DataError(
        f"`{safe_text(origin)}` is not {encoding} text{place}",
        where=safe_text(origin),
        fix="name the encoding that it was saved in",
    )
