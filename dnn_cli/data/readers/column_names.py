"""Names of columns that look the same: é is one code point, or an e and an accent."""

from __future__ import annotations

import unicodedata


def composed(name: str) -> str:
    """The name with every character composed where it can be: Unicode's form NFC."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)
