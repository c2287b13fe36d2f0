"""A budget of time: epochs that fit into it, once and for all."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnn_cli.app.build import build
from dnn_cli.app.lifecycle.budget import epochs_within, within_budget
from dnn_cli.app.resume import resume_run
from dnn_cli.app.train import begin, train_run
from dnn_cli.base.errors import ConfigError
from dnn_cli.config.load import load_config

pytestmark = pytest.mark.usefixtures("quick")

TEXT = """\
data: {source: {type: synthetic, kind: moons, rows: 200}, split: {valid: 0.2}}
model: {hidden: [8]}
optimizer: {type: adam, schedule: cosine}
training: {epochs: 100, budget: 1m, threads: 1}
"""


@pytest.mark.parametrize(
    ("most", "budget", "seconds", "epochs"),
    [(100, 60.0, 1.0, 54), (10, 60.0, 1.0, 10), (100, 60.0, 70.0, 1), (7, 1.0, 0.0, 7)],
)
def test_epochs_that_fit(most: int, budget: float, seconds: float, epochs: int) -> None:
    assert epochs_within(most, budget, seconds) == epochs


def test_a_clock_settles_the_epochs_and_the_budget_is_gone(tmp_path: Path) -> None:
    path, said, now = tmp_path / "a.yaml", list[str](), [0.0]
    path.write_text(TEXT)

    def clock() -> float:  # each reading a tenth of a second after the one before
        now[0] += 0.1
        return now[0]

    built, session = begin(build(load_config(path)), lambda line: None)
    before = session.network.arena.params.copy()
    built = within_budget(built, session, said.append, clock)
    # A step lies between three readings, 0.2 s; five of them and the validation rows take 1.1 s.
    assert built.spec.training.epochs == session.spec.epochs == int(0.9 * 60 / 1.1)
    assert built.spec.training.budget is None and session.spec.budget is None
    assert said == ["budget: 49 epochs instead of 100 of about 1.1 s fit into 1m"]
    assert session.step == 0 and (session.network.arena.params == before).all()


def test_the_run_is_that_of_its_resolved_file(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(TEXT.replace("1m", "0.05"))
    one = train_run(str(path), run_dir=str(tmp_path / "one"))
    training = load_config(tmp_path / "one" / "resolved.yaml").spec.training
    assert training.budget is None and one.epoch == training.epochs < 100
    train_run(str(tmp_path / "one" / "resolved.yaml"), run_dir=str(tmp_path / "two"))
    for name in ("model.safetensors", "metrics.jsonl", "resolved.yaml"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert resume_run(str(tmp_path / "one")).epoch == one.epoch
    with pytest.raises(ConfigError, match="before it begins"):
        resume_run(str(tmp_path / "one"), overrides=["training.budget=5"])
