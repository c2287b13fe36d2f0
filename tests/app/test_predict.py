"""Predictions against a forward pass of our own on weights that another library reads."""

import csv
import io
import json
import os
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from dnn_cli.app.predict import predict_file
from dnn_cli.base.errors import CheckpointError, DnnError, FileSystemError, UsageError
from dnn_cli.runs.model_file import read_model, write_model

Floats = NDArray[np.float64]


def softmax(z: Floats) -> Floats:
    e: Floats = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_equals_an_independent_forward_pass(table_run: Path, tmp_path: Path) -> None:
    table = table_run.parent.parent / "trees.csv"
    out = tmp_path / "out.csv"
    predict_file(str(table), model=str(table_run), output=str(out), proba=True)
    t = load_file(table_run / "model.safetensors")
    rows = read_csv(table)
    x = np.array([[float(r[c]) for c in ("height", "width", "noise")] for r in rows])
    columns = read_model(table_run / "model.safetensors").schema["columns"]
    x = np.stack([(v - c["shift"]) * c["factor"] for v, c in zip(x.T, columns, strict=True)], 1)
    hidden = np.maximum(x @ t["dense_1.W"] + t["dense_1.b"], 0)
    expected = softmax(hidden @ t["dense_2.W"] + t["dense_2.b"])
    found = read_csv(out)
    assert list(found[0]) == ["prediction", "p_ash", "p_oak", "p_yew"]
    p = np.array([[float(r[f"p_{k}"]) for k in ("ash", "oak", "yew")] for r in found])
    np.testing.assert_allclose(p, expected, atol=1e-6)
    labels = np.array(["ash", "oak", "yew"])[expected.argmax(axis=1)]
    assert [r["prediction"] for r in found] == labels.tolist()
    assert np.mean(labels == [r["kind"] for r in rows]) > 0.9  # it learned something


def test_images_equal_an_independent_forward_pass(digits_run: Path, tmp_path: Path) -> None:
    rng = np.random.Generator(np.random.Philox(1))
    images = rng.integers(0, 17, (50, 8, 8), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)
    out = tmp_path / "out.npy"
    predict_file(str(tmp_path / "images.npy"), model=str(digits_run), output=str(out), proba=True)
    t = load_file(digits_run / "model.safetensors")
    shift = t.get("preprocessing.scaling.shift", 0.0)
    x = (images.reshape(50, 64).astype(float) - shift) * t["preprocessing.scaling.scale"]
    hidden = np.tanh(x @ t["dense_1.W"] + t["dense_1.b"])
    expected = softmax(hidden @ t["dense_2.W"] + t["dense_2.b"])
    found = np.load(out)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_formats_agree(table_run: Path, tmp_path: Path) -> None:
    table = str(table_run.parent.parent / "trees.csv")
    for name in ("a.csv", "a.jsonl", "a.npy"):
        predict_file(table, model=str(table_run), output=str(tmp_path / name))
    labels = [row["prediction"] for row in read_csv(tmp_path / "a.csv")]
    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    assert [json.loads(line)["prediction"] for line in lines] == labels
    assert np.load(tmp_path / "a.npy").tolist() == labels


def test_pieces_do_not_change_labels_and_stay_close(table_run: Path) -> None:
    table = str(table_run.parent.parent / "trees.csv")
    outputs = []
    for size in (1, 7, 4096):
        stream = io.BytesIO()
        predict_file(
            table, model=str(table_run), output=stream, format="npy", proba=True, batch_size=size
        )
        outputs.append(np.load(io.BytesIO(stream.getvalue())))
    np.testing.assert_allclose(outputs[0], outputs[2], atol=1e-6)
    np.testing.assert_allclose(outputs[1], outputs[2], atol=1e-6)


def test_columns_are_found_by_name(table_run: Path, tmp_path: Path) -> None:
    table = table_run.parent.parent / "trees.csv"
    rows = read_csv(table)
    with (tmp_path / "moved.csv").open("w", newline="") as file:
        out = csv.DictWriter(file, ["extra", "noise", "width", "height"], extrasaction="ignore")
        out.writeheader()
        out.writerows({**row, "extra": "7"} for row in rows)
    for source, target in ((table, "a.csv"), (tmp_path / "moved.csv", "b.csv")):
        predict_file(str(source), model=str(table_run), output=str(tmp_path / target))
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


WRONG = {
    "missing column": ("a.csv", b"height,width\n1,2\n", 4),
    "text": ("a.csv", b"height,width,noise\n1,2,x\n", 4),
    "word": ("a.csv", b"height,width,noise\n1,2,loud\n", 4),
    "ragged": ("a.csv", b"height,width,noise\n1,2\n", 4),
    "empty": ("a.csv", b"", 4),
    "suffix": ("a.doc", b"height,width,noise\n1,2,3\n", 4),
    "npy called csv": ("a.csv", b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', }", 4),
    "truncated": ("a.npy", b"\x93NUMPY\x01\x00v\x00{'descr'", 4),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_inputs_are_refused_and_leave_nothing(
    case: str, table_run: Path, tmp_path: Path
) -> None:
    name, content, code = WRONG[case]
    (tmp_path / name).write_bytes(content)
    out = tmp_path / "out.csv"
    with pytest.raises(DnnError) as caught:
        predict_file(str(tmp_path / name), model=str(table_run), output=str(out))
    assert caught.value.exit_code == code
    assert len(caught.value.problems) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == [name]


@pytest.mark.parametrize("shape", [(3, 4), (3, 2), (3,), (2, 3, 3)])
def test_wrong_shapes_are_refused(shape: tuple[int, ...], table_run: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros(shape, np.float32))
    with pytest.raises(DnnError) as caught:
        predict_file(str(tmp_path / "x.npy"), model=str(table_run), output=str(tmp_path / "o.csv"))
    assert caught.value.exit_code == 4
    assert not (tmp_path / "o.csv").exists()


def test_a_pickle_inside_npy_is_not_run(table_run: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"

    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (canary.touch, ())  # type: ignore[return-value]

    np.save(tmp_path / "x.npy", np.array([Bomb()], dtype=object), allow_pickle=True)
    with pytest.raises(DnnError) as caught:
        predict_file(str(tmp_path / "x.npy"), model=str(table_run), output=str(tmp_path / "o.csv"))
    assert caught.value.exit_code == 4
    assert not canary.exists()
    pickle.loads((tmp_path / "x.npy").read_bytes()[128:])  # the bomb itself is live
    assert canary.exists()


def test_not_a_number_in_one_cell_is_located(digits_run: Path, tmp_path: Path) -> None:
    pixels = np.zeros((2, 8, 8), np.float32)
    pixels[1, 2, 3] = np.nan
    np.save(tmp_path / "x.npy", pixels)
    with pytest.raises(DnnError) as caught:
        predict_file(str(tmp_path / "x.npy"), model=str(digits_run), output=str(tmp_path / "o.csv"))
    assert caught.value.exit_code == 4
    [problem] = caught.value.problems
    assert problem.what == "the training rows were bytes (0 to 255), here is nan"
    assert problem.where.endswith("x.npy: row 2 at [2, 3]")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04junk", b"\x80\x04K\x01.", b"x" * 400])
def test_a_model_that_is_none(content: bytes, table_run: Path, tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").write_bytes(content)
    with pytest.raises(DnnError) as caught:
        predict_file(
            str(table_run.parent.parent / "trees.csv"),
            model=str(tmp_path / "m.safetensors"),
            output=str(tmp_path / "o.csv"),
        )
    assert caught.value.exit_code == 5
    assert not (tmp_path / "o.csv").exists()


def test_T10_an_existing_output_is_kept(table_run: Path, tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text("mine")
    with pytest.raises(FileSystemError):
        predict_file(
            str(table_run.parent.parent / "trees.csv"),
            model=str(table_run),
            output=str(tmp_path / "o.csv"),
        )
    assert (tmp_path / "o.csv").read_text() == "mine"


def test_a_format_must_be_known(table_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        predict_file("x.csv", model=str(table_run), output=str(tmp_path / "o.xml"))


def test_no_rows_give_no_predictions(table_run: Path, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("height,width,noise\n")
    predict_file(str(tmp_path / "x.csv"), model=str(table_run), output=str(tmp_path / "o.csv"))
    assert (tmp_path / "o.csv").read_text() == "prediction\n"


def test_T07_text_cannot_become_a_formula(tmp_path: Path) -> None:
    from dnn_cli.app.prediction_formats import as_csv
    from dnn_cli.app.prediction_rows import Rows
    from dnn_cli.base.task import Task

    rows = Rows(Task("binary", 2, ("=cmd()", "-1")), proba=False)
    lines = b"".join(as_csv(rows, [np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)]))
    assert lines == b"prediction\n'=cmd()\n-1\n"


@pytest.mark.parametrize("label", ["a\rb", "a\nb", 'say "hi"', "a,b", "\r", " a"])
def test_a_label_stays_one_cell(label: str) -> None:
    from dnn_cli.app.prediction_formats import as_csv
    from dnn_cli.app.prediction_rows import Rows
    from dnn_cli.base.task import Task

    rows = Rows(Task("binary", 2, (label, "b")), proba=True)
    text = b"".join(as_csv(rows, [np.eye(2, dtype=np.float32)])).decode()
    header, first, second = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == ["prediction", f"p_{label}", "p_b"]
    assert first[0].removeprefix("'") == label and second == ["b", "0.0", "1.0"]


def test_a_network_that_does_not_answer_its_task_is_refused(
    table_run: Path, tmp_path: Path
) -> None:
    model = read_model(table_run / "model.safetensors")
    task = {"kind": "multiclass", "count": 2, "labels": ["ash", "oak"]}
    schema = {**model.schema, "classes": ["ash", "oak"], "task": task}
    write_model(tmp_path / "m.safetensors", replace(model, schema=schema))
    (tmp_path / "x.csv").write_text("height,width,noise\n1,2,3\n")
    with pytest.raises(CheckpointError, match=r"gives \(3,\), its task takes \(2,\)"):
        predict_file(
            str(tmp_path / "x.csv"),
            model=str(tmp_path / "m.safetensors"),
            output=str(tmp_path / "o.csv"),
        )


def test_force_writes_over_an_existing_output(table_run: Path, tmp_path: Path) -> None:
    table = str(table_run.parent.parent / "trees.csv")
    for name in ("o.csv", "new.csv"):
        predict_file(table, model=str(table_run), output=str(tmp_path / name), force=True)
    fresh = (tmp_path / "new.csv").read_bytes()
    (tmp_path / "o.csv").write_text("mine")
    (tmp_path / "link.csv").symlink_to(tmp_path / "o.csv")
    predict_file(table, model=str(table_run), output=str(tmp_path / "link.csv"), force=True)
    assert (tmp_path / "o.csv").read_bytes() == fresh and (tmp_path / "link.csv").is_symlink()


@pytest.mark.parametrize("other", ["itself", "a hard link", "a symbolic link", "another spelling"])
@pytest.mark.parametrize("needed", ["input", "model"])
def test_input_and_model_are_never_written_over(
    needed: str, other: str, table_run: Path, tmp_path: Path
) -> None:
    table, model = tmp_path / "trees.csv", tmp_path / "m.safetensors"
    shutil.copy(table_run.parent.parent / "trees.csv", table)
    shutil.copy(table_run / "model.safetensors", model)
    target = table if needed == "input" else model
    before, output = target.read_bytes(), target
    if other == "a hard link":
        output = tmp_path / "hard.csv"
        os.link(target, output)
    elif other == "a symbolic link":
        output = tmp_path / "soft.csv"
        output.symlink_to(target)
    elif other == "another spelling":
        output = tmp_path / "x" / ".." / target.name
        (tmp_path / "x").mkdir()
    for force in (True, False):
        with pytest.raises(FileSystemError, match=f"is the {needed}"):
            predict_file(
                str(table), model=str(model), output=str(output), format="csv", force=force
            )
    assert target.read_bytes() == before


def test_a_failed_prediction_leaves_what_force_would_replace(
    table_run: Path, tmp_path: Path
) -> None:
    (tmp_path / "x.csv").write_text("height,width,noise\n1,2,3\n1,oops,3\n")
    (tmp_path / "o.csv").write_text("mine")
    with pytest.raises(DnnError):
        predict_file(
            str(tmp_path / "x.csv"),
            model=str(table_run),
            output=str(tmp_path / "o.csv"),
            force=True,
        )
    assert (tmp_path / "o.csv").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["o.csv", "x.csv"]


def test_large_examples_are_read_fewer_at_a_time(
    digits_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dnn_cli.app.predict as module

    np.save(tmp_path / "x.npy", np.zeros((10, 8, 8), np.uint8))
    asked: list[int] = []
    real = module.source_of

    class Spy:
        def __init__(self, path: str, dialect: object) -> None:
            self.source = real(path)

        def tables(self, columns: object, rows: int) -> object:
            asked.append(rows)
            return self.source.tables(columns, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "source_of", Spy)
    for limit in (1 << 26, 64 * 3, 1):
        monkeypatch.setattr(module, "_NUMBERS", limit)
        predict_file(str(tmp_path / "x.npy"), model=str(digits_run), output=io.BytesIO())
    assert asked == [8192, 3, 1]
