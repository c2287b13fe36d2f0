"""How much memory a training takes, known before it is taken."""

from __future__ import annotations

from pathlib import Path

from dnn_cli.app.build import build
from dnn_cli.app.memory import Memory, estimate
from dnn_cli.config.load import load_config
from dnn_cli.nn.execution.ranks import can_fork

WIDE = """
data: {source: {type: synthetic, kind: random, rows: 100, features: 300}, split: {valid: 0.2}}
model: {hidden: [400]}
training: {epochs: 1, batch_size: 64}
"""


def of(path: Path, threads: int) -> Memory:
    built = build(load_config(path, [f"training.threads={threads}"]))
    return estimate(built.layers, built.prepared, built.spec)


def test_ranks_take_gradients_of_their_own_and_what_they_hand_over(tmp_path: Path) -> None:
    path = tmp_path / "wide.yaml"
    path.write_text(WIDE)
    one, three = of(path, 1), of(path, 3)
    ranks = 3 if can_fork() else 1
    assert three.gradients == ranks * one.gradients
    handed = 64 * (300 + 300 + 400) * 4 if can_fork() else 0  # x, dx and y
    assert three.workspace - one.workspace == handed
    assert three.data == one.data and three.optimizer == one.optimizer
