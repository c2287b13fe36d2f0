"""Why a value was refused, in words, at the place of the value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from dnn_cli.base.spec import Spec, SpecError
from dnn_cli.base.text import listing, safe_text
from dnn_cli.config.forms import accepts_word
from dnn_cli.config.kinds import Choice, Kind, Null, Option, Variant, members
from dnn_cli.config.nodes import ListNode, MapNode, Node, ScalarNode
from dnn_cli.config.phrases import expected, found, missing_commas, remedy
from dnn_cli.config.places import NAME_LIMIT, Place, Report
from dnn_cli.config.scalars import Odd
from dnn_cli.config.unknown import (
    Sections,
    allowed_in,
    explain_unknown,
    explain_unknown_type,
    owners,
)

BAD: Final = object()  # stands for a value that could not be read; its problem is in the report
MESSAGE_LIMIT = 500


@dataclass(frozen=True, slots=True)
class At:
    """Where a value belongs: the names leading to it, and the place of its key."""

    path: tuple[str | int, ...] = ()
    key: Place | None = None

    def under(self, step: str | int, key: Place | None = None) -> At:
        """The same for a part of the value."""
        return At((*self.path, step), key)

    @property
    def name(self) -> str:
        """The path for a message, in the form that overrides use."""
        path = ".".join(safe_text(step, NAME_LIMIT) for step in self.path)
        return f"`{path}`" if path else "the configuration"


@dataclass(frozen=True, slots=True)
class Refusals:
    """Every way to refuse a value; each reports one problem and gives `BAD`."""

    report: Report
    sections: Sections

    def value(self, node: Node, at: At, message: str, fix: str = "") -> Any:
        """Refuse at the value itself: "`path` message"."""
        return self._add(node.place, at, message, fix=fix)

    def whole(self, node: Node, at: At, message: str, fix: str = "", why: str = "") -> Any:
        """Refuse at the key of the mapping or list that is wrong as a whole."""
        return self._add(at.key or node.place, at, message, fix=fix, why=why)

    def _add(self, place: Place, at: At, message: str, fix: str, why: str = "") -> Any:
        space = "" if message.startswith(":") else " "
        self.report.add(place, f"{at.name}{space}{message}", why=why, fix=fix)
        return BAD

    def odd(self, node: Node, at: At, odd: Odd) -> Any:
        """A scalar that looks like a number."""
        shown = safe_text(odd.text, NAME_LIMIT)
        return self.value(node, at, f": `{shown}` {odd.complaint}", odd.fix)

    def empty(self, kind: Kind, node: Node, at: At) -> Any:
        """A key without a value."""
        optional = any(isinstance(one, Null) for one in members(kind))
        fix = "write `null` for none" if optional else "write a value, or remove the key"
        return self.whole(node, at, "needs a value", fix, f"it is {expected(kind)}")

    def missing(self, option: Option, node: Node, at: At) -> Any:
        """A required option that is not there."""
        fix = f"add `{option.name}: …` ({option.help})"
        return self.whole(node, at, f"needs `{option.name}`", fix)

    def mismatch(self, kind: Kind, node: Node, at: At) -> Any:
        """A value of another kind."""
        text = node.value if isinstance(node, ScalarNode) else None
        variants = [one for one in members(kind) if isinstance(one, Variant)]
        if isinstance(text, str) and variants and not any(one.infers for one in variants):
            return self.unknown_type(kind, node, at)
        fix = remedy(kind, node) or self._commas(node, at, partial(accepts_word, kind))
        if not fix and isinstance(text, str) and (close := self.report.suggest(text, names(kind))):
            fix = f"did you mean `{close}`?"
        return self.value(node, at, f"must be {expected(kind)}, found {found(node)}", fix)

    def unknown_type(self, kind: Kind, node: Node, at: At) -> Any:
        """A name that is in no registry."""
        text = node.text if isinstance(node, ScalarNode) else ""
        nouns = [one.registry.kind for one in members(kind) if isinstance(one, Variant)]
        allowed = names(kind)
        fix = self._commas(node, at, lambda word: word in allowed)
        fix = fix or explain_unknown_type(text, allowed, self.report)
        what = f"unknown {' or '.join(nouns)} `{safe_text(text, NAME_LIMIT)}` in {at.name}"
        self.report.add(node.place, what, why=f"there are {listing(allowed)}", fix=fix)
        return BAD

    def unknown_key(
        self, name: str, key: Place, spec: type[Spec], at: At, typed: Place | None = None
    ) -> Any:
        """A key that the spec has no option for; its type, if it has one, stands at `typed`."""
        owner = f"{at.name} ({spec.spec_name})" if spec.spec_name else at.name
        what = f"unknown key `{safe_text(name, NAME_LIMIT)}` in {owner}"
        why = f"allowed keys are {listing(allowed_in(spec))}"
        fix = explain_unknown(name, spec, self.sections, self.report)
        others = owners(name, spec)
        if others and typed and typed.source is not key.source:
            why = f"`{name}` belongs to {listing(others)}; the type is that of {typed.where}"
            fix = f"remove it, or give {at.name} as a whole"
        self.report.add(key, what, why=why, fix=fix)
        return BAD

    def broken(self, error: SpecError, node: Node, at: At) -> Any:
        """A rule of the spec, at the value it complains about or what comes nearest to it."""
        for step in error.path:
            if isinstance(node, MapNode) and step in node.entries:
                entry = node.entries[str(step)]
                node, at = entry.value, at.under(step, entry.key)
            elif isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
                node, at = node.items[step], at.under(step)
            else:  # a default: the mapping that could have said otherwise
                return self._complain(error, self.whole, node, At((*at.path, step), at.key))
        refuse = self.value if isinstance(node, ScalarNode) else self.whole
        return self._complain(error, refuse, node, at)

    def _complain(self, error: SpecError, refuse: Callable[..., Any], node: Node, at: At) -> Any:
        message = safe_text(error, MESSAGE_LIMIT)
        spaced = message if message.startswith("must ") else f": {message}"
        return refuse(node, at, spaced, safe_text(error.fix, MESSAGE_LIMIT))

    def _commas(self, node: Node, at: At, fits: Callable[[str], bool]) -> str:
        inside_list = bool(at.path) and isinstance(at.path[-1], int)
        return missing_commas(node, fits) if inside_list else ""


def names(kind: Kind) -> list[str]:
    """Every name that a kind accepts."""
    found: list[str] = []
    for one in members(kind):
        if isinstance(one, Choice):
            found += [str(value) for value in one.values]
        if isinstance(one, Variant):
            found += one.registry.names()
    return found
