"""PyYAML's syntax errors in words that say what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yaml.error import MarkedYAMLError

from dnn_cli.base.text import safe_text
from dnn_cli.config.places import Place, Report

# (part of PyYAML's "context, problem", what, fix, whether the construct's beginning is the place)
_KNOWN: tuple[tuple[str, str, str, bool], ...] = (
    (
        "character '\\t' that cannot start",
        "a tab stands where only spaces are allowed",
        "use spaces",
        False,
    ),
    (
        "that cannot start any token",
        "text cannot begin with this character",
        "put the text in quotes",
        False,
    ),
    (
        "could not find expected ':'",
        "expected `:` after this key",
        "write `key: value`, with a space after the colon",
        True,
    ),
    (
        "but found ','",
        "text cannot begin with a comma",
        'put it in quotes: `KEY: ","`, or on a command line `\'KEY=","\'`',
        False,
    ),
    (
        "mapping values are not allowed here",
        "a `:` is not expected here",
        "begin a new line for the key, or put text that holds `: ` in quotes",
        False,
    ),
    (
        "sequence entries are not allowed here",
        "a `-` is not expected here",
        "begin a new line for the list entry",
        False,
    ),
    (
        "expected ',' or ']'",
        "the list in `[…]` is not continued or closed here",
        "separate its entries by `,` and end it with `]`",
        False,
    ),
    (
        "expected ',' or '}'",
        "the mapping in `{…}` is not continued or closed here",
        "separate its entries by `,` and end it with `}`",
        False,
    ),
    (
        "unexpected end of stream",
        "the quote that begins here is not closed",
        "end the text with the same quote",
        True,
    ),
    (
        "unknown escape character",
        "this is no escape of text in double quotes",
        r"write `\\` for a backslash, or use single quotes",
        False,
    ),
    (
        "expected <block end>",
        "the indentation does not fit the lines above",
        "give the entries of one mapping or list the same indentation",
        False,
    ),
    (
        "undefined tag handle",
        "tags (`!…`) are not allowed",
        "remove the tag, or put text that begins with `!` in quotes",
        True,
    ),
    (
        "a tag, ",
        "tags (`!…`) are not allowed",
        "remove the tag, or put text that begins with `!` in quotes",
        True,
    ),
    (
        "expected alphabetic or numeric character",
        "text cannot begin with `*`, `&` or `!`",
        "put the text in quotes",
        True,
    ),
    (
        "expected '<document start>'",
        "the file holds something after its document",
        "keep one mapping, and nothing after `...`",
        False,
    ),
)


def explain(error: MarkedYAMLError, place: Callable[[Any], Place], report: Report) -> None:
    """Report `error` at the spot to change."""
    words = ", ".join(one for one in (error.context, error.problem) if one)
    known = next((known for known in _KNOWN if known[0] in words), None)
    unknown = ("", f"the YAML is not well formed: {safe_text(words)}", "", False)
    _, what, fix, begins = known or unknown
    start, spot = error.context_mark, error.problem_mark
    at = place((start if begins else spot) or spot or start)
    why = ""
    if start and at != (begun := place(start)) and "flow" in words:
        why = f"it begins at line {begun.line}, column {begun.column}"
    report.add(at, what, why=why, fix=fix)
