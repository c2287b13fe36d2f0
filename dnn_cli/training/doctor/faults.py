"""What would stop a training: cells that are not what their column is, targets, parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from dnn_cli.data.examination import Examination
from dnn_cli.training.finding import FINDERS, Contents, Finder, Finding, percent


@final
@FINDERS.register("faults")
@dataclass(frozen=True, slots=True, kw_only=True)
class FaultsFinder(Finder):
    """Errors, of all columns at once, and rows that are left out."""

    def table(self, found: Examination, contents: Contents) -> Iterator[Finding]:
        """One finding a fault."""
        for fault in found.faults:
            one = fault.problem
            where = f" ({one.where})" if one.where else ""
            why = f": {one.why}" if one.why else ""
            yield Finding("severe", f"{one.what}{where}{why}", fault.column, fix=one.fix)
        if found.left_out:
            share = found.left_out / (sum(found.rows.values()) + found.left_out)
            yield Finding(
                "warning" if share > 0.05 else "note",
                f"{found.left_out:,} rows ({percent(share)}) are left out: their target is missing",
                figure=share,
                threshold=0.05,
            )
