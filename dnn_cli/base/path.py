"""Paths as people write them: `~` is a home, and an address is no path."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote

from dnn_cli.base.spec import SpecError
from dnn_cli.base.text import safe_text

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")  # two letters and more: not a drive `C:`


def local_path(text: str) -> Path:
    """The path that `text` names, with `~` and `~user` as the home they stand for.

    Where there is no such user the text stays as it is, as in a shell; `./~x` is never a home.

    Raises:
        SpecError: it is an address (`https://…`, `s3://…`, `file://…`).
    """
    if found := _ADDRESS.match(text):
        fix = "addresses are not read: download the file first, and give the path of the copy"
        if found[1].lower() == "file":
            fix = f"give the path alone: {safe_text(unquote(text[found.end() :]))}"
        raise SpecError(f"`{safe_text(text)}` is an address, not a path", fix=fix)
    try:
        return Path(os.path.expanduser(text))
    except ValueError:  # NUL or half a character where the name of a user would be
        return Path(text)
