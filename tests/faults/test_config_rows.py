"""Faulty configurations through the commands: one refused input a row, and nothing left behind.

What each message says in full, and where it points, is tested beside the reader of the files.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from command import REFUSED_WITHIN

from dnn_cli.app.build import Built, build
from dnn_cli.config.load import Loaded
from dnn_cli.config.spec import RunSpec

DATA = b"data: {source: {type: builtin, name: digits}}\n"
LAUGHS = b"".join(
    b"%c: &%c [%s]\n" % (name, name, b", ".join([b"*%c" % (name - 1)] * 9)) for name in b"bcdefghi"
)

# What the file holds (None: there is none), or who makes it, and a word of the message.
ROWS: dict[str, tuple[bytes | None, str]] = {
    "C01": (None, "No such file or directory"),
    "C02": (b"# nothing\n", "found nothing"),
    "C03": (DATA + b"training: {epochs: 1e3}", "write 1000"),
    "C04": (DATA + b"optimizer: {type: adam, learning_rate: 1e999}", "1e999"),
    "C05": (DATA + b"training: {epochs: 010}", "ambiguous number"),
    "C06": (DATA + b"model: {layers: [{type: dense, units: 3, bias: no}]}", "write false"),
    "C07": (DATA + b"name: !!binary aGk=", "tags (`!!binary`) are not allowed"),
    "C08": (DATA + b"seed: 1\nseed: 2", "twice"),
    "C09": (b"a: &a [lol, lol]\n" + LAUGHS, "anchors (`&a`) are not allowed"),
    "C10": (DATA + b"name: " + b"[" * 100_000, "nested too deeply"),
    "C11": (DATA + b"name: !!python/object/apply:os.mkdir [canary]", "tags"),
    "C12": (DATA + b"optimizer: {type: adam, leraning_rate: 1}", "did you mean `learning_rate`"),
    "C13": (DATA + b"training: {epochs: }", "needs a value"),
    "C14": (DATA + b"training: {epochs: 10.0}", "write 10"),
    "C15": (DATA + b"model: {hidden: [128 64]}", "did you mean [128, 64]"),
    "C16": (DATA + b"model: {hidden: [0]}", "must be at least 1, found 0"),
    "C19": (DATA + b"optimizer: os.system", "unknown optimizer `os.system`"),
    "C20": (DATA + b"name: caf\xe9", "byte 55 (0xe9) is not UTF-8"),
    "C21": (DATA + b"---\nseed: 1", "one document"),
    "C22": (DATA + b"name: ${HOME}", "`name` must "),
    "C23": (b'data: {source: "a\\n\\e[2J"}', "a\\n\\x1b[2J"),
    "C24": (DATA + b"name: ../../x", "`name` must "),
    "C25": (None, "is a pipe"),
}


@pytest.mark.parametrize("command", ["check", "train"])
@pytest.mark.parametrize("row", ROWS)
def test_a_configuration_is_refused_at_once(here, dnn, row, command) -> None:
    text, word = ROWS[row]
    if text is not None:
        (here / "a.yaml").write_bytes(text)
    elif row == "C25":
        os.mkfifo(here / "a.yaml")
    before = sorted(here.rglob("*"))
    found = dnn(command, "a.yaml")
    assert (found.code, found.out) == (3, ""), found
    assert word in found.err, found.err
    assert found.err.endswith("state: nothing was written\n")
    assert all(line.isprintable() for line in found.err.splitlines())
    assert sorted(here.rglob("*")) == before
    assert found.seconds < REFUSED_WITHIN


def test_C06_no_is_a_class(here, dnn) -> None:
    (here / "t.csv").write_text("a,y\n" + "1,no\n2,yes\n" * 9)
    (here / "a.yaml").write_text("data: {source: t.csv, target: y}\n")
    found = dnn("check", "a.yaml")
    assert found.code == 0 and "classes no, yes" in found.out


@pytest.mark.parametrize(
    "model",
    [
        "{hidden: [1000000000000]}",
        "{hidden: [4611686018427387904, 4611686018427387904]}",  # more weights than 64 bits count
        "{layers: [{type: conv2d, filters: 1000000000000}]}",
    ],
)
def test_C16_sizes_that_no_machine_has(here, dnn, model) -> None:
    (here / "a.yaml").write_text(DATA.decode() + f"model: {model}\n")
    for command in ("check", "train"):
        found = dnn(command, "a.yaml")
        assert found.code == 9 and found.seconds < REFUSED_WITHIN
        assert "GB of memory, the machine has " in found.err
        assert [path.name for path in here.iterdir()] == ["a.yaml"]


@pytest.mark.parametrize(
    ("layers", "where", "words"),
    [
        ("{type: conv2d, filters: 3, kernel: 9}", "2:18",
         "layer 1 (conv2d): a window of 9 does not fit into 8 pixels"),
        ("{type: max_pool2d, size: 9}", "2:18", "layer 1 (max_pool2d): a window of 9"),
        ("max_pool2d, max_pool2d, max_pool2d, max_pool2d", "2:54",
         "layer 4 (max_pool2d): a window of 2 does not fit into 1 pixels"),
        ("{type: conv2d, filters: 3, stride: 0}", "2:53", "stride` must be at least 1, found 0"),
        ("{type: residual, layers: [{type: conv2d, filters: 3, kernel: 9}]}", "2:44",
         "layer 1 (conv2d): a window of 9 does not fit into 8 pixels"),
        ("flatten, {type: conv2d, filters: 3}", "2:27", "layer 2 (conv2d): takes images"),
    ],
)  # fmt: skip
def test_C17_impossible_geometry(here, dnn, layers, where, words) -> None:
    (here / "a.yaml").write_text(DATA.decode() + f"model: {{layers: [{layers}]}}\n")
    for command in ("check", "train"):
        found = dnn(command, "a.yaml")
        assert found.code == 3
        assert f"a.yaml:{where}\n" in found.err and words in found.err, found.err
        assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("section", "where", "words"),
    [
        ("loss: sigmoid_cross_entropy", "2:7", "needs answers of yes or no"),
        ("loss: huber", "2:7", "huber needs numbers to predict, the task is multiclass"),
        ("model: {layers: [flatten, {type: dense, units: 7}], output: none}", "2:1",
         "the layers end in shape (7,), the task needs (10,)"),
        ("training: {early_stopping: {metric: train.r2}}", "2:37",
         "r2 does not suit a multiclass task"),
        ("training: {metrics: [r2]}", "2:22", "r2 does not suit a multiclass task"),
    ],
)  # fmt: skip
def test_C18_a_network_that_does_not_fit_the_task(here, dnn, section, where, words) -> None:
    (here / "a.yaml").write_text(f"{DATA.decode()}{section}\n")
    for command in ("check", "train"):
        found = dnn(command, "a.yaml")
        assert found.code == 3
        assert f"a.yaml:{where}\n" in found.err and words in found.err, found.err
        assert not Path("runs").exists()


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "a/b", "CON", "x" * 300, ".", "-x", "a b"])
def test_C24_a_name_on_the_command_line_leads_nowhere_else(here, dnn, name) -> None:
    (here / "a.yaml").write_bytes(DATA)
    found = dnn("train", "a.yaml", f"--name={name}")
    assert (found.code, found.out) == (3, "") and "`name` must " in found.err, found.err
    assert [path.name for path in here.iterdir()] == ["a.yaml"]


def test_C25_a_file_that_changes_meanwhile_is_kept_as_it_was_read(
    here, dnn, table, config, monkeypatch
) -> None:
    table()
    name = config()
    read = (here / name).read_bytes()

    def build_later(loaded: Loaded[RunSpec]) -> Built:
        (here / name).write_text("changed: [")
        return build(loaded)

    monkeypatch.setattr("dnn_cli.app.train.build", build_later)
    assert dnn("train", name).code == 0
    assert (here / "runs" / "a-001" / "config.yaml").read_bytes() == read
