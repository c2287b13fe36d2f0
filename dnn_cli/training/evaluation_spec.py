"""What YAML says under `evaluation`: what the validation rows settle when training has ended."""

from __future__ import annotations

from dataclasses import dataclass

from dnn_cli.base.spec import Spec, option, require
from dnn_cli.base.task import Task
from dnn_cli.training.threshold import ThresholdMetric
from dnn_cli.training.truth import Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSpec(Spec):
    """What the validation rows settle when training has ended."""

    threshold: ThresholdMetric | None = option(
        "the metric for which the threshold of `--threshold auto` is chosen, of two classes or of "
        "each label: the one with the largest metric on the validation rows, kept in the model "
        "file; null: none is",
        None,
    )

    calibrate: bool = option(
        "divide the outputs that become probabilities by the temperature with which the validation "
        "rows have the lowest log-loss, where that is lower; kept in the model file",
        True,
    )

    def check_task(self, task: Task, valid: Truth | None) -> None:
        """Raise `SpecError` if no threshold can be chosen: `valid` is true of the validation rows.

        A label that all of them have, or none, keeps 0.5.
        """
        if self.threshold is None:
            return
        require(
            task.kind in ("binary", "multilabel"),
            f"a threshold decides between two, and the task is {task.kind}",
            "threshold",
            fix="leave it out",
        )
        require(
            valid is not None,
            "a threshold is chosen on validation data, and there is none",
            "threshold",
            fix="set data.split.valid",
        )
        why = valid.one_sided(1) if valid is not None and task.kind == "binary" else ""
        require(
            not why,
            f"no threshold can be chosen on the validation rows: {why}",
            "threshold",
            fix="leave it out, or choose other validation rows",
        )
