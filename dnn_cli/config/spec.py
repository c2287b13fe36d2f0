"""The whole configuration of a run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from dnn_cli.base.spec import Bounds, Spec, option, require
from dnn_cli.data.spec import DataSpec
from dnn_cli.nn.loss import LossSpec
from dnn_cli.nn.model import ModelSpec
from dnn_cli.nn.optimizer import OPTIMIZERS, OptimizerSpec
from dnn_cli.training.evaluation_spec import EvaluationSpec
from dnn_cli.training.spec import TrainingSpec

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")  # not files on Windows


def _adam() -> OptimizerSpec:
    return OPTIMIZERS.get("adam")()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec(Spec):
    """What one YAML file says."""

    name: str | None = option("name of the run directory; null: that of the file", None)
    seed: int = option("seed of everything random", 0, minimum=0)
    preset: Literal["auto", "linear", "mlp", "none", "realmlp", "tabm"] | None = option(
        "a recipe whose keys stand under those that are written; null: auto for a table without "
        "model, else none",
        None,
    )
    data: DataSpec = option("what to learn from")
    model: ModelSpec = option("the hidden layers", ModelSpec())
    loss: LossSpec | Literal["auto"] = option("what to minimise; auto: by the task", "auto")
    optimizer: OptimizerSpec = field(
        default_factory=_adam,
        metadata={"help": "how to minimise it", "bounds": Bounds()},
        kw_only=True,
    )
    training: TrainingSpec = option("how long, and what to keep", TrainingSpec())
    evaluation: EvaluationSpec = option("what the validation rows settle", EvaluationSpec())

    def check(self) -> None:
        """A name that is a safe file name everywhere."""
        if self.name is not None:
            complaint = name_complaint(self.name)
            require(complaint is None, complaint or "", "name", fix="write such as `mnist-mlp`")


def name_complaint(name: str) -> str | None:
    """Why `name` cannot be that of a run, or None."""
    if not _NAME.fullmatch(name):
        return (
            "must begin with a letter or digit and hold only letters, digits, `.`, `_` and `-`, "
            "100 at most"
        )
    return "must not be the name of a Windows device" if _DEVICE.fullmatch(name) else None


def name_from(stem: str) -> str:
    """A run's name made from that of its file."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("._-")[:100].rstrip("._-")
    return name if name and name_complaint(name) is None else f"run-{name}".rstrip("-")[:100]
