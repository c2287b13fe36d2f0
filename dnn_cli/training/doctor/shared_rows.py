"""Rows that occur twice: in training, or in a part that is to measure what training has not seen.

Figure     the share of the part's rows whose coded inputs a training row has, too
Thresholds a hundredth of the rows, and 5, is a warning, half of them severe; a note where half of
           the training rows are themselves repetitions, which in tables of few levels is natural
Cost       see `duplicates`, and a sort of the hashes of each part
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.data.duplicates import row_hashes
from dnn_cli.data.examination import Examination
from dnn_cli.training.finding import FINDERS, Contents, Finder, Finding, Severity, percent

SOME, HALF, FEW = 0.01, 0.5, 5


@final
@FINDERS.register("shared_rows")
@dataclass(frozen=True, slots=True, kw_only=True)
class SharedRowsFinder(Finder):
    """Exact duplicates among the coded rows."""

    def table(self, found: Examination, contents: Contents) -> Iterator[Finding]:
        """In training, then in each other part."""
        hashes = {
            part: row_hashes(np.ascontiguousarray(one))
            for part, one in found.coded.items()
            if one.size
        }
        train = hashes.pop("train", None)
        if train is None:
            return
        different = np.unique(train)
        again = len(train) - len(different)
        share = again / len(train)
        if again:
            yield Finding(
                "note",
                f"{again:,} of the training rows ({percent(share)}) repeat another one's inputs",
                figure=share,
            )
        for part, one in hashes.items():
            count = int(np.isin(one, different).sum())
            if count:
                yield _shared(part, count, count / len(one), share >= HALF)


def _shared(part: str, count: int, share: float, natural: bool) -> Finding:
    severity: Severity = "severe" if share >= HALF else "warning" if share >= SOME else "note"
    severity = "note" if count < FEW else severity
    fix = "remove them, or divide the rows so that equal ones stay together"
    return Finding(
        "note" if natural else severity,
        f"{count:,} of the rows ({percent(share)}) have the same inputs as a training row",
        part=part,
        figure=share,
        threshold=HALF if share >= HALF else SOME,
        fix="" if natural or severity == "note" else f"{fix}: the score is too good",
    )
