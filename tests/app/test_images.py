"""From image files to predictions, and augmentation from the configuration to the run."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dnn_cli.app.build import build
from dnn_cli.app.evaluate import evaluate_model
from dnn_cli.app.predict import predict_file
from dnn_cli.app.train import train_run
from dnn_cli.base.errors import ConfigError, DataError
from dnn_cli.config.load import load_config


def write_images(folder: Path, side: int, count: int, seed: int) -> None:
    """Two classes: bright on the left, or at the top."""
    rng = np.random.Generator(np.random.Philox(seed))
    for kind in ("left", "top"):
        (folder / kind).mkdir(parents=True)
        for i in range(count):
            pixels = rng.integers(0, 120, (side, side), dtype=np.uint8)
            (pixels.T if kind == "left" else pixels)[: side // 2] += 120
            Image.fromarray(pixels).save(folder / kind / f"{i:02}.png")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    write_images(folder / "photos", 12, 20, 0)
    write_images(folder / "others", 24, 5, 1)
    (folder / "photos.yaml").write_text(
        "data:\n  source: photos\n  split: {valid: 0.2}\n"
        "  augment: {shift: 1, rotation: 5, noise: 0.02}\n"
        "model: {hidden: [16]}\ntraining: {epochs: 15, batch_size: 8}\n"
    )
    return Path(train_run(str(folder / "photos.yaml"), runs=str(folder / "runs")).run)


def test_a_bare_folder_is_a_source(run: Path) -> None:
    resolved = load_config(str(run / "resolved.yaml")).spec.data
    assert resolved.source.spec_name == "image_folder"
    assert resolved.augment is not None and resolved.augment.rotation == 5


def test_a_folder_is_evaluated_and_resized_to_the_model(run: Path) -> None:
    found = evaluate_model(str(run), data=str(run.parent.parent / "others"))
    assert found.rows == 10 and found.metrics["accuracy"] > 0.8
    assert evaluate_model(str(run), split="valid").metrics["accuracy"] > 0.8


def test_one_image_is_predicted_as_the_folder_it_is_in(run: Path, tmp_path: Path) -> None:
    others = run.parent.parent / "others"
    predict_file(str(others), model=str(run), output=str(tmp_path / "all.jsonl"), proba=True)
    rows = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert len(rows) == 10
    one = others / "top" / "03.png"
    predict_file(str(one), model=str(run), output=str(tmp_path / "one.jsonl"), proba=True)
    [alone] = [json.loads(line) for line in (tmp_path / "one.jsonl").read_text().splitlines()]
    assert alone["prediction"] == rows[8]["prediction"]
    assert alone["p_top"] == pytest.approx(rows[8]["p_top"], abs=1e-6)


def test_an_image_has_no_label(run: Path) -> None:
    with pytest.raises(DataError, match="no labels"):
        evaluate_model(str(run), data=str(run.parent.parent / "others" / "top" / "03.png"))


def test_idx_files_are_predicted_and_evaluated(digits_run: Path, tmp_path: Path) -> None:
    import dnn_cli.data

    shipped = Path(dnn_cli.data.__file__).parent / "builtin"
    for name in ("digits-images.idx.gz", "digits-labels.idx.gz"):
        (tmp_path / name).write_bytes((shipped / name).read_bytes())
    images = tmp_path / "digits-images.idx.gz"
    out = tmp_path / "out.csv"
    assert predict_file(str(images), model=str(digits_run), output=str(out)).rows == 1797
    assert evaluate_model(str(digits_run), data=str(images)).metrics["accuracy"] > 0.8


CONFIG = "data:\n  source: {{type: builtin, name: {name}}}\n  augment: {{{augment}}}\n"


@pytest.mark.parametrize(
    ("name", "augment", "where", "message"),
    [
        ("iris", "flip: true", "a.yaml:3:3", "only images can be augmented"),
        ("digits", "flip: true, shift: 8", "a.yaml:3:32", "8 pixels of images of 8x8"),
        ("digits", "cutout: 9", "a.yaml:3:21", "leave none"),
    ],
)
def test_what_cannot_be_augmented_is_located(
    tmp_path: Path, name: str, augment: str, where: str, message: str
) -> None:
    (tmp_path / "a.yaml").write_text(CONFIG.format(name=name, augment=augment))
    with pytest.raises(ConfigError, match=message) as caught:
        build(load_config(str(tmp_path / "a.yaml")))
    assert caught.value.problems[0].where.endswith(where)


def test_augmentation_does_not_reach_validation_and_test(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "data:\n  source: {type: builtin, name: digits}\n  split: {valid: 0.1, test: 0.1}\n"
    )
    plain = build(load_config(str(tmp_path / "a.yaml")))
    (tmp_path / "a.yaml").write_text(
        (tmp_path / "a.yaml").read_text() + "  augment: {noise: 0.5, cutout: 3}\n"
    )
    changed = build(load_config(str(tmp_path / "a.yaml")))
    for part in ("train", "valid", "test"):
        one, other = getattr(plain.prepared, part), getattr(changed.prepared, part)
        assert one.inputs.tobytes() == other.inputs.tobytes()
    seen = []
    for built in (plain, changed):
        batches = built.session().train
        x, t = batches.dataset.buffers(batches.batch_size)
        batches.fill(0, 0, x, t)
        seen.append(x)
    assert (seen[0] != seen[1]).any(axis=(1, 2, 3)).all()


@pytest.fixture(scope="module")
def flat_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of rows of 144 bytes, trained on the images of `run` as an array."""
    folder = tmp_path_factory.mktemp("flat")
    write_images(folder / "photos", 12, 20, 0)
    rows, labels = rows_of(folder / "photos")
    np.savez(folder / "rows.npz", x=rows, y=labels)
    (folder / "rows.yaml").write_text(
        "data: {source: rows.npz}\nmodel: {hidden: [16]}\ntraining: {epochs: 15, batch_size: 8}\n"
    )
    return Path(train_run(str(folder / "rows.yaml"), runs=str(folder / "runs")).run)


def rows_of(folder: Path) -> tuple[np.ndarray, list[str]]:
    """The images of a folder as rows of bytes, read by Pillow, in the order of their paths."""
    paths = sorted(folder.glob("*/*.png"))
    return np.stack([np.asarray(Image.open(path)).ravel() for path in paths]), [
        path.parent.name for path in paths
    ]


def table_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def predicted(source: Path, run: Path, out: Path) -> tuple[list[dict[str, object]], list[str]]:
    said: list[str] = []
    predict_file(str(source), model=str(run), output=str(out), proba=True, say=said.append)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    return [{k: v for k, v in row.items() if k != "file"} for row in rows], said


def test_flat_rows_are_predicted_as_the_images_that_they_are(run: Path, tmp_path: Path) -> None:
    photos = run.parent.parent / "photos"
    expected, said = predicted(photos, run, tmp_path / "a.jsonl")
    assert said == []
    rows, _ = rows_of(photos)
    np.save(tmp_path / "bytes.npy", rows)
    np.save(tmp_path / "numbers.npy", rows.astype(np.float64))
    np.save(tmp_path / "images.npy", rows.reshape(-1, 12, 12))
    header = ",".join(f"pixel{i}" for i in range(144))
    np.savetxt(tmp_path / "table.csv", rows, "%d", ",", header=header, comments="")
    for name, notes in (("bytes.npy", 1), ("numbers.npy", 2), ("images.npy", 0), ("table.csv", 2)):
        found, said = predicted(tmp_path / name, run, tmp_path / f"{name}.jsonl")
        assert found == expected, name
        assert sum("row-major" in line or "read as bytes" in line for line in said) == notes


def test_images_are_predicted_as_the_flat_rows_that_they_are(
    flat_run: Path, tmp_path: Path
) -> None:
    photos = flat_run.parent.parent / "photos"
    np.save(tmp_path / "rows.npy", rows_of(photos)[0])
    expected, said = predicted(tmp_path / "rows.npy", flat_run, tmp_path / "a.jsonl")
    assert said == []
    found, said = predicted(photos, flat_run, tmp_path / "b.jsonl")
    assert found == expected
    assert said == ["examples of the shape (12, 12, 1) are read as (144,), in row-major order"]


def test_flat_rows_are_evaluated_as_images(run: Path, flat_run: Path, tmp_path: Path) -> None:
    photos = run.parent.parent / "photos"
    rows, labels = rows_of(photos)
    np.savez(tmp_path / "rows.npz", x=rows, y=labels)
    expected, said = evaluate_model(str(run), data=str(photos)), list[str]()
    found = evaluate_model(str(run), data=str(tmp_path / "rows.npz"), say=said.append)
    assert found.metrics == expected.metrics and found.rows == expected.rows == 40
    assert said == ["examples of the shape (144,) are read as (12, 12, 1), in row-major order"]
    flat = evaluate_model(str(flat_run), data=str(photos), say=said.append)
    assert flat.rows == 40 and "(12, 12, 1) are read as (144,)" in said[-1]


def test_the_note_on_flat_rows_is_said_once(run: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((20, 144), np.uint8))
    said: list[str] = []
    predict_file(
        str(tmp_path / "x.npy"), model=str(run), output=str(tmp_path / "o.csv"), batch_size=3,
        say=said.append,
    )  # fmt: skip
    assert len(said) == 1


NAMES = ["cam1.png", "cam2.png", "cam10.png", "größe, rot.png", "=1+1.png", "\udcff.png"]


@pytest.mark.parametrize("batch_size", [None, 2])
def test_predictions_name_the_file_of_each_row(
    run: Path, tmp_path: Path, batch_size: int | None
) -> None:
    """In natural order, `file` first; what a spreadsheet would run is quoted as everywhere."""
    folder = tmp_path / "new"
    folder.mkdir()
    source = run.parent.parent / "others" / "top" / "03.png"
    for name in NAMES:
        (folder / name).write_bytes(source.read_bytes())
    for kind in ("csv", "jsonl"):
        predict_file(
            str(folder), model=str(run), output=str(tmp_path / f"o.{kind}"), batch_size=batch_size
        )
    rows = table_of(tmp_path / "o.csv")
    names = ["=1+1.png", "cam1.png", "cam2.png", "cam10.png", "größe, rot.png", "\\udcff.png"]
    assert [row["file"] for row in rows] == ["'=1+1.png", *names[1:]]
    assert list(rows[0]) == ["file", "prediction"]
    lines = (tmp_path / "o.jsonl").read_text().splitlines()
    assert [json.loads(line)["file"] for line in lines] == names
    predict_file(str(folder), model=str(run), output=str(tmp_path / "o.npy"))
    assert np.load(tmp_path / "o.npy").shape == (6,)


def test_files_are_named_as_from_the_folder_given(run: Path, tmp_path: Path) -> None:
    others = run.parent.parent / "others"
    expected = [f"{kind}/{i:02}.png" for kind in ("left", "top") for i in range(5)]
    for source, names in (
        (others, expected),
        (others / "top", [name[4:] for name in expected[5:]]),
        (others / "top" / "03.png", ["03.png"]),
    ):
        out = tmp_path / f"{len(names)}.csv"
        predict_file(str(source), model=str(run), output=str(out))
        assert [row["file"] for row in table_of(out)] == names


def test_rows_that_come_from_one_file_name_none(digits_run: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((2, 8, 8), np.uint8))
    predict_file(str(tmp_path / "x.npy"), model=str(digits_run), output=str(tmp_path / "o.csv"))
    assert (tmp_path / "o.csv").read_text().startswith("prediction\n")


def test_a_folder_of_parts_is_trained_on_and_measured_by_part(tmp_path: Path) -> None:
    for seed, (part, count) in enumerate({"train": 20, "val": 6, "test": 5}.items()):
        write_images(tmp_path / "set" / part, 12, count, seed)
    (tmp_path / "set" / "train" / "notes.txt").write_text("")
    (tmp_path / "a.yaml").write_text(
        "data: {source: set}\nmodel: {hidden: [16]}\ntraining: {epochs: 15, batch_size: 8}\n"
    )
    built = build(load_config(str(tmp_path / "a.yaml")))
    parts = built.prepared.train, built.prepared.valid, built.prepared.test
    assert [part.rows for part in parts if part is not None] == [40, 12, 10]
    for part, folder in zip(parts, ("train", "val", "test"), strict=True):
        rows, labels = rows_of(tmp_path / "set" / folder)
        assert part is not None and part.targets is not None
        assert np.array_equal(part.inputs.reshape(len(rows), -1), rows)
        assert part.targets.tolist() == [("left", "top").index(label) for label in labels]
    notes = "\n".join(built.notes)
    assert "split: 40 train, 12 valid, 10 test rows (by folder)" in notes
    assert "1 file(s) that are no images by name (notes.txt)" in notes
    run = train_run(str(tmp_path / "a.yaml"), runs=str(tmp_path / "runs")).run
    test = evaluate_model(run, split="test")
    alone = evaluate_model(run, data=str(tmp_path / "set" / "test"))
    assert test.rows == 10 and test.metrics == alone.metrics
    with pytest.raises(DataError, match="is divided into test, train, valid"):
        evaluate_model(run, data=str(tmp_path / "set"))
    out = tmp_path / "o.csv"
    predict_file(str(tmp_path / "set"), model=run, output=str(out))  # all files, named
    assert len(out.read_text().splitlines()) == 63 and "val/top/05.png" in out.read_text()


def test_images_of_several_sizes_for_a_flat_model_are_no_matter_of_configuration(
    flat_run: Path, tmp_path: Path
) -> None:
    for side in (12, 13):
        Image.new("L", (side, side)).save(tmp_path / f"{side}.png")
    with pytest.raises(DataError, match="is grey of 13x13 pixels") as caught:
        predict_file(str(tmp_path), model=str(flat_run), output=str(tmp_path / "o.csv"))
    assert caught.value.problems[0].fix == "bring all images to one size and kind"
