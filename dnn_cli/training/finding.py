"""The finding contract: what a user should know of a table before training on it.

One file a kind in `doctor/`: its spec looks at the columns one by one, then at the whole table.
A finding states its figure, and the threshold that it passed; both come from training rows, or
compare another part with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from dnn_cli.base.registry import Registry
from dnn_cli.base.spec import Spec
from dnn_cli.base.text import safe_text
from dnn_cli.data.examination import Examination
from dnn_cli.data.open_column import OpenColumn

Severity: TypeAlias = Literal["severe", "warning", "note"]
Contents: TypeAlias = Mapping[str, tuple[int, int]]  # see `OpenColumn.content`

FINDERS: Registry[Finder]


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: where, how much, from where on it is told, and what to do.

    `severe` spoils a training or its score, `warning` may, `note` is good to know. `column` is
    empty where it is of the whole table, `part` where it is of the training rows.
    """

    severity: Severity
    what: str
    column: str = ""
    part: str = ""
    figure: float | None = None
    threshold: float | None = None
    fix: str = ""
    kind: str = ""  # of the finder that made it


@dataclass(frozen=True, slots=True, kw_only=True)
class Finder(Spec):
    """Looks for findings of one kind. Being a frozen value itself, it needs no object beside it."""

    registry: ClassVar[Registry[Finder]]

    def column(self, column: OpenColumn, found: Examination) -> Iterable[Finding]:
        """What there is to say of one column."""
        return ()

    def table(self, found: Examination, contents: Contents) -> Iterable[Finding]:
        """What there is to say of all columns together, by the `contents` of each."""
        return ()


FINDERS = Registry("finding", "dnn_cli.training.doctor")
Finder.registry = FINDERS


def percent(share: float) -> str:
    """A share for a person: `12.3 %`, and `0.02 %` where that is little."""
    return f"{100 * share:.1f} %" if share >= 0.001 or not share else f"{100 * share:.2g} %"


def other_parts(column: OpenColumn) -> Iterator[str]:
    """The parts beside training that a column has."""
    return (part for part in column.raw if part != "train")


def without(name: str, found: Examination) -> str:
    """How to leave a column out, as the configuration says it."""
    return f"leave it out: `columns: {{{safe_text(name)}: unused}}`" if found.named else "remove it"
