"""Targets of one column a class: trained, evaluated and predicted as classes."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dnn_cli.app.evaluate import evaluate_model
from dnn_cli.app.info import model_info
from dnn_cli.app.predict import predict_file
from dnn_cli.app.resume import resume_run
from dnn_cli.app.train import train_run
from dnn_cli.base.errors import DataError

KINDS = ("oak", "elm", "ash")  # not in the order of the alphabet
CODES = np.arange(90) % 3
INPUTS = np.random.Generator(np.random.Philox(5)).normal(CODES[:, None], 0.2, (90, 2))
ONES = np.eye(3, dtype=int)[CODES]
MORE = (
    "model: {hidden: [16]}\ntraining: {epochs: 40, batch_size: 16, threads: 1}\n"
    "optimizer: {type: adam, learning_rate: 0.02}\n"
)


def table(path: Path) -> str:
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["x", *KINDS, "y"])
        out.writerows([x, *ones, y] for (x, y), ones in zip(INPUTS, ONES.tolist(), strict=True))
    return "{source: t.csv, target: [oak, elm, ash]"


def archive(path: Path) -> str:
    np.savez(path, x=INPUTS, y=ONES.astype(np.uint8))
    return "{source: t.npz"


def columns(path: Path) -> str:
    np.save(path, np.concatenate([INPUTS, ONES], axis=1))
    return "{source: t.npy, target: [2, 3, -1]"


@pytest.mark.parametrize(
    ("make", "suffix", "labels"),
    [
        (table, "csv", KINDS),
        (archive, "npz", ("0", "1", "2")),
        (columns, "npy", ("0", "1", "2")),
    ],
)
def test_from_the_table_to_the_prediction(
    tmp_path: Path, make: Callable[[Path], str], suffix: str, labels: tuple[str, ...]
) -> None:
    data = tmp_path / f"t.{suffix}"
    section = make(data)
    (tmp_path / "t.yaml").write_text(f"data: {section}, split: {{test: 0.2}}}}\n{MORE}")
    said: list[str] = []
    run = train_run(str(tmp_path / "t.yaml"), runs=str(tmp_path / "runs"), say=said.append).run
    assert said[0].startswith(f"task: multiclass, classes {', '.join(labels)} (one-hot columns")
    assert "18 test rows (stratified by class" in said[1]
    info = model_info(run)
    assert (info.task, info.labels, info.loss) == ("multiclass", labels, "softmax_cross_entropy")
    predict_file(str(data), model=run, output=str(tmp_path / "o.csv"), proba=True)
    with (tmp_path / "o.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["prediction", *(f"p_{label}" for label in labels)]
    right = sum(row["prediction"] == labels[k] for row, k in zip(rows, CODES, strict=True))
    assert right > 80
    found = evaluate_model(run, data=str(data))
    assert found.metrics["accuracy"] == pytest.approx(right / 90, abs=1e-12)
    assert [(c.label, c.support) for c in found.classes] == [(label, 30) for label in labels]
    assert evaluate_model(run).rows == 18
    assert resume_run(run, overrides=["training.epochs=41"]).epoch == 41  # from resolved.yaml


def test_other_rows_than_one_hot_ones_are_refused_with_their_place(tmp_path: Path) -> None:
    section = table(tmp_path / "t.csv")
    (tmp_path / "t.yaml").write_text(f"data: {section}}}\n{MORE}")
    run = train_run(str(tmp_path / "t.yaml"), runs=str(tmp_path / "runs")).run
    (tmp_path / "new.csv").write_text("x,oak,elm,ash,y\n1,1,0,0,1\n1,1,0,1,1\n1,0,0,0,1\n")
    with pytest.raises(DataError, match="2 of 3 rows of targets are not a single 1") as caught:
        evaluate_model(run, data=str(tmp_path / "new.csv"))
    assert "row 2, row 3" in caught.value.problems[0].where


def test_a_table_without_the_columns_is_predicted_too(tmp_path: Path) -> None:
    section = table(tmp_path / "t.csv")
    (tmp_path / "t.yaml").write_text(f"data: {section}}}\n{MORE}")
    run = train_run(str(tmp_path / "t.yaml"), runs=str(tmp_path / "runs")).run
    (tmp_path / "new.csv").write_text("x,y\n0,0\n1,1\n2,2\n")
    predict_file(str(tmp_path / "new.csv"), model=run, output=str(tmp_path / "o.csv"))
    assert (tmp_path / "o.csv").read_text().split() == ["prediction", *KINDS]


def test_multilabel_takes_the_columns_one_by_one(tmp_path: Path) -> None:
    section = table(tmp_path / "t.csv")
    (tmp_path / "t.yaml").write_text(f"data: {section}, task: multilabel}}\n{MORE}")
    run = train_run(str(tmp_path / "t.yaml"), runs=str(tmp_path / "runs")).run
    assert (model_info(run).task, model_info(run).labels) == ("multilabel", KINDS)


def of_words(path: Path, yes: str, no: str, kinds: tuple[str, ...] = KINDS) -> str:
    """The table with words in the place of 1 and 0, as pandas writes True and False."""
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["x", "y", *kinds])
        ones = np.eye(len(kinds), dtype=int)[np.arange(90) % len(kinds)]
        rows = zip(INPUTS, ones.tolist(), strict=True)
        out.writerows([x, y, *(yes if one else no for one in row)] for (x, y), row in rows)
    return f"{{source: t.csv, target: [{', '.join(kinds)}]"


def trained(folder: Path, section: str) -> tuple[str, list[str]]:
    said: list[str] = []
    (folder / "t.yaml").write_text(f"data: {section}}}\n{MORE}")
    return train_run(str(folder / "t.yaml"), runs=str(folder / "runs"), say=said.append).run, said


@pytest.mark.parametrize(("yes", "no"), [("True", "False"), ("yes", "no"), ("TRUE", "FALSE")])
def test_words_of_yes_and_no_are_ones_and_zeros(tmp_path: Path, yes: str, no: str) -> None:
    run, said = trained(tmp_path, of_words(tmp_path / "t.csv", yes, no))
    assert said[0].startswith("task: multiclass, classes oak, elm, ash (one-hot columns")
    found = evaluate_model(run, data=str(tmp_path / "t.csv"))
    with (tmp_path / "ones.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["x", "y", *KINDS], *([*x, *row] for x, row in zip(INPUTS, ONES, strict=True))]
        )
    assert found.metrics == evaluate_model(run, data=str(tmp_path / "ones.csv")).metrics
    assert found.metrics["accuracy"] > 0.9


@pytest.mark.parametrize("target", ["[oak, elm]", "[oak]"])
def test_words_of_yes_and_no_are_labels(tmp_path: Path, target: str) -> None:
    of_words(tmp_path / "t.csv", "True", "False")
    section = f"{{source: t.csv, target: {target}, exclude: [ash], task: multilabel"
    run, _ = trained(tmp_path, section)
    found = evaluate_model(run, data=str(tmp_path / "t.csv"))
    assert [(c.label, c.support) for c in found.classes] == [] and found.metrics["accuracy"] > 0.6
    assert model_info(run).task == "multilabel"


def test_words_of_yes_and_no_may_be_numbers_to_predict(tmp_path: Path) -> None:
    run, _ = trained(tmp_path, f"{of_words(tmp_path / 't.csv', 'yes', 'no')}, task: regression")
    assert evaluate_model(run, data=str(tmp_path / "t.csv")).rows == 90


def test_other_words_in_one_of_the_columns_are_not(tmp_path: Path) -> None:
    section = of_words(tmp_path / "t.csv", "True", "maybe")
    with pytest.raises(DataError, match="3 target columns of text") as caught:
        trained(tmp_path, section)
    assert "true and false" in caught.value.problems[0].fix


@pytest.mark.parametrize("kind", ["?", "u1", "f4", "i8"])
def test_two_columns_name_the_positive_one(tmp_path: Path, kind: str) -> None:
    np.savez(tmp_path / "t.npz", x=INPUTS, y=np.eye(2)[(CODES > 1).astype(int)].astype(kind))
    run, said = trained(tmp_path, "{source: t.npz")
    assert "task: binary, classes 0, 1" in said[0] and "positive class 1" in said[0]
    found = evaluate_model(run, data=str(tmp_path / "t.npz"))
    assert found.positive == "1" and found.classes[1].support == int((CODES > 1).sum())


def test_two_named_columns_have_the_rarer_as_positive(tmp_path: Path) -> None:
    with (tmp_path / "t.csv").open("w", newline="") as file:
        ones = np.eye(2, dtype=int)[(CODES == 0).astype(int)].tolist()
        rows = ([*x, *row] for x, row in zip(INPUTS, ones, strict=True))
        csv.writer(file).writerows([["x", "y", "often", "rare"], *rows])
    run, said = trained(tmp_path, "{source: t.csv, target: [often, rare]")
    assert "positive class rare (the rarer one: 30 of 90 rows)" in said[0]
    assert evaluate_model(run, data=str(tmp_path / "t.csv")).positive == "rare"


def test_a_model_of_two_classes_of_equal_standing_stays_as_it_is(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", x=INPUTS, y=np.eye(2)[(CODES > 1).astype(int)])
    run, said = trained(tmp_path, "{source: t.npz, task: multiclass")
    assert said[0].startswith("task: multiclass, classes 0, 1 (as configured)")
    assert evaluate_model(run, data=str(tmp_path / "t.npz")).positive is None
