"""What the `data` section of a configuration may say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from dnn_cli.base.spec import Spec, option, require
from dnn_cli.data.augment import AugmentSpec
from dnn_cli.data.column import ColumnSpec, NumberScale
from dnn_cli.data.fold_spec import FoldSpec
from dnn_cli.data.raw_columns import DEFAULT_MISSING, ColumnType
from dnn_cli.data.source import SourceSpec
from dnn_cli.data.table import Columns

ScaleKind: TypeAlias = Literal["none", "unit", "standard", "minmax", "robust"]
TargetScaleKind: TypeAlias = Literal["none", "standard", "mean"]
MemoryKind: TypeAlias = Literal["auto", "ram", "disk"]
AUTO_SHARE, AUTO_ROWS = 0.2, 20  # of `split.valid: auto`, and rows from which it is one
INPUTS = "inputs"  # the target that means: reconstruct the inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSpec(Spec):
    """How one source is divided into training, validation and test rows.

    Either by shares, or by a column that names each row's part.
    """

    valid: Literal["auto"] | float = option(
        "share of the rows kept for validation; auto: 0.2 of the training rows where no validation "
        "rows are given, of 20 rows and more",
        0.0,
        minimum=0,
        below=1,
    )
    test: float = option("share of the rows kept for the test", 0.0, minimum=0, below=1)
    column: str | None = option(
        "column that names each row's part: train (training, fit), valid (val, validation, dev) or "
        "test (testing, holdout), in any case",
        None,
    )
    stratify: Literal["auto"] | bool = option(
        "keep the shares of the classes in every part; auto: of classes with a row for each part, "
        "and rows of rarer ones are for training; true: refuse rarer ones",
        "auto",
    )
    seed: int = option("seed of the division", 0, minimum=0)
    fold: FoldSpec | None = option(
        "the fold that is held out as the test part; `dnn cv` sets it", None
    )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that divide the rows, and are no inputs."""
        named = (self.column, None if self.fold is None else self.fold.column)
        return tuple(dict.fromkeys(one for one in named if one is not None))

    def check(self) -> None:
        """Shares or a column, never both, and something left to train on."""
        if self.column is not None:
            require(
                self.valid in (0, "auto") and self.test == 0,
                "a split is made by a column or by shares, not both",
                "column",
                fix="remove `valid` and `test`, or `column`",
            )
            require(
                self.stratify == "auto",
                "a split made by a column cannot be stratified",
                "stratify",
                fix="remove `stratify`",
            )
            return
        valid, test = self.shares
        require(
            valid + test > 0 or self.fold is not None,
            "the split names no part",
            fix="give `valid`, `test` or `column`, or leave `split` out",
        )
        require(
            valid + test < 1,
            f"{valid:g} + {test:g} leaves no training rows",
            "valid" if self.valid not in (0, "auto") else "test",
            fix="the shares of `valid` and `test` must add up to less than 1",
        )

    @property
    def shares(self) -> tuple[float, float]:
        """The shares of validation and test, `auto` as the share that it may become."""
        return (AUTO_SHARE if self.valid == "auto" else self.valid), self.test

    @property
    def asks(self) -> bool:
        """Whether it wants more than validation rows if there are none."""
        return self.valid != "auto" or self.test > 0 or self.column is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSpec(Spec):
    """Where the rows come from, what is to be predicted, and how the inputs are scaled.

    `scale` is `auto` by default because no one scaling fits both kinds of input: bytes are
    pixels, whose users expect x / 255, while the columns of a table have units of their own and
    train badly unless each is standardised. Bytes that stay below 128 (the 17 levels of the
    digits set, say) are no full pixels, so their range is fitted. What `auto` became is recorded
    and printed.
    """

    source: SourceSpec = option("where the training rows come from")
    valid: SourceSpec | None = option("where the validation rows come from", None)
    test: SourceSpec | None = option("where the test rows come from", None)
    target: str | int | tuple[str | int, ...] | None = option(
        "column or columns to predict, by name or 0-based position; `inputs`: the inputs "
        "themselves; nothing: the labels the source brings",
        None,
    )
    features: tuple[str, ...] | None = option(
        "the input columns; nothing: all that are not a target", None
    )
    exclude: tuple[str, ...] = option("columns that are not inputs", ())
    weight: str | None = option(
        "column, or array of an npz file, that says how much each row counts in the loss, in all "
        "metrics and baselines: 0 or more, normalised to a mean of 1; it is no input",
        None,
    )
    split: SplitSpec | None = option("how the source is divided", None)
    columns: dict[str, ColumnSpec] | None = option(
        "what columns of a table are, by name: {zip: category, signup: {type: date}}; nothing: as "
        "their cells look",
        None,
    )
    missing: tuple[str, ...] | Literal["error"] = option(
        "cells of a table that stand for a gap, beside empty ones, in any case; error: refuse gaps",
        DEFAULT_MISSING,
    )
    scale: Literal["auto"] | NumberScale = option(
        "scaling of the inputs, fitted on the training part; auto: standard for numbers, unit for "
        "bytes (minmax if they stay below 128); robust_smooth_clip and quantile are for tables",
        "auto",
    )
    target_scale: Literal["auto"] | TargetScaleKind = option(
        "scaling of the targets of a regression, fitted on the training part, for the network and "
        "its loss: metrics and predictions are in the targets' units; standard: mean 0 and "
        "deviation 1; mean: divided by the mean; auto: mean for poisson, gamma and tweedie, else "
        "standard",
        "auto",
    )
    memory: MemoryKind = option(
        "where the columns of a table lie while a network trains: ram, disk (in files that the "
        "system maps), or auto: on disk if they do not fit into memory; results are the same",
        "auto",
    )
    cache: Path | None = option(
        "folder in which columns on disk stay for the next time, as long as their files do not "
        "change; null: they go with the process",
        None,
    )
    augment: AugmentSpec | None = option("random changes of the training images", None)
    task: Literal["auto", "binary", "multiclass", "multilabel", "regression", "reconstruction"] = (
        option(
            "what is predicted; auto: read from the targets, of which one column is enough for "
            "classes, or one a class with a single 1 in each row",
            "auto",
        )
    )
    positive: tuple[str | int, ...] | None = option(
        "classes to tell from the rest: makes a task of two classes, of which precision, recall "
        "and positive_weight speak of these; nothing: of two numbers the larger, of two words the "
        "one with fewer rows",
        None,
    )

    def check(self) -> None:
        """The parts of the section must not contradict each other."""
        self._check_parts()
        self._check_columns()
        if self.positive is not None:
            require(len(self.positive) > 0, "names no class", "positive")
            require(
                self.task in ("auto", "binary"),
                f"`positive` makes a binary task, but `task` is {self.task}",
                "positive",
                fix="remove `task` or `positive`",
            )
            require(not self.reconstructs, "reconstruction has no classes", "positive")

    def _check_parts(self) -> None:
        if self.split is None:
            return
        for part, source, share in (
            ("valid", self.valid, self.split.valid),
            ("test", self.test, self.split.test),
        ):
            require(
                source is None or (share in (0, "auto") and self.split.column is None),
                f"`{part}` is given twice: as a source and by the split",
                part,
                fix=f"remove `data.{part}` or its part of `data.split`",
            )
        held = self.split.fold is not None and self.test is not None
        require(not held, "a fold is the test part of its run", "test", fix="remove `data.test`")

    def _check_columns(self) -> None:
        targets = self.targets
        features = set(self.features or ())
        require(len(targets) == len(set(targets)), "names a column twice", "target")
        require(len(features) == len(self.features or ()), "names a column twice", "features")
        require(self.features != (), "names no column", "features")
        for name in targets:
            require(name not in features, f"`{name}` is also a feature", "target")
            require(name not in self.exclude, f"`{name}` is also excluded", "target")
        for name in self.exclude:
            require(name not in features, f"`{name}` is also a feature", "exclude")
        for name in self.columns or ():
            require(name not in targets, f"`{name}` is the target", "columns", name)
            require(name not in self.exclude, f"`{name}` is also excluded", "columns", name)
        if (weight := self.weight) is not None:
            require(weight not in features, f"`{weight}` is also the weight", "features")
            require(weight not in targets, f"`{weight}` is also the weight", "target")
            require(
                weight not in (self.columns or ()), "is the weight, no input", "columns", weight
            )
        for column in () if self.split is None else self.split.columns:
            require(column != self.weight, f"`{column}` also splits the rows", "weight")
            require(column not in features, f"`{column}` also splits the rows", "features")
            require(column not in targets, f"`{column}` also splits the rows", "target")
        if self.target == INPUTS:
            require(
                self.task in ("auto", "reconstruction"),
                f"the target `inputs` means reconstruction, but `task` is {self.task}",
                "task",
                fix="name a column by its position if it is called `inputs`",
            )
        elif self.task == "reconstruction":
            require(
                self.target is None,
                "reconstruction predicts the inputs, but a target is given",
                "target",
                fix="write `target: inputs`, and the column under `exclude`",
            )

    @property
    def reconstructs(self) -> bool:
        """Whether the inputs are their own target."""
        return self.target == INPUTS or self.task == "reconstruction"

    @property
    def targets(self) -> tuple[str | int, ...]:
        """The target columns, as names or positions."""
        if self.target is None or self.reconstructs:
            return ()
        return self.target if isinstance(self.target, tuple) else (self.target,)

    def wanted(self) -> Columns:
        """What to ask of `source`."""
        return Columns(
            target=self.targets,
            features=self.features,
            exclude=self.exclude,
            extra=(
                *(() if self.split is None else self.split.columns),
                *(() if self.weight is None else (self.weight,)),
            ),
            target_required=not self.reconstructs,
            missing=self.gaps,
            types={} if self.columns is None else types_of(self.columns),
        )

    @property
    def gaps(self) -> tuple[str, ...]:
        """The words that stand for a gap."""
        return DEFAULT_MISSING if self.missing == "error" else self.missing


def types_of(columns: Mapping[str, ColumnSpec]) -> dict[str, ColumnType]:
    """What a source has to read columns as, which are known to be something."""
    return {name: "unknown" if s.column is None else s.column.type for name, s in columns.items()}
