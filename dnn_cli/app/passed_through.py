"""Columns of the input that `predict` passes through: what a row is called, and what goes along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dnn_cli.base.errors import DataError, UsageError
from dnn_cli.base.text import safe_text
from dnn_cli.data.table import Table

_FILE = "file"


@dataclass(frozen=True, slots=True)
class PassedThrough:
    """`id` comes first, then the columns to `keep` in their order, or `all` in that of the input.

    Their cells come out as they are written.
    """

    id: str | None = None
    keep: tuple[str, ...] = ()
    all: bool = False

    @property
    def wanted(self) -> tuple[str, ...] | None:
        """What a source is asked for: `Columns.verbatim`."""
        if self.all:
            return None
        return tuple(dict.fromkeys([*([] if self.id is None else [self.id]), *self.keep]))

    def check_format(self, kind: str) -> None:
        """Refuse a format that holds nothing but numbers.

        Raises:
            UsageError: names it.
        """
        if kind == "npy" and self.wanted != ():
            raise UsageError(
                "npy holds the predictions alone, no columns beside them",
                fix="leave --keep, --keep-all and --id out, or choose --format csv",
            )

    def beside(self, table: Table, names: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """What stands beside the predictions of `table`, whose columns are called `names`.

        Raises:
            DataError: the table has no such columns.
            UsageError: one of them is called like one of the `names`.
        """
        files = {} if table.files is None else {_FILE: table.files}
        wanted = self.wanted
        if wanted == ():
            return files
        there = table.verbatim
        if not there or (wanted is not None and not set(wanted) <= set(there)):
            raise DataError(
                f"`{safe_text(table.origin)}` has no columns with names to pass through",
                where=safe_text(table.origin),
                fix="leave --keep, --keep-all and --id out, or give a table such as a CSV file",
            )
        if self.id is not None and self.id not in there:
            raise self._no_id(table)
        first = [] if self.id is None else [self.id]
        found = {name: there[name] for name in dict.fromkeys([*first, *(wanted or there)])}
        for name in found:
            if name in (*files, *names):
                raise self._called_alike(name)
        return {**found, **files}

    def _no_id(self, table: Table) -> DataError:
        columns = ", ".join(safe_text(name) for name in list(table.verbatim)[:40])
        return DataError(
            f"`{safe_text(table.origin)}` lacks the column `{safe_text(self.id)}` of --id",
            where=safe_text(table.origin),
            why=f"its columns are {columns}",
        )

    def _called_alike(self, name: str) -> UsageError:
        shown = safe_text(name)
        instead = f"--id {shown}" if name == self.id else f"--keep {shown}"
        return UsageError(
            f"the input has a column `{shown}`, and so have the predictions",
            why="a table cannot have two columns of one name",
            fix="name the columns to keep with --keep instead of --keep-all, or rename it"
            if self.all and name != self.id
            else f"leave {instead} out, or rename the column in the input",
        )


NOTHING = PassedThrough()
