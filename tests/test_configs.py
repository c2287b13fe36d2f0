"""Every file in configs/ is checked and trained for two steps, what is not here by stand-ins."""

from pathlib import Path

import numpy as np
import pytest

from dnn_cli.app.build import build
from dnn_cli.config.load import load_config
from dnn_cli.training.loop import Stepper

CONFIGS = sorted((Path(__file__).parent.parent / "configs").glob("*.yaml"))


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with images of the right shape; sizes are those that make files whole."""
    cache = tmp_path_factory.mktemp("cache")
    rng = np.random.Generator(np.random.Philox(2))
    parts = (("train", 60_000), ("t10k", 10_000))
    for name in ("mnist", "fashion_mnist"):
        (cache / name).mkdir()
        for part, rows in parts:
            labels = (np.arange(rows) % 10).astype(np.uint8)
            images = rng.integers(0, 256, (10, 28, 28), dtype=np.uint8)[labels]
            head = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in images.shape)
            (cache / name / f"{part}-images-idx3-ubyte").write_bytes(head + images.tobytes())
            head = bytes([0, 0, 8, 1]) + rows.to_bytes(4, "big")
            (cache / name / f"{part}-labels-idx1-ubyte").write_bytes(head + labels.tobytes())
    return cache


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Tables with some of the columns that the files have, as the comments say how to name them."""
    folder = tmp_path_factory.mktemp("tables")
    rng = np.random.Generator(np.random.Philox(3))
    ages = rng.integers(17, 90, 600)
    adult = [f"{a},{'?' if a % 9 == 0 else 'Private'},{'<=50K' if a % 3 else '>50K'}" for a in ages]
    for name in ("adult_train.csv", "adult_test.csv"):
        (folder / name).write_text("\n".join(["age,workclass,income", *adult]))
    parts = ["train", "train", "val", "test"]
    houses = [f"{a / 7:.4f},{a},{a / 11:.3f},{parts[i % 4]}" for i, a in enumerate(ages)]
    (folder / "california.csv").write_text("\n".join(["MedInc,Age,MedHouseVal,split", *houses]))
    return {
        "adult": [f"data.source={folder}/adult_train.csv", f"data.test={folder}/adult_test.csv"],
        "california": [f"data.source={folder}/california.csv"],
    }


def test_there_are_configurations() -> None:
    assert len(CONFIGS) >= 21


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_two_steps(
    path: Path,
    stand_in: Path,
    tables: dict[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DNN_CACHE", str(stand_in))
    session = build(load_config(path, tables.get(path.stem, []))).session()
    before = session.network.arena.params.copy()
    stepper = Stepper(session)
    for _ in range(min(2, session.train.steps)):
        stepper.advance(lambda: 0.0, due=0.0)
    assert np.isfinite(session.loss_sum)
    assert not np.array_equal(before, session.network.arena.params)
    assert path.read_text().startswith("#"), "says what it is"
