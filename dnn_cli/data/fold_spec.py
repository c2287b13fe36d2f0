"""What the configuration of a run says when it is a fold of a cross-validation; see `folds`."""

from __future__ import annotations

from dataclasses import dataclass

from dnn_cli.base.spec import Spec, option, require


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldSpec(Spec):
    """The rows that one run of a cross-validation holds out; `dnn cv` writes it."""

    number: int = option("which fold is held out, from 1", minimum=1)
    count: int = option("number of folds", minimum=2)
    group: str | None = option("column whose equal cells stay in one fold", None)
    time: str | None = option("column of numbers or ISO dates: earlier rows train", None)
    repeat: int = option("which division into folds, from 1", 1, minimum=1)

    def check(self) -> None:
        """One of the folds, of one kind."""
        require(self.number <= self.count, f"there are {self.count} folds", "number")
        require(
            self.group is None or self.time is None,
            "folds keep groups together or follow time, not both",
            "time",
            fix="leave one of them out",
        )

    @property
    def column(self) -> str | None:
        """The column that it needs beside the inputs."""
        return self.group if self.time is None else self.time
