"""All targets by name."""

from __future__ import annotations

from pathlib import Path
from random import Random

import mutate
import target_arrays
import target_checkpoint
import target_config
import target_image
import target_runs
import target_tables
import target_text
from oracle import Target

_MODULES = (
    *(target_config, target_arrays, target_text, target_image, target_tables),
    *(target_checkpoint, target_runs),
)
TARGETS: dict[str, Target] = {one.name: one for module in _MODULES for one in module.TARGETS}
HERE = Path(__file__).parent


def seeds(target: Target) -> list[Path]:
    """The inputs kept for a target: the corpus, and what once broke a promise."""
    folders = (HERE / "corpus" / target.name, HERE / "findings" / target.name)
    return sorted(path for folder in folders for path in folder.glob("*"))


def mutated(target: Target, data: bytes, random: Random) -> bytes:
    """`data` changed: half of the time by what knows its structure, if there is such."""
    if target.mutate is not None and random.random() < 0.5:
        return target.mutate(data, random)[: 4 * target.longest]
    return mutate.of_bytes(data, random, target.words)[: target.longest]
