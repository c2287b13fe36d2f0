"""Help pages: plain text of 80 columns, the same under every version of Typer.

`python -m dnn_cli.cli.help` writes the pages that `dnn … --help` shows without starting Typer.
A test holds the pages and the commands in step.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dnn_cli.cli.application import PROGRAM, application

PAGES = Path(__file__).parent / "pages"
WIDTH = 80
_NAMES = 26  # columns of the names, where a longer one gets a line of its own
_UNBROKEN = "\N{NO-BREAK SPACE}"  # within brackets, until the text is wrapped
_HELP = ("-h, --help", "Show this page and exit.")
_TYPERS = {  # options that Typer words, differently in each version
    "--install-completion": "Make TAB complete commands and options in this shell.",
    "--show-completion": "Print what --install-completion would install.",
}


def page(command: Any, path: str) -> str:
    """The help page of a Typer command that is called as `path`."""
    parameters = [p for p in command.params if not p.hidden]
    arguments = [p for p in parameters if p.param_type_name == "argument"]
    options = [p for p in parameters if p.param_type_name == "option"]
    children = _children(command)
    parts = [_usage(path, arguments, bool(children)), _paragraphs(command.help or "")]
    if children:
        names = [(name, summary(child)) for name, child in children]
        parts.append(_section("Commands", names))
    if arguments:
        parts.append(_section("Arguments", [(_argument(a), _text(a)) for a in arguments]))
    parts.append(_section("Options", [*map(_option, options), _HELP]))
    parts.append(inspect.cleandoc(command.epilog or ""))
    return "\n\n".join(part for part in parts if part) + "\n"


def summary(command: Any) -> str:
    """The first line of a command's help."""
    return str(command.help or "").strip().partition("\n")[0]


def _children(command: Any) -> list[tuple[str, Any]]:
    if not hasattr(command, "list_commands"):
        return []
    context = command.context_class(command, info_name=PROGRAM)
    return [(n, command.get_command(context, n)) for n in command.list_commands(context)]


def _usage(path: str, arguments: list[Any], group: bool) -> str:
    words = [_argument(a) if a.required else f"[{_argument(a)}]" for a in arguments]
    words = [w.replace("...]", "]...") for w in words]
    tail = ["[OPTIONS]", "COMMAND ..."] if group else [*words, "[OPTIONS]"]
    return f"Usage: {path} {' '.join(tail)}"


def _argument(parameter: Any) -> str:
    return f"{parameter.metavar}{'...' if parameter.nargs == -1 else ''}"


def _option(parameter: Any) -> tuple[str, str]:
    # The short name first, so that long ones line up below each other.
    names = [*sorted(parameter.opts, key=len), *parameter.secondary_opts]
    lead = "" if len(names[0]) == 2 else "    "
    value = "" if parameter.is_flag else f" {parameter.metavar}"
    return f"{lead}{', '.join(names)}{value}", _text(parameter)


def _text(parameter: Any) -> str:
    text = _TYPERS.get(parameter.opts[0], parameter.help)
    default = parameter.show_default if isinstance(parameter.show_default, str) else ""
    if not default and isinstance(parameter.default, str | int | float):
        default = "" if isinstance(parameter.default, bool) else str(parameter.default)
    if not default:
        return str(text)
    return f"{text} " + f"[default: {default}]".replace(" ", _UNBROKEN)


def _section(title: str, rows: list[tuple[str, str]]) -> str:
    wide = max(len(name) for name, _ in rows if len(name) <= _NAMES)
    lines = [f"{title}:"]
    for name, text in rows:
        start = f"  {name:<{wide}}  "
        blank = " " * len(f"  {'':<{wide}}  ")
        if len(name) > wide:
            lines.append(f"  {name}")
            start = blank
        lines += textwrap.wrap(
            text, WIDTH, initial_indent=start, subsequent_indent=blank, break_on_hyphens=False
        )
    return "\n".join(lines).replace(_UNBROKEN, " ")


def _paragraphs(text: str) -> str:
    blocks = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(textwrap.fill(block, WIDTH) for block in blocks)


def pages() -> Iterator[tuple[str, str]]:
    """Every page with the name of its file."""
    root = application()
    yield PROGRAM, page(root, PROGRAM)
    for name, command in _children(root):
        yield name, page(command, f"{PROGRAM} {name}")
        for inner, child in _children(command):
            yield f"{name}-{inner}", page(child, f"{PROGRAM} {name} {inner}")


def write(directory: Path = PAGES) -> None:
    """Write all pages into `directory`, and remove those of commands that are gone."""
    made = dict(pages())
    for old in directory.glob("*.txt"):
        if old.stem not in made:
            old.unlink()
    for name, text in made.items():
        (directory / f"{name}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
