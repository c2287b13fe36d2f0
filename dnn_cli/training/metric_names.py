"""What other tools call our metrics: names that users bring along, too far from ours in letters."""

from __future__ import annotations

import re

_PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval"), "valid"),
    "test": "test",
}
_KNOWN_AS = {
    **dict.fromkeys(
        ("acc", "accuracy_score", "binary_accuracy", "multiclass_accuracy"), "accuracy"
    ),
    **dict.fromkeys(("categorical_accuracy", "sparse_categorical_accuracy"), "accuracy"),
    **dict.fromkeys(("auroc", "roc_auc", "roc_auc_score", "roc"), "auc"),
    **dict.fromkeys(("ap", "auprc", "pr_auc", "average_precision_score"), "average_precision"),
    **dict.fromkeys(("balanced_acc", "balanced_accuracy_score"), "balanced_accuracy"),
    **dict.fromkeys(("brier", "brier_score_loss"), "brier_score"),
    **dict.fromkeys(("ece", "expected_calibration_error"), "calibration_error"),
    **dict.fromkeys(("f1_score", "fscore"), "f1"),
    **dict.fromkeys(("macro_f1", "f1_score_macro"), "f1_macro"),
    **dict.fromkeys(("micro_f1", "f1_score_micro"), "f1_micro"),
    **dict.fromkeys(("logloss", "nll", "cross_entropy", "crossentropy", "bce"), "log_loss"),
    **dict.fromkeys(("mae", "l1", "neg_mean_absolute_error"), "mean_absolute_error"),
    **dict.fromkeys(("mse", "l2", "neg_mean_squared_error"), "mean_squared_error"),
    **dict.fromkeys(("rmse", "neg_root_mean_squared_error"), "root_mean_squared_error"),
    **dict.fromkeys(("r2_score", "r_squared", "rsquared"), "r2"),
    **dict.fromkeys(("sensitivity", "tpr", "recall_score"), "recall"),
    **dict.fromkeys(("ppv", "precision_score"), "precision"),
    **dict.fromkeys(("top_k_categorical_accuracy", "top5", "top_5_accuracy"), "top_k_accuracy"),
}
_OTHER = re.compile(rf"({'|'.join(_PARTS)})[._/ -](.+)", re.IGNORECASE)


def split_meant(name: str) -> tuple[str, str]:
    """(part, metric) that the name of another tool stands for, each empty if it says nothing.

    `val_loss` is ("valid", "loss"), `rmse` ("", "root_mean_squared_error").
    """
    found = _OTHER.fullmatch(name)
    part, rest = (_PARTS[found[1].lower()], found[2]) if found else ("", name)
    metric = _KNOWN_AS.get(rest.lower(), rest if found else "")
    return part, metric
