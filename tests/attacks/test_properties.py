"""What comes back is what was written, and what was changed is refused: for any values at all."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from oracle import scratch
from target_config import BASE

from dnn_cli.base.errors import CheckpointError
from dnn_cli.config.load import located
from dnn_cli.config.resolve import dump_yaml
from dnn_cli.config.spec import RunSpec
from dnn_cli.data.raw_columns import DEFAULT_MISSING
from dnn_cli.data.sources.csv import CsvSpec
from dnn_cli.data.table import Columns
from dnn_cli.runs.tensors import decode, encode

QUICK = settings(max_examples=100)
WIDTHS = {"f8": 8, "f4": 4, "f2": 2, "i8": 8, "i4": 4, "i2": 2, "i1": 1, "u8": 8, "u4": 4, "u1": 1}


@st.composite
def any_bits(draw: st.DrawFn) -> np.ndarray:
    """An array of any type and shape, of bits that may mean any number, or any kind of NaN."""
    shape = tuple(draw(st.lists(st.integers(0, 3), max_size=4)))
    kind = draw(st.sampled_from(sorted(WIDTHS)))
    size = WIDTHS[kind] * int(np.prod(shape, dtype=int))
    return np.frombuffer(draw(st.binary(min_size=size, max_size=size)), kind).reshape(shape)


@QUICK
@given(st.dictionaries(st.sampled_from("abcd"), any_bits()), st.randoms(use_true_random=False))
def test_every_bit_of_a_checkpoint_counts(tensors: dict[str, np.ndarray], random) -> None:
    data = b"".join(encode(tensors, {"key": "välue"}))
    found, _ = decode(data)
    for name, array in tensors.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()
    changed = bytearray(data)
    changed[random.randrange(len(data))] ^= 1 << random.randrange(8)
    for other in (bytes(changed), data[: random.randrange(len(data))]):
        with pytest.raises(CheckpointError):
            decode(other)


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=3)
OPTIONS = {
    "seed": st.integers(0, 2**63 - 1),
    "name": st.sampled_from(["a", "1", "010", "1e3", "no", "a.b-c"]),
    "optimizer.learning_rate": st.floats(1e-300, 10.0),
    "optimizer.schedule": st.none() | st.sampled_from(["cosine", "one_cycle"]),
    "model.layers.0.units": st.integers(1, 10**6),
    "data.target": st.lists(NAMES | st.integers(-9, 9), min_size=1, max_size=3, unique=True),
    "training.stop_when": st.dictionaries(st.just("train.loss"), st.floats(-1.0, 1.0)),
}


@QUICK
@given(st.fixed_dictionaries({}, optional=OPTIONS))
def test_overrides_say_what_a_file_would_say(values: dict[str, object]) -> None:
    words = [f"{key}={dump_inline(value)}" for key, value in values.items()]
    from_words, _ = located(RunSpec, BASE, None, words)
    from_file, _ = located(RunSpec, with_values(values).encode(), None)
    assert from_words == from_file


def dump_inline(value: object) -> str:
    """YAML on one line."""
    if isinstance(value, list):
        return f"[{', '.join(map(dump_inline, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {dump_inline(one)}' for key, one in value.items())}}}"
    return dump_yaml(value).rstrip("\n")


def with_values(values: dict[str, object]) -> str:
    """The same configuration with the values in their places."""
    plain = {
        "name": "base",
        "data": {"source": "a.csv", "target": "y", "split": {"valid": 0.2}},
        "model": {"layers": [{"type": "dense", "units": 3}, "relu"]},
        "optimizer": {"type": "adam", "schedule": {"type": "cosine", "warmup": 0.1}},
        "training": {"epochs": 2, "stop_when": {"train.loss": 0.1}},
    }
    for key, value in values.items():
        *path, last = key.split(".")
        owner = plain
        for step in path:
            owner = owner[int(step) if step.isdigit() else step]
        owner[last] = value
    return dump_yaml(plain)


NUMBERS = st.floats(width=32, allow_nan=False, allow_infinity=False)
LABELS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1)
ROWS = st.lists(st.tuples(NUMBERS, LABELS.filter(lambda t: t.strip(" \t"))), min_size=1, max_size=9)


@QUICK
@given(ROWS, st.sampled_from(["\n", "\r\n"]))
def test_a_table_that_python_wrote_comes_back(rows: list[tuple[float, str]], end: str) -> None:
    path = scratch("written.csv", b"")
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator=end).writerows([("x", "y"), *rows])
    (table,) = CsvSpec(path=path).tables(Columns(target=("y",)))
    assert table.columns["x"].values.tolist() == [x for x, _ in rows]
    gaps = {"", *(word.casefold() for word in DEFAULT_MISSING)}
    labels = [label.strip(" \t") for _, label in rows]
    labels = ["" if label.casefold() in gaps else label for label in labels]
    if "" in labels and table.targets.dtype.kind == "f":
        return  # numbers with gaps, or nothing but gaps
    if table.targets.dtype.kind == "i":
        assert table.targets.tolist() == [int(label) for label in labels]
    elif table.targets.dtype.kind == "f":
        assert table.targets.tolist() == [float(label) for label in labels]
    else:
        assert table.targets.tolist() == labels
