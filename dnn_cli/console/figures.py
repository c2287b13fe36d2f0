"""Numbers, times and sizes as a person reads them, each of a steady width."""

from __future__ import annotations

import math
import unicodedata


def rate(value: float) -> str:
    """A learning rate: two digits and an exponent."""
    return f"{value:.1e}"


def count(value: int) -> str:
    """A number of things, with thousands marked."""
    return f"{value:,}"


def share(value: float) -> str:
    """Precision, recall and their kin: four decimals, or a dash where they are undefined."""
    return f"{value:.4f}" if math.isfinite(value) else "-"


def duration(seconds: float) -> str:
    """A span of time in its two leading units: `12ms`, `1.8s`, `5m10s`, `3h05m`, `2d04h`."""
    if not math.isfinite(seconds):
        return "?"
    if seconds < 0.0995:
        return f"{seconds * 1e3:.0f}ms"
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"


def size(octets: int) -> str:
    """A number of bytes in decimal units, as disks and `ls --si` count them."""
    value = float(octets)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5:
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def cells(text: str) -> int:
    """The columns of a terminal that `text` takes: two for wide characters, none for marks."""
    if text.isascii():
        return len(text)
    return sum(_cells(c) for c in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, width: int) -> str:
    """`text`, shortened with an ellipsis to at most `width` columns."""
    if cells(text) <= width:
        return text
    kept, used = [], 0
    for character in text:
        used += _cells(character)
        if used > width - 1:
            break
        kept.append(character)
    return "".join(kept) + "…"


def pad(text: str, width: int, right: bool = False) -> str:
    """`text` filled with spaces to `width` columns, set right if asked."""
    space = " " * (width - cells(text))
    return space + text if right else text + space
