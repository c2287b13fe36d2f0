"""What a name that is no metric of ours probably meant: another tool's name, or a slip.

Keras and PyTorch Lightning write `val_loss`, `val/loss` and `train_loss`, scikit-learn `f1_score`,
`roc_auc` and `neg_log_loss`; where they differ in more than such a pattern, there is a table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dnn_cli.base.text import nearest

_PART = re.compile(
    r"(train|training|valid|val|validation|eval|dev|test)[._/-](.+)", re.DOTALL | re.IGNORECASE
)
_PARTS = {"train": "train", "training": "train", "test": "test"}  # the others: valid
_KNOWN_AS = {
    **dict.fromkeys(("acc", "binary_accuracy", "categorical_accuracy"), "accuracy"),
    **dict.fromkeys(("sparse_categorical_accuracy", "multiclass_accuracy"), "accuracy"),
    **dict.fromkeys(
        ("top_k_categorical_accuracy", "sparse_top_k_categorical_accuracy", "top5"),
        "top_k_accuracy",
    ),
    **dict.fromkeys(("mse", "l2"), "mean_squared_error"),
    "rmse": "root_mean_squared_error",
    **dict.fromkeys(("mae", "l1"), "mean_absolute_error"),
    **dict.fromkeys(("r2score", "r_squared", "rsquared"), "r2"),
    **dict.fromkeys(("f1score", "fscore"), "f1"),
    "macro_f1": "f1_macro",
    "micro_f1": "f1_micro",
    **dict.fromkeys(("sensitivity", "tpr"), "recall"),
    "ppv": "precision",
    "balanced_acc": "balanced_accuracy",
    **dict.fromkeys(("roc_auc", "auroc", "roc"), "auc"),
    **dict.fromkeys(("pr_auc", "auprc", "ap"), "average_precision"),
    **dict.fromkeys(("bce", "nll", "logloss", "cross_entropy", "crossentropy"), "log_loss"),
    **dict.fromkeys(("binary_crossentropy", "categorical_crossentropy"), "log_loss"),
    "sparse_categorical_crossentropy": "log_loss",
    "brier": "brier_score",
    **dict.fromkeys(("ece", "expected_calibration_error"), "calibration_error"),
}


def meaning(name: str, known: Sequence[str]) -> tuple[str, str] | None:
    """(part of the data or "", one of the `known` metrics) that `name` probably means, or None.

    A class behind the metric stays there: ("valid", "f1.cat") of `val_f1_score.cat`.
    """
    found = _PART.fullmatch(name)
    part = _PARTS.get(found[1].lower(), "valid") if found else ""
    base, dot, label = (found[2] if found else name).partition(".")
    metric = _exact(base.lower(), known) or nearest(base, known)
    return (part, f"{metric}{dot}{label}") if metric else None


def _exact(name: str, known: Sequence[str]) -> str | None:
    """The metric that another tool calls `name`."""
    bare = name.removeprefix("neg_")
    for one in (bare, bare.removesuffix("_score"), bare.removesuffix("_loss")):
        if (meant := _KNOWN_AS.get(one, one)) in known:
            return meant
    return None
