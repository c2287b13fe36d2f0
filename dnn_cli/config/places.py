"""Where a value stands, and the report that gathers every problem of a configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, NoReturn

from dnn_cli.base.errors import ConfigError, Problem
from dnn_cli.base.text import nearest, safe_text

SHOWN = 20  # problems printed in full
PATIENCE = 60  # problems after which no more suggestions are searched
NAME_LIMIT = 80  # characters of a foreign name or value in a message
_BEFORE, _WIDTH = 60, 120  # characters of a long source line shown around its column


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A text that values come from: a file, an override, or a plain dictionary.

    Relative paths in it mean files below `directory`; None leaves them as they are. `order`
    sorts the problems of several sources; `lined` says whether `line:column` belongs in a message.
    """

    name: str
    lines: Sequence[str] = ()
    directory: Path | None = None
    order: int = 0
    lined: bool = True


class Place(NamedTuple):
    """A position in a source; lines and columns count from 1, 0 is unknown."""

    source: Source
    line: int = 0
    column: int = 0

    @property
    def where(self) -> str:
        """The position as text: `configs/a.yaml:14:3`."""
        name = safe_text(self.source.name)
        return f"{name}:{self.line}:{self.column}" if self.source.lined and self.line else name

    def excerpt(self) -> tuple[str, int]:
        """(source line made printable and cut to a window, 1-based column in it)."""
        if not 0 < self.line <= len(self.source.lines):
            return "", 0
        line, column = self.source.lines[self.line - 1], self.column - 1
        start = max(0, column - _BEFORE) if len(line) > _WIDTH else 0
        before, after = line[start:column], line[column : start + _WIDTH]
        lead = ("…" if start else "") + safe_text(before, len(before))
        tail = safe_text(after, len(after)) + ("…" if start + _WIDTH < len(line) else "")
        return lead + tail, len(lead) + 1


class Report:
    """The problems found so far, of all sources."""

    def __init__(self) -> None:
        self._found: list[tuple[tuple[int, int, int], Problem]] = []

    def __len__(self) -> int:
        return len(self._found)

    def add(self, place: Place, what: str, *, why: str = "", fix: str = "") -> None:
        """Note one problem."""
        line, column = place.excerpt()
        key = (place.source.order, place.line, place.column)
        self._found.append((key, Problem(what, place.where, why, fix, line, column)))

    def take(self, other: Report) -> None:
        """Add all problems of `other`."""
        self._found.extend(other._found)

    def suggest(self, name: str, allowed: Sequence[str]) -> str | None:
        """The allowed name nearest to `name`; none any more once there are very many problems."""
        return nearest(name[:NAME_LIMIT], allowed) if len(self) < PATIENCE else None

    def fail(self) -> NoReturn:
        """Raise the error of all problems."""
        raise self.error()

    def error(self) -> ConfigError:
        """A `ConfigError` of the problems in the order of the text, the first 20 in full."""
        ordered = [problem for _, problem in sorted(self._found, key=lambda found: found[0])]
        rest = len(ordered) - SHOWN
        if rest > 0:
            more = f"and {rest} more problem{'s' if rest > 1 else ''}"
            ordered[SHOWN:] = [Problem(more)]
        return ConfigError(ordered)

    def fail_if_any(self) -> None:
        """Raise `ConfigError` unless there are no problems."""
        if self._found:
            self.fail()
