"""How an error looks: what, where with the source line, why, the fix, and what is safe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TextIO

from dnn_cli.base.errors import DnnError, Problem
from dnn_cli.base.text import safe_text
from dnn_cli.console.figures import cells
from dnn_cli.console.terminal import console, styled

MOST = 20  # problems shown of one error
_LONGEST = 2000  # characters of one sentence
_WINDOW = 96  # characters shown of a source line
_PLACE = re.compile(r"(?P<file>.+?):(?P<line>\d+)(?::\d+)?")
_TOKEN = re.compile(r"[\w.$-]+|\S")

_STYLES = {"error": "bold red", "-->": "cyan", "why": "cyan", "fix": "green", "state": "cyan"}


def render(error: DnnError) -> str:
    """The whole message as plain text, ended by a newline."""
    blocks = ["\n".join(_problem(p)) for p in error.problems[:MOST]]
    state = f"state: {_line(error.state)}" if error.state else ""
    if len(error.problems) == 1:
        return "\n  ".join(filter(None, [*blocks, state])) + "\n"
    return "\n\n".join([*blocks, "\n".join(filter(None, [*_totals(error), state]))]) + "\n"


def show(error: DnnError, stream: TextIO) -> None:
    """Write the message to `stream`, coloured if that is a terminal."""
    text = render(error)
    if styled(stream):
        _paint(text, stream)
    else:
        stream.write(text)
        stream.flush()


def _problem(problem: Problem) -> Iterator[str]:
    yield f"error: {_line(problem.what)}"
    if problem.where:
        yield f"  --> {_line(problem.where)}"
    if problem.line:
        yield from _source(problem)
    if problem.why:
        yield f"  why: {_line(problem.why)}"
    if problem.fix:
        yield f"  fix: {_line(problem.fix)}"


def _source(problem: Problem) -> Iterator[str]:
    """The line of the file, and carets under what is meant."""
    place = _PLACE.fullmatch(problem.where)
    number = place["line"] if place else ""
    line, start = problem.line.replace("\t", " ").rstrip("\r\n"), max(problem.column - 1, 0)
    begin = max(0, start - _WINDOW // 2) if len(line) > _WINDOW else 0
    shown = line[begin : begin + _WINDOW]
    yield f" {number:>4} | {_line(shown)}"
    token = _TOKEN.match(shown, start - begin)
    if problem.column and token:
        # Escapes and wide characters move what follows them, so both are measured as shown.
        space, width = cells(_line(shown[: start - begin])), cells(_line(token.group()))
        yield f"      | {' ' * space}{'^' * width}"


def _totals(error: DnnError) -> Iterator[str]:
    total = len(error.problems)
    if total > MOST:
        yield f"and {total - MOST} more"
    places = [_PLACE.fullmatch(p.where) for p in error.problems]
    files = {p["file"] if p else None for p in places}
    file = files.pop() if len(files) == 1 else None
    where = f" in {_line(file)}" if file else ""
    yield f"{total} errors{where} (exit {error.exit_code})"


def _line(text: str) -> str:
    return safe_text(text, _LONGEST)


def _paint(text: str, stream: TextIO) -> None:
    from rich.text import Text

    painted = Text(text)
    for word, style in _STYLES.items():
        painted.highlight_regex(rf"(?m)^ *{word}(?=[: ])", style)
    painted.highlight_regex(r"(?m)^ *\d* +\|", "cyan")
    painted.highlight_regex(r"(?m)(?<=\| ) *\^+$", "bold red")
    console(stream).print(painted, end="", soft_wrap=True)
