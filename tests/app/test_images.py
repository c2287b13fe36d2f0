"""From image files to predictions, and augmentation from the configuration to the run."""

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
