"""Of two classes one is positive: which, where it is named, and that every command means it."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as truth

from dnn_cli.app.evaluate import evaluate_model
from dnn_cli.app.info import model_info
from dnn_cli.app.predict import predict_file
from dnn_cli.app.resume import resume_run
from dnn_cli.app.train import train_run
from dnn_cli.base.errors import CheckpointError, DataError
from dnn_cli.config.load import load_config
from dnn_cli.runs.checkpoint import read_checkpoint, write_checkpoint
from dnn_cli.runs.model_file import read_model, write_model

CONFIG = (
    "data: {{source: cards.csv, target: y, split: {{valid: 0.2, test: 0.2}}{data}}}\n"
    "model: {{hidden: [8]}}\noptimizer: {{type: adam, learning_rate: 1e-2}}\n"
    "training: {{epochs: 8, threads: 1}}\n{more}"
)


def write(folder: Path, *, data: str = "", more: str = "", words: str = "ok fraud") -> Path:
    """A table of which a tenth is of the second word, and what to train on it."""
    rng = np.random.Generator(np.random.Philox(9))
    common, rare = words.split()
    rows = rng.normal(size=(400, 3))
    found = rows[:, 0] + 0.5 * rng.normal(size=400) > 1.45
    with (folder / "cards.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["a", "b", "c", "y"])
        out.writerows([*map(str, row), rare if is_rare else common]
                      for row, is_rare in zip(rows, found, strict=True))  # fmt: skip
    (folder / "t.yaml").write_text(CONFIG.format(data=data, more=more))
    return folder / "t.yaml"


def trained(config: Path, **options: Any) -> Path:
    return Path(train_run(str(config), runs=str(config.parent / "runs"), **options).run)


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(write(tmp_path_factory.mktemp("cards")))


def predicted(run: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The labels of the table, and what is predicted for its rows."""
    table, out = run.parent.parent / "cards.csv", run.parent.parent / f"{run.name}.csv"
    predict_file(str(table), model=str(run), output=str(out), proba=True)
    with table.open(newline="") as known, out.open(newline="") as guessed:
        return [row["y"] for row in csv.DictReader(known)], list(csv.DictReader(guessed))


@pytest.mark.parametrize(
    ("data", "more", "positive"),
    [
        ("", "", "fraud"),
        (", positive: [ok]", "", "ok"),
        (", positive: [fraud]", "", "fraud"),
        ("", "loss: softmax_cross_entropy\n", "fraud"),  # two outputs instead of one
    ],
)
def test_scikit_learn_with_this_class_as_pos_label_agrees(
    tmp_path: Path, data: str, more: str, positive: str
) -> None:
    run = trained(write(tmp_path, data=data, more=more))
    y, rows = predicted(run)
    decided = [row["prediction"] for row in rows]
    score = [float(row[f"p_{positive}"]) for row in rows]
    found = evaluate_model(str(run), data=str(tmp_path / "cards.csv"))
    is_positive = [label == positive for label in y]
    expected = {
        "precision": truth.precision_score(y, decided, pos_label=positive),
        "recall": truth.recall_score(y, decided, pos_label=positive),
        "f1": truth.f1_score(y, decided, pos_label=positive),
        "auc": truth.roc_auc_score(is_positive, score),
        "average_precision": truth.average_precision_score(y, score, pos_label=positive),
        "brier_score": truth.brier_score_loss(y, score, pos_label=positive),
        "accuracy": truth.accuracy_score(y, decided),
    }
    assert found.positive == positive
    assert {k: found.metrics[k] for k in expected} == pytest.approx(expected, rel=1e-6)
    labels = [c.label for c in found.classes]
    assert labels[1] == positive and set(labels) == {"ok", "fraud"}
    each = truth.precision_recall_fscore_support(y, decided, labels=labels)
    ours = [(c.precision, c.recall, c.f1, c.support) for c in found.classes]
    np.testing.assert_allclose(np.array(ours).T, each, rtol=1e-12)
    matrix = truth.confusion_matrix(y, decided, labels=labels)
    assert found.confusion == tuple(map(tuple, matrix.tolist()))


def test_the_positive_class_is_named_everywhere(cards: Path) -> None:
    notes = json.loads((cards / "environment.json").read_text())["notes"]
    [line] = [note for note in notes if note.startswith("task")]
    assert ", positive class fraud (the rarer one: " in line
    assert load_config(str(cards / "resolved.yaml")).spec.data.positive == ("fraud",)
    assert evaluate_model(str(cards)).positive == "fraud"
    assert model_info(str(cards)).positive == "fraud"
    assert json.loads((cards / "summary.json").read_text())["positive"] == "fraud"


def test_gates_are_on_the_positive_class(cards: Path) -> None:
    recall = evaluate_model(str(cards)).metrics["recall"]
    of_ok = evaluate_model(str(cards), fail_if=["recall.ok<0"]).metrics["recall.ok"]
    assert recall < of_ok
    assert evaluate_model(str(cards), fail_if=[f"recall<{(recall + of_ok) / 2}"]).failed


def test_positive_weight_is_a_weight_of_the_positive_class(tmp_path: Path) -> None:
    loss = "loss: {type: sigmoid_cross_entropy, positive_weight: 20}\n"
    run = trained(write(tmp_path, more=loss))
    labels, rows = predicted(run)
    plain = [row["prediction"] for row in predicted(trained(write(tmp_path)))[1]]
    assert [row["prediction"] for row in rows].count("fraud") > 2 * plain.count("fraud")
    assert truth.recall_score(labels, [r["prediction"] for r in rows], pos_label="fraud") > 0.9


@pytest.mark.parametrize(
    "words", ["ok \x1b[31m", "yes no", "ok 010", "ok '", "a \u202eb", "ok 1e3"]
)
def test_any_word_may_be_the_positive_class(tmp_path: Path, words: str) -> None:
    """`resolved.yaml` has to bring it back as it was."""
    run = trained(write(tmp_path, words=words))
    rare = words.split()[1]
    assert load_config(str(run / "resolved.yaml")).spec.data.positive == (rare,)
    assert evaluate_model(str(run)).positive == rare


def as_before(run: Path) -> None:
    """Make a run, whose positive class is the last by code point, one of before it was named."""
    resolved = run / "resolved.yaml"
    text = resolved.read_text()
    assert "positive: [ok]" in text
    resolved.write_text(text.replace("positive: [ok]", "positive: null"))
    model = read_model(run / "model.safetensors")
    assert model.schema["positive"] == ["ok"]
    schema = {**model.schema, "positive": []}
    write_model(run / "model.safetensors", replace(model, schema=schema))
    for path in (run / "checkpoints").iterdir():
        if path.name == "best.safetensors":
            continue
        found = read_checkpoint(path)
        facts = found.state["facts"]
        config = {**facts["config"], "data": {**facts["config"]["data"], "positive": None}}
        text = json.dumps(dict(schema), sort_keys=True, separators=(",", ":"))
        columns = hashlib.sha256(text.encode("ascii")).hexdigest()
        known = {"config": config, "data": {**facts["data"], "columns": columns}}
        state = {**found.state, "facts": {**facts, **known}}
        write_checkpoint(
            path, replace(found, model=replace(found.model, schema=schema), state=state)
        )


def test_runs_of_before_keep_their_positive_class(tmp_path: Path) -> None:
    run = trained(write(tmp_path, data=", positive: [ok]"))
    known = evaluate_model(str(run))
    as_before(run)
    again = evaluate_model(str(run))
    assert again.positive == known.positive == "ok" and again.metrics == known.metrics
    assert model_info(str(run)).positive == "ok"
    said: list[str] = []
    result = resume_run(str(run), overrides=["training.epochs=10"], say=said.append)
    assert result.epoch == 10 and not any("another training" in s and "positive" in s for s in said)
    assert evaluate_model(str(run)).positive == "ok"


def test_a_run_is_not_resumed_with_another_positive_class(tmp_path: Path) -> None:
    run = trained(write(tmp_path))
    with pytest.raises(CheckpointError, match="data"):
        resume_run(str(run), overrides=["data.positive=[ok]", "training.epochs=10"])


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("fraud", "fake"),
        lambda text: text + "0,0,0,third\n",
        lambda text: text.replace("ok", "1").replace("fraud", "0"),
    ],
)
def test_data_with_other_classes_than_the_model_knows_are_not_its_test_data(
    tmp_path: Path, change: Callable[[str], str]
) -> None:
    run = trained(write(tmp_path))
    table = tmp_path / "cards.csv"
    table.write_text(change(table.read_text()))
    with pytest.raises(DataError):
        evaluate_model(str(run))
