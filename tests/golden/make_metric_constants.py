"""Make `metric_constants.json`: small inputs and what scikit-learn says of them.

Run by hand, with an interpreter that has scikit-learn. The file states the versions.
Probabilities are counts over a power of two, so that they are exact, tie often and are 0 at times
(log_loss then takes the spacing of float32 at 1); `untied` cases are softmax rows.
"""

from __future__ import annotations

import json
import platform
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

Numbers = dict[str, Any]


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=seed))


def tied_rows(rng: np.random.Generator, n: int, shares: list[float], of: int) -> np.ndarray:
    return (rng.multinomial(of, shares, size=n) / of).astype(np.float32)


def untied_rows(rng: np.random.Generator, targets: np.ndarray, classes: int) -> np.ndarray:
    z = rng.normal(size=(len(targets), classes))
    z[np.arange(len(targets)), targets] += 1.0
    e = np.exp(z)
    return (e / e.sum(axis=1, keepdims=True)).astype(np.float32)


def expected_calibration(right: np.ndarray, confidence: np.ndarray) -> float:
    true, claimed = calibration_curve(right, confidence, n_bins=15, strategy="uniform")
    edges = np.linspace(0.0, 1.0, 16)
    size = np.bincount(np.searchsorted(edges[1:-1], confidence), minlength=15)
    return float(np.abs(true - claimed) @ size[size > 0] / len(right))


def averages(y: np.ndarray, decided: np.ndarray, classes: int) -> Numbers:
    """Macro over the classes that occur, micro, and per class (null: occurs in neither)."""
    on = y if y.ndim == 2 else y[:, None] == np.arange(classes)
    said = decided if y.ndim == 2 else decided[:, None] == np.arange(classes)
    occurs = (on | said.astype(bool)).any(axis=0) if y.ndim == 1 else (on + said).any(axis=0)
    there = np.flatnonzero(occurs)
    found: Numbers = {}
    for name, score in (
        ("precision", sk.precision_score),
        ("recall", sk.recall_score),
        ("f1", sk.f1_score),
    ):
        each = score(y, decided, labels=range(classes), average=None, zero_division=0)
        macro = score(y, decided, labels=there, average="macro", zero_division=0)
        found[f"{name}_macro"] = float(macro)
        found[f"{name}_micro"] = float(score(y, decided, average="micro", zero_division=0))
        found[f"{name}."] = [float(v) if o else None for v, o in zip(each, occurs, strict=True)]
    return found


def ranking(on: np.ndarray, p: np.ndarray) -> Numbers:
    """One class against the rest, each; null where scikit-learn has no answer either."""
    auc = [
        float(sk.roc_auc_score(y, s)) if 0 < y.sum() < len(y) else None
        for y, s in zip(on.T, p.T, strict=True)
    ]
    precision = [
        float(sk.average_precision_score(y, s)) if y.any() else None
        for y, s in zip(on.T, p.T, strict=True)
    ]
    return {"auc.": auc, "average_precision.": precision}


def mean(values: list[float | None]) -> float:
    return float(np.mean([v for v in values if v is not None]))


def one_class(kind: str, p: np.ndarray, y: np.ndarray) -> Numbers:
    classes = p.shape[1]
    decided = p.argmax(axis=1)
    on = y[:, None] == np.arange(classes)
    found = averages(y, decided, classes) | ranking(on, p)
    found |= {
        "accuracy": float(sk.accuracy_score(y, decided)),
        "balanced_accuracy": float(sk.balanced_accuracy_score(y, decided)),
        "log_loss": float(sk.log_loss(y, p, labels=range(classes))),
        "calibration_error": expected_calibration(decided == y, p.max(axis=1).astype(np.float64)),
        "confusion_matrix": sk.confusion_matrix(y, decided, labels=range(classes)).tolist(),
    }
    if kind == "binary":
        found |= {
            "precision": float(sk.precision_score(y, decided)),
            "recall": float(sk.recall_score(y, decided)),
            "f1": float(sk.f1_score(y, decided)),
            "auc": float(sk.roc_auc_score(y, p[:, 1])),
            "average_precision": float(sk.average_precision_score(y, p[:, 1])),
            "brier_score": float(sk.brier_score_loss(y, p[:, 1].astype(np.float64))),
        }
        return found
    found |= {name: found[f"{name}_macro"] for name in ("precision", "recall", "f1")}
    exact = p.astype(np.float64) / p.astype(np.float64).sum(axis=1, keepdims=True)
    found |= {
        "auc": mean(found["auc."]),
        "average_precision": mean(found["average_precision."]),
        "brier_score": float(sk.brier_score_loss(y, exact, labels=range(classes))),
    }
    if len(np.unique(y)) == classes:
        found["auc"] = float(sk.roc_auc_score(y, exact, multi_class="ovr"))
    if classes > 5 and all(len(np.unique(row)) == classes for row in p):
        found["top_k_accuracy"] = float(sk.top_k_accuracy_score(y, p, k=5, labels=range(classes)))
    return found


def multilabel(p: np.ndarray, y: np.ndarray) -> Numbers:
    decided, on = (p > 0.5).astype(int), y.astype(int)
    found = averages(on, decided, p.shape[1]) | ranking(on, p)
    pairs = list(zip(on.T, p.T, strict=True))
    found |= {
        "accuracy": float(sk.accuracy_score(on, decided)),
        "log_loss": float(np.mean([sk.log_loss(t, s, labels=[0, 1]) for t, s in pairs])),
        "brier_score": float(
            np.mean([sk.brier_score_loss(t, s.astype(np.float64)) for t, s in pairs])
        ),
        "auc": mean(found["auc."]),
        "average_precision": mean(found["average_precision."]),
        "confusion_matrix": sk.multilabel_confusion_matrix(on, decided).tolist(),
    }
    found |= {name: found[f"{name}_macro"] for name in ("precision", "recall", "f1")}
    return found


def regression(p: np.ndarray, y: np.ndarray) -> Numbers:
    p, y = p.astype(np.float64), y.astype(np.float64)
    found: Numbers = {
        "mean_squared_error": float(sk.mean_squared_error(y, p)),
        "root_mean_squared_error": float(np.sqrt(sk.mean_squared_error(y, p))),
        "mean_absolute_error": float(sk.mean_absolute_error(y, p)),
        "r2": float(sk.r2_score(y, p)),
        "explained_variance": float(sk.explained_variance_score(y, p)),
    }
    each = {
        "mean_squared_error": sk.mean_squared_error,
        "root_mean_squared_error": sk.root_mean_squared_error,
        "mean_absolute_error": sk.mean_absolute_error,
        "r2": sk.r2_score,
        "explained_variance": sk.explained_variance_score,
        "pinball_loss": sk.mean_pinball_loss,
    }
    found["pinball_loss"] = float(sk.mean_pinball_loss(y, p))
    if y.min() > 0:
        for name, power in (("poisson", 1.0), ("gamma", 2.0), ("tweedie", 1.5)):
            pairs = zip(y.T, p.T, strict=True)
            of = [float(sk.mean_tweedie_deviance(t, s, power=power)) for t, s in pairs]
            found[f"mean_{name}_deviance."] = of
            found[f"mean_{name}_deviance"] = float(np.mean(of))
    return found | {f"{n}.": f(y, p, multioutput="raw_values").tolist() for n, f in each.items()}


def cases() -> dict[str, tuple[str, np.ndarray, np.ndarray]]:
    found: dict[str, tuple[str, np.ndarray, np.ndarray]] = {}
    rng = generator(1)
    p = tied_rows(rng, 40, [0.6, 0.4], 8)
    found["binary tied"] = ("binary", p, (rng.random(40) < p[:, 1] * 0.5 + 0.2).astype(int))
    rng = generator(2)
    y = (rng.random(40) < 0.3).astype(int)
    found["binary untied"] = ("binary", untied_rows(rng, y, 2), y)
    rng = generator(3)
    y = rng.integers(0, 4, 50)
    found["multiclass tied"] = ("multiclass", tied_rows(rng, 50, [0.1, 0.2, 0.3, 0.4], 8), y)
    rng = generator(4)
    y = rng.integers(0, 8, 50)
    found["multiclass untied"] = ("multiclass", untied_rows(rng, y, 8), y)
    rng = generator(5)  # class 3 is decided but never true, class 4 is neither
    y = rng.integers(0, 3, 40)
    p = tied_rows(rng, 40, [0.25, 0.25, 0.25, 0.24, 0.01], 32)
    found["multiclass with absent classes"] = ("multiclass", p, y)
    rng = generator(6)  # label 2 is decided but never true, label 3 is neither
    p = (rng.integers(0, 9, (40, 4)) / 8).astype(np.float32)
    p[:, 3] /= 4
    y = (rng.random((40, 4)) < 0.3 + 0.4 * (p > 0.5)).astype(np.float32) * [1, 1, 0, 0]
    found["multilabel"] = ("multilabel", p, y.astype(np.float32))
    rng = generator(7)
    y = rng.normal(3.0, 2.0, (30, 1)).astype(np.float32)
    noise = rng.normal(0.3, 1.0, (30, 1))
    found["regression"] = ("regression", (y + noise).astype(np.float32), y)
    rng = generator(8)
    y = (rng.normal(size=(30, 3)) * [1.0, 10.0, 0.1] + [0.0, 100.0, -5.0]).astype(np.float32)
    noise = rng.normal(size=(30, 3)) * [0.5, 12.0, 0.01] + [0.2, 0.0, 0.05]
    found["regression of three targets"] = ("regression", (y + noise).astype(np.float32), y)
    rng = generator(9)
    y = (rng.gamma(0.8, size=(30, 2)) * [1.0, 500.0] + 0.01).astype(np.float32)
    found["amounts"] = ("regression", (y * rng.gamma(4.0, 0.25, (30, 2))).astype(np.float32), y)
    return found


def main() -> None:
    warnings.filterwarnings("ignore", message="y_pred contains classes not in y_true")
    document: Numbers = {
        "made by": "tests/golden/make_metric_constants.py",
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
        },
        "cases": {},
    }
    for name, (kind, p, y) in cases().items():
        if kind == "regression":
            expected = regression(p, y)
        elif kind == "multilabel":
            expected = multilabel(p, y)
        else:
            expected = one_class(kind, p, y)
        document["cases"][name] = {
            "kind": kind,
            "predictions": p.tolist(),
            "targets": y.tolist(),
            "expected": expected,
        }
    path = Path(__file__).with_name("metric_constants.json")
    text = json.dumps(document, allow_nan=False)
    # One case a line: reviewable differences without thousands of lines.
    path.write_text(text.replace('}}, "', '}},\n"').replace('"cases": {', '"cases": {\n') + "\n")


if __name__ == "__main__":
    main()
