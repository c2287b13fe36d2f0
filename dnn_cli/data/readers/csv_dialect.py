"""How a file of text is written, as a model file keeps it: what new data of it will look like.

A dialect is what is unusual: `{"delimiter": ";", "decimal": ","}`. Options that are not in it are
a comma, a decimal point, nothing between thousands, and UTF-8.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dnn_cli.base.text import safe_text
from dnn_cli.data.readers.numerals import Setting
from dnn_cli.data.readers.text_encoding import encoding_named

DECIMALS = (".", ",")
THOUSANDS = (",", ".", "'", " ", "_")
_USUAL = {"delimiter": ",", "decimal": ".", "thousands": "", "encoding": "utf-8"}


def unusual(**options: str | None) -> dict[str, str]:
    """What of the `options` a dialect has to say."""
    return {name: value for name, value in options.items() if value and value != _USUAL[name]}


def problem_with(dialect: Mapping[str, object]) -> str:
    """What is wrong with options of a dialect, for a message; empty if nothing is."""
    for name, value in dialect.items():
        if name not in _USUAL:
            return f"has an unknown field `{safe_text(name)}`"
        if not isinstance(value, str) or not _LEGAL[name](value):
            return f"says that {name} is `{safe_text(value)}`"
    if dialect.get("decimal", ".") == dialect.get("thousands"):
        return "has one sign for decimals and thousands"
    return ""


def separates(text: str) -> bool:
    """Whether `text` can separate cells: no part of a number, a name or the quoting."""
    legal = len(text) == 1 and (text == "\t" or (" " <= text <= "~"))
    return legal and not text.isalnum() and text not in "\"+-.'_"


_LEGAL: dict[str, Callable[[str], bool]] = {
    "delimiter": separates,
    "decimal": DECIMALS.__contains__,
    "thousands": THOUSANDS.__contains__,
    "encoding": lambda name: encoding_named(name) is not None,
}


def _option(name: str, value: str) -> str:
    if name == "header":
        return "--header" if value == "true" else "--no-header"
    return f'--{name} "{value}"' if value == "'" else f"--{name} '{value}'"


def setting(of_model: bool) -> Setting:
    """How a person sets an option: in the configuration or on the command line.

    Where a model reads, and where there is no configuration yet, there is a command line alone.
    """

    def on_command(name: str, value: str) -> str:
        return _option(name, value)

    def in_source(name: str, value: str) -> str:
        shown = value.replace("\t", "\\t")
        quoted = shown if name == "header" else f'"{shown}"'
        return f"`{name}: {quoted}` in the source ({_option(name, shown)})"

    return on_command if of_model else in_source
