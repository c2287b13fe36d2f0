"""Faulty configurations, one test a kind of fault: where each is found, and what is said."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import REFUSED_WITHIN

from dnn_cli.base.errors import ConfigError
from dnn_cli.config.kinds import Section, options_of
from dnn_cli.config.load import load_config
from dnn_cli.config.other_names import OPTIONS, TYPES
from dnn_cli.config.spec import RunSpec
from dnn_cli.config.unknown import Sections
from dnn_cli.data.source import SOURCES
from dnn_cli.nn.initializer import INITIALIZERS
from dnn_cli.nn.layer import LAYERS
from dnn_cli.nn.loss import LOSSES
from dnn_cli.nn.optimizer import OPTIMIZERS
from dnn_cli.nn.schedule import SCHEDULES

DATA = "data: {source: churn.csv}\n"
LAYER = DATA + "model: {layers: [{type: dense, units: %s}]}\n"
OPTION = DATA + "training: {%s}\n"


def test_C01_missing_file(tmp_path: Path) -> None:
    (tmp_path / "mnist.yaml").write_text(DATA)
    for wrong in ("mnits.yaml", "mnist.yml", "mnist"):
        with pytest.raises(ConfigError) as caught:
            load_config(tmp_path / wrong)
        (problem,) = caught.value.problems
        assert problem.what == f"cannot read `{tmp_path / wrong}`: No such file or directory"
        assert problem.fix == f"did you mean `{tmp_path / 'mnist.yaml'}`?"


def test_C01_directory(tmp_path: Path) -> None:
    (tmp_path / "inside.yaml").write_text(DATA)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    (problem,) = caught.value.problems
    assert "is a directory" in problem.what and "inside.yaml" in problem.fix


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "\udcff\x1b[31m", "a/b/c", ""])
def test_C01_hostile_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(f"{tmp_path}/{name}")
    (problem,) = caught.value.problems
    assert problem.what.isprintable() and "\x1b" not in problem.what


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "nothing"),
        ("# only this\n", "nothing"),
        ("null", "`null`"),
        ("~", "`~`"),
        ("- a\n- b", "a list of 2"),
        ("churn.csv", "the text `churn.csv`"),
        ("3", "the number `3`"),
        ("010", "`010`"),
    ],
)
def test_C02_not_a_mapping(refused, text: str, found: str) -> None:
    line = 2 if text.startswith("#") else 1
    refused(text, f"{1 if found == 'nothing' else line}:1", f"found {found}", "source: churn.csv")


@pytest.mark.parametrize(("text", "value"), [("1e-3", 1e-3), ("1E3", 1e3), ("1.5e3", 1.5e3)])
def test_C03_exponents_are_floats(load, text: str, value: float) -> None:
    spec = load(DATA + f"optimizer: {{type: adam, learning_rate: {text}}}").spec
    assert spec.optimizer.learning_rate == value and type(spec.optimizer.learning_rate) is float


def test_C03_exponent_for_a_whole_number(refused) -> None:
    refused(OPTION % "epochs: 1e3", "2:20", "whole number", "write 1000")


@pytest.mark.parametrize("text", [".nan", ".NaN", ".inf", "-.INF", "1e999", "1.0e+999", "1e-999"])
@pytest.mark.parametrize("key", ["stop_when: {train.loss: %s}", "max_time: %s", "epochs: %s"])
def test_C04_not_finite(refused, text: str, key: str) -> None:
    line = f"training: {{{key % text}}}"
    refused(DATA + line, f"2:{line.index(text) + 1}", f"`{text}` is ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("010", "YAML 1.1 reads 8, YAML 1.2 reads 10"),
        ("09", "YAML 1.1 reads text, YAML 1.2 reads 9"),
        ("0o10", "YAML 1.1 reads text, YAML 1.2 reads 8"),
        ("0x1F", "YAML 1.1 reads 31, YAML 1.2 reads 31"),
        ("0b11", "YAML 1.1 reads 3, YAML 1.2 reads text"),
        ("1_000", "YAML 1.1 reads 1000, YAML 1.2 reads text"),
        ("1:30", "YAML 1.1 reads 90, YAML 1.2 reads text"),
        ("-12:30:45", "YAML 1.1 reads -45045, YAML 1.2 reads text"),
    ],
)
def test_C05_ambiguous_numbers(refused, text: str, words: str) -> None:
    refused(LAYER % text, "2:39", f"`{text}` is an ambiguous number", words)
    refused(DATA + f"name: {text}", "2:7", f'"{text}" in quotes')


@pytest.mark.parametrize("text", ["yes", "On", "y", "no", "OFF", "n", "1", "0", '"true"'])
def test_C06_words_for_booleans(refused, text: str) -> None:
    wanted = "true" if text in ("yes", "On", "y", "1", '"true"') else "false"
    config = DATA + f"model: {{layers: [{{type: dense, units: 3, bias: {text}}}]}}"
    refused(config, "2:48", "must be true or false", f"write {wanted}")


def test_C06_no_is_text(load) -> None:
    spec = load("data: {source: a.csv, exclude: [no, yes, on, y, 2024-01-01]}").spec
    assert spec.data.exclude == ("no", "yes", "on", "y", "2024-01-01")


@pytest.mark.parametrize("text", ["5", "1.5", "true", "null", "~"])
def test_C07_text_is_not_guessed(refused, text: str) -> None:
    refused(f"data: {{source: a.csv, exclude: [{text}]}}", "1:33", "must be a text")


@pytest.mark.parametrize("text", ["2024-01-01", "=", "<<"])
def test_C07_text_for_a_number(refused, load, text: str) -> None:
    refused(OPTION % f"epochs: {text}", "2:20", "whole number", f"`{text}`")
    assert load(f"data: {{source: a.csv, target: {text}}}").spec.data.target == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("!!binary aGk=", "!!binary"),
        ("!!set {a, b}", "!!set"),
        ("!!str 5", "!!str"),
        ("! 5", "!"),
        ("!mine [1]", "!mine"),
    ],
)
def test_C07_tags(refused, text: str, shown: str) -> None:
    refused(DATA + f"name: {text}", "2:7", f"tags (`{shown}`) are not allowed")


def test_C08_duplicate_keys(refused, problems) -> None:
    refused(DATA + "seed: 1\nname: x\nseed: 1\n", "4:1", "`seed`", "twice", "lines 2 and 4")
    text = DATA + "model:\n  layers:\n  - type: dense\n    units: 3\n    type: dense\n"
    refused(text, "6:5", "`type`", "lines 4 and 6")
    found = problems(
        "data: {source: a.csv}\ntraining: {stop_when: {1: 1, 1.0: 1, true: 1, '1': 1}}"
    )
    assert [p.where for p in found if "twice" in p.what] == [f"a.yaml:2:{c}" for c in (30, 38, 47)]


@pytest.mark.parametrize(
    ("text", "where", "word"),
    [
        (DATA + "seed: &x 1", "2:7", "anchors (`&x`)"),
        (DATA + "model: &m {hidden: [3]}", "2:8", "anchors (`&m`)"),
        ("&root\n" + DATA, "1:1", "anchors (`&root`)"),
        (DATA + "training: {<<: {epochs: 3}}", "2:12", "merge keys"),
        (DATA + "<<: [{seed: 1}]", "2:1", "merge keys"),
        (DATA + "seed: *x", "2:7", "aliases (`*x`)"),
    ],
)
def test_C09_anchors_aliases_merge_keys(refused, text: str, where: str, word: str) -> None:
    refused(text, where, word, "not allowed")


def test_C09_self_reference_and_laughs(problems) -> None:
    assert problems("&a [*a]")[0].where == "a.yaml:1:1"
    layers = ["a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    for before, now in zip("abcdefgh", "bcdefghi", strict=True):
        layers.append(f"{now}: &{now} [{', '.join(['*' + before] * 9)}]")
    start = time.process_time()
    found = problems("\n".join(layers))
    assert time.process_time() - start < REFUSED_WITHIN
    assert [p.what for p in found if p.where == "a.yaml:1:4"] == ["anchors (`&a`) are not allowed"]


def test_C10_depth(refused, load) -> None:
    refused("[" * 100_000, "1:33", "nested too deeply", "32")
    nested = DATA + "name: " + "[" * 31 + "]" * 31
    refused(nested, "2:7", "must be a text")  # 32 with the mapping around: read, then refused
    refused(DATA + "name: " + "[" * 32 + "]" * 32, "2:38", "nested too deeply")


def test_C10_values(refused) -> None:
    text = DATA + "model: {hidden: [" + "1, " * 10_000 + "]}"
    problem = refused(text, None, "too large", "10,000 values")
    line, column = problem.where.split(":")[1:]
    # before the list: root, data, {, source, churn.csv, model, {, hidden, [
    assert (line, int(column)) == ("2", 18 + 3 * (10_000 - 9))


def test_C10_bytes(refused, load) -> None:
    refused("#" * (256 * 1024 + 1), "1:1", "too large", "256 KiB")
    load(DATA + "#" * (256 * 1024 - len(DATA)))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 250_000,
        "- " * 125_000,
        "a: " + "1" + "_" * 250_000 + "x",
        "a: 0x" + "f" * 250_000,
        "a: 1" + ":1" * 120_000,
        "a: '" + "x " * 120_000,
        "? " * 120_000,
        "&a " * 80_000,
        "".join(f"key{i}: {i}\n" for i in range(4_900)),
        "k" * 200_000 + ": 1",
        DATA + "model: {layers: [" + "rrelu, " * 9_000 + "]}",
    ],
    ids=lambda text: text[:8].strip(),
)
def test_C10_hostile_sizes_are_refused_quickly(problems, text: str) -> None:
    start = time.process_time()
    found = problems(text)
    assert time.process_time() - start < REFUSED_WITHIN
    assert all(len(p.what) <= 2000 and len(p.line) <= 1000 for p in found) and len(found) <= 21


def test_C10_defaults_written_out_stay_within_the_limits(refused) -> None:
    text = DATA + "model: {layers: [" + "leaky_relu, " * 4_000 + "]}"
    refused(text, "1:1", "too large", "with every default")


def test_C11_no_code_is_run(refused, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for call in ("os.system", "subprocess.check_call", "eval"):
        text = DATA + f"name: !!python/object/apply:{call} ['touch {canary}']"
        refused(text, "2:7", f"!!python/object/apply:{call}")
    assert not canary.exists()


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        (DATA + "optimzer: adam", "2:1", ("unknown key `optimzer`", "did you mean `optimizer`")),
        (DATA + "epochs: 3", "2:1", ("`epochs` belongs in `training`",)),
        (
            DATA + "optimizer:\n  type: adam\n  leraning_rate: 1e-3",
            "4:3",
            ("`leraning_rate` in `optimizer` (adam)", "did you mean `learning_rate`", "beta1"),
        ),
        (DATA + "optimizer: {type: adam, lr: 1}", "2:25", ("did you mean `learning_rate`",)),
        (DATA + "optimizer: {type: adam, momentum: 0.9}", "2:25", ("`momentum` belongs to sgd",)),
        (DATA + "optimizer: {type: adam, final: 0.9}", "2:25", ("keys are beta1",)),
        (DATA + "loss: {type: mean_squared_error, delta: 1}", "2:34", ("belongs to huber",)),
        (DATA + "model: {layers: [{type: relu, rate: 1}]}", "2:31", ("belongs to dropout",)),
        (DATA + "model: {layers: [{type: dense, neurons: 3, units: 3}]}", "2:32", ("`units`",)),
        (DATA + "model: {neurons: [3]}", "2:9", ("did you mean `hidden`",)),
        (DATA + "model: {units: [3]}", "2:9", ("did you mean `hidden`",)),
        (
            DATA + "model: {layers: [{type: dense, units: 3, activation: relu}]}",
            "2:42",
            ("an activation is a layer of its own",),
        ),
        (DATA + "model: {layers: [{type: leaky_relu, alpha: 1}]}", "2:37", ("mean `slope`",)),
        (DATA + "model: {layers: [{type: relu, alpha: 1}]}", "2:31", ("belongs to elu",)),
        (DATA + "model: {layers: [{type: batch_norm, eps: 1}]}", "2:37", ("mean `epsilon`",)),
        (DATA + "training: {batch: 4}", "2:12", ("did you mean `batch_size`",)),
        (DATA + "batch_size: 4", "2:1", ("`batch_size` belongs in `training`",)),
        (DATA + "batch: 4", "2:1", ("`batch_size` belongs in `training`",)),
        (DATA + "training: {max_iter: 4}", "2:12", ("did you mean `epochs`",)),
        (DATA + "training: {early_stop: {}}", "2:12", ("did you mean `early_stopping`",)),
        (DATA + "early_stop: {}", "2:1", ("did you mean `training.early_stopping`",)),
        (DATA + "lr: 1", "2:1", ("`learning_rate` belongs in `optimizer`",)),
        (DATA + "lr_scheduler: cosine", "2:1", ("`schedule` belongs in `optimizer`",)),
        (
            DATA + "optimizer: {type: adam, schedule: {type: exponential, gamma: 0.9}}",
            "2:55",
            ("did you mean `decay`",),
        ),
        (DATA + "class_weight: {a: 1}", "2:1", ("did you mean `loss.class_weights`",)),
        (DATA + "validation_split: 0.1", "2:1", ("did you mean `data.split.valid`",)),
        ("data: {source: a.csv, test_size: 0.1}", "1:23", ("did you mean `data.split.test`",)),
        (DATA + "training: {batchsize: 4}", "2:12", ("did you mean `batch_size`",)),
        (DATA + "training: {seed: 4}", "2:12", ("`seed` belongs at the top",)),
        (DATA + "training: {learning_rate: 4}", "2:12", ("belongs in `optimizer`",)),
        (DATA + "model: {layers: [{type: relu, units: 3}]}", "2:31", ("(relu)", "keys are type")),
        (DATA + "xyzzy: 3", "2:1", ("unknown key `xyzzy` in the configuration", "keys are data")),
        (DATA + "training: {epochs:3}", "2:12", ("did you mean `epochs: 3`",)),
        (DATA + '"\\e[31mred": 3', "2:1", ("`\\x1b[31mred`",)),
    ],
)
def test_C12_unknown_keys(refused, text: str, where: str, words: tuple[str, ...]) -> None:
    refused(text, where, *words)


def test_C13_missing_required_keys(refused) -> None:
    refused("seed: 1", "1:1", "the configuration needs `data`")
    refused("seed: 1\ndata:\n  target: y", "2:1", "`data` needs `source`", "add `source: …`")
    refused("seed: 1\ndata: {}", "2:1", "`data` needs `source`")
    text = DATA + "model:\n  layers:\n  - relu\n  - bias: true\n    type: dense\n"
    refused(text, "5:5", "`model.layers.1` needs `units`")
    refused(DATA + "model: {layers: [dense]}", "2:18", "`model.layers.0` needs `units`")
    refused(DATA + "model: {layers: [{units: 3}]}", "2:18", "needs a `type`", "dense")
    refused("data: {source: {path: a.csv}}", "1:8", "`data.source` needs a `type`", "csv")


@pytest.mark.parametrize(
    ("text", "where", "fix"),
    [
        (DATA + "seed:", "2:1", "remove the key"),
        (DATA + "training:\n  # epochs: 3\n", "2:1", "remove the key"),
        (DATA + "optimizer: {type: adam, clip_norm: }", "2:25", "write `null` for none"),
        (DATA + "model: {layers: [{type: dense, units}]}", "2:32", "whole number"),
        ("data:\n  source: a.csv\n  exclude:\n  -\n  - b\n", "4:4", "a text"),
        ("data: {source: {type: }}", "1:17", "a text"),
    ],
)
def test_C13_keys_without_value(refused, text: str, where: str, fix: str) -> None:
    problem = refused(text, where, "needs a value", fix)
    assert "None" not in problem.what


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        (LAYER % '"128"', "2:39", ("the text `128` in quotes", "write 128 without quotes")),
        (LAYER % "true", "2:39", ("must be a whole number, found `true`",)),
        (LAYER % "10.0", "2:39", ("found the number `10.0`", "write 10")),
        (LAYER % "10.5", "2:39", ("found the number `10.5`",)),
        (LAYER % "[128]", "2:39", ("found a list of 1", "write 128")),
        (LAYER % "{a: 1}", "2:39", ("found a mapping",)),
        (LAYER % "null", "2:39", ("found `null`",)),
        (DATA + "seed: 1,000", "2:7", ("write 1000",)),
        (DATA + "optimizer: {type: adam, learning_rate: '1e-3'}", "2:40", ("write 1e-3 without",)),
        (DATA + "optimizer: {type: adam, learning_rate: 1%}", "2:40", ("a number", "write 0.01")),
        (DATA + "optimizer: {type: adam, learning_rate: true}", "2:40", ("a number",)),
        (DATA + "name: 2024", "2:7", ("must be a text or `null`", 'write "2024", in quotes')),
        (DATA + "optimizer: [adam]", "2:12", ("must be an optimizer", "write adam")),
        (DATA + "optimizer: 3", "2:12", ("must be an optimizer, found the number `3`",)),
        (DATA + "optimizer: null", "2:12", ("must be an optimizer, found `null`",)),
        (DATA + "model: mlp", "2:8", ("`model` must be a mapping, found the text `mlp`",)),
        (DATA + "model: {layers: {type: relu}}", "2:17", ("must be a list", "begin each entry")),
        (DATA + "model: {layers: relu}", "2:17", ("must be a list or `null`", "write [relu]")),
        ("data: {source: a.csv, scale: minmx}", "1:30", ("`standard`", "did you mean `minmax`")),
        (DATA + "training: {batch_size: fll}", "2:24", ("or `full`", "did you mean `full`")),
        (DATA + "seed: 9223372036854775808", "2:7", ("does not fit into 64 bits",)),
        ("data: {source: ''}", "1:16", ("cannot tell the type",)),
        ("data: {source: {type: csv, path: ''}}", "1:34", ("needs a path",)),
    ],
)
def test_C14_wrong_types(refused, text: str, where: str, words: tuple[str, ...]) -> None:
    refused(text, where, *words)


@pytest.mark.parametrize(
    ("text", "where", "fix"),
    [
        (DATA + "model: {hidden: [128 64]}", "2:18", "did you mean [128, 64]"),
        (DATA + "model: {hidden: [256, 128 64, 32]}", "2:23", "did you mean [128, 64]"),
        (DATA + "model: {layers: [relu relu]}", "2:18", "did you mean [relu, relu]"),
        (DATA + "model:\n  hidden: 128 64", "3:11", "write [128, 64]"),
        (DATA + "model:\n  hidden: 128, 64", "3:11", "write [128, 64]"),
        (DATA + "model: {hidden: 128}", "2:17", "write [128]"),
    ],
)
def test_C15_missing_commas(refused, text: str, where: str, fix: str) -> None:
    refused(text, where, fix)


def test_C16_sizes_out_of_bounds(refused, problems) -> None:
    refused(LAYER % 0, "2:39", "`model.layers.0.units` must be at least 1, found 0")
    refused(LAYER % -3, "2:39", "must be at least 1, found -3")
    found = problems(DATA + "model: {hidden: [3, 0, 5, -1]}")
    assert [(p.where, p.what) for p in found] == [
        ("a.yaml:2:21", "`model.hidden.1` must be at least 1, found 0"),
        ("a.yaml:2:27", "`model.hidden.3` must be at least 1, found -1"),
    ]
    refused(DATA + "model: {layers: [{type: dropout, rate: 1}]}", "2:40", "less than 1, found 1")


@pytest.mark.parametrize(
    "name", ["os.system", "numpy.exec", "../dense", "__init__", "", "Dense", "a" * 10_000]
)
def test_C19_closed_lists(refused, name: str) -> None:
    refused(DATA + f"optimizer: '{name}'", "2:12", "unknown optimizer", "there are ")
    layer = DATA + f"model: {{layers: [{{type: '{name}'}}]}}"
    refused(layer, "2:25", "unknown layer", "`model.layers.0`", "dense")


@pytest.mark.parametrize(
    ("text", "where", "meant"),
    [
        ("loss: mse", "2:7", "mean_squared_error"),
        ("loss: MAE", "2:7", "mean_absolute_error"),
        ("loss: CrossEntropyLoss", "2:7", "softmax_cross_entropy"),
        ("loss: {type: binary_crossentropy}", "2:14", "sigmoid_cross_entropy"),
        ("optimizer: SGD", "2:12", "sgd"),
        ("optimizer: {type: RMSprop}", "2:19", "rmsprop"),
        ("model: {layers: [ReLU]}", "2:18", "relu"),
        ("model: {layers: [{type: Conv2D, filters: 3}]}", "2:25", "conv2d"),
        ("model: {hidden: [3], activation: swish}", "2:34", "silu"),
        (
            "model: {layers: [{type: dense, units: 3, weights: xavier_uniform}]}",
            "2:51",
            "glorot",
        ),
    ],
)
def test_C19_names_of_other_tools(refused, text: str, where: str, meant: str) -> None:
    refused(DATA + text, where, f"did you mean `{meant}`?")


def test_C19_every_name_of_another_tool_leads_to_one_of_ours() -> None:
    sections = Sections(Section(RunSpec))
    specs = [one for registry in (LAYERS, LOSSES, OPTIMIZERS, SCHEDULES, SOURCES, INITIALIZERS)
             for one in registry.all().values()]  # fmt: skip
    known = set(sections.homes) | {name for spec in specs for name in options_of(spec)}
    for name, meanings in OPTIONS.items():
        assert name == name.lower()
        assert all(part in known for one in meanings for part in one.split(".")), name
    names = {name for spec in specs for name in (spec.spec_name,)}
    assert set(TYPES.values()) <= names and not names & set(TYPES)


def test_C19_names_of_two_lists(refused) -> None:
    refused(DATA + "loss: atuo", "2:7", "unknown loss `atuo`", "did you mean `auto`")


@pytest.mark.parametrize(
    ("data", "where", "words"),
    [
        (b"\tseed: 1", "1:1", ("a tab",)),
        (b"seed:\t1", "1:6", ("a tab", "use spaces")),
        (b"data:\n\tsource: a.csv", "2:1", ("a tab",)),
        (b"seed: 1\nname: caf\xe9", "2:10", ("byte 17 (0xe9) is not UTF-8",)),
        (b"name: \xed\xa0\x80", "1:7", ("byte 6 (0xed)",)),
        (b"\xff\xfes\0e\0e\0d\0", "1:1", ("UTF-16", "save it as UTF-8")),
        (b"\xfe\xff\0s\0e", "1:1", ("UTF-16",)),
        (b"seed: 1\nname: a\0b", "2:8", ("U+0000",)),
        (b'name: "a\\0b"', "1:7", ("NUL",)),
        (b'name: "\\ud800"', "1:7", ("half a surrogate pair",)),
        (b'name: "\\UFFFFFFFF"', "1:10", ("not a character",)),
        (b"name: \x1b[31m", "1:7", ("U+001B",)),
        ("name: a\u2028b".encode(), "1:8", ("U+2028",)),
        ("data: {source: a.csv}\nseed: \u00a01".encode(), "2:7", ("U+00A0 looks like a space",)),
        ("data: {source: a.csv}\n\u3000seed: 1".encode(), "2:1", ("U+3000", "write a space")),
        (b"seed: " + b"9" * 5000, "1:7", ("too long for a number (5000 characters)",)),
        (b"optimizer: {type: adam, learning_rate: 0." + b"1" * 5000 + b"}", "1:40", ("too long",)),
    ],
)
def test_C20_encodings_and_characters(
    problems, data: bytes, where: str, words: tuple[str, ...]
) -> None:
    found = problems(data)
    said = " | ".join(f"{p.where} {p.what} {p.fix}" for p in found if p.where == f"a.yaml:{where}")
    for word in words:
        assert word in said, found


def test_C20_byte_order_mark(load, refused) -> None:
    assert load(b"\xef\xbb\xbfdata: {source: a.csv}\r\nseed: 3\r\n").spec.seed == 3
    refused(b"\xef\xbb\xbfseeed: 1\ndata: {source: a.csv}", "1:1", "did you mean `seed`")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (DATA + "---\nseed: 1", "2:1"),
        (DATA + "...\nseed: 1", "3:1"),
        (DATA + "... junk", "2:5"),
        ("%YAML 1.1\n---\n" + DATA, "1:1"),
        ("%FOO bar\n---\n" + DATA, "1:1"),
    ],
)
def test_C21_several_documents_and_directives(refused, text: str, where: str) -> None:
    refused(text, where)


def test_C21_one_document_with_its_marks(load) -> None:
    assert load("---\n" + DATA + "seed: 2\n...\n").spec.seed == 2


def test_C22_nothing_is_interpolated(load, refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARGET", "stolen")
    for text in ("${TARGET}", "$TARGET", "a%(TARGET)s", "'{{ TARGET }}'"):
        assert load(f"data:\n  source: a.csv\n  target: {text}").spec.data.target == text.strip("'")
    refused(DATA + "name: {{ TARGET }}", "2:8", "cannot be a key", "needs quotes")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a.csv", "{here}/a.csv"),
        ("/x/a.csv", "/x/a.csv"),
        ("../a.csv", "{here}/../a.csv"),
        ("~/a.csv", "{home}/a.csv"),
        ("~", "{home}"),
        ("~root/a.csv", "{root}/a.csv"),
        ("~nobody-of-this-name/a.csv", "{here}/~nobody-of-this-name/a.csv"),
        ("./~/a.csv", "{here}/~/a.csv"),
        ("a~/~b.csv", "{here}/a~/~b.csv"),
        ("$HOME/a.csv", "{here}/$HOME/a.csv"),
        ("e\u0301.csv", "{here}/e\u0301.csv"),
        ("\u00e9.csv", "{here}/\u00e9.csv"),
    ],
)
def test_C23_paths(
    load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, path: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    root = pwd.getpwnam("root").pw_dir
    expected = path.format(here=tmp_path, home=home, root=root)
    for loaded in (
        load(f'data: {{source: {{type: csv, path: "{text}"}}}}'),
        load(DATA, f'data.source.path="{text}"'),
        load(f'data: {{source: "{text}"}}') if text.endswith(".csv") else None,
    ):
        if loaded is not None:
            assert loaded.spec.data.source.path == Path(expected)
            assert loaded.resolved["data"]["source"]["path"] == expected


def test_C23_a_home_is_a_folder_of_images_too(load, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "home/pictures").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    source = load("data: {source: ~/pictures}").spec.data.source
    assert (source.spec_name, source.path) == ("image_folder", tmp_path / "home/pictures")
    (tmp_path / "home/base.yaml").write_text(DATA + "seed: 9\n")
    assert load("extends: ~/base.yaml").spec.seed == 9


@pytest.mark.parametrize("name", ["~\\0/a.csv", "~\\0", "~" + "x" * 5000 + "/a.csv"])
def test_C23_users_that_cannot_be(load, name: str) -> None:
    try:
        load(f'data: {{source: {{type: csv, path: "{name}"}}}}')
    except ConfigError as error:
        assert "NUL" in error.problems[0].what


@pytest.mark.parametrize(
    ("address", "fix"),
    [
        ("https://example.org/a.csv", "download the file first"),
        ("HTTP://example.org/data", "download the file first"),
        ("s3://bucket/a.npy", "download the file first"),
        ("gs://bucket/a%20b.csv", "download the file first"),
        ("hf://datasets/x", "download the file first"),
        ("file:///data/a%20b.csv", "give the path alone: /data/a b.csv"),
    ],
)
def test_C23_addresses_are_not_read(refused, problems, address: str, fix: str) -> None:
    words = (f"`{address}` is an address, not a path", fix)
    refused(f"data: {{source: '{address}'}}", "1:16", *words)
    refused(f"data: {{source: {{type: csv, path: '{address}'}}}}", "1:34", *words)
    refused(f"data: {{source: a.csv, valid: {{type: idx, images: '{address}'}}}}", "1:50", *words)
    refused(f"extends: '{address}'", "1:10", *words)
    (problem,) = problems(DATA, f"data.source={address}")
    assert words[0] in problem.what and fix in problem.fix and problem.column == 13


def test_C23_names_are_printed_escaped(refused, load) -> None:
    refused('data: {source: "a\\n\\e[2J"}', "1:16", "a\\n\\x1b[2J`")
    refused('data: {source: "a.csv "}', "1:16", "no such file")
    spec = load('data: {source: {type: csv, path: "a b\\n.csv "}}').spec
    assert spec.data.source.path.name == "a b\n.csv "


@pytest.mark.parametrize("name", ["mnist", "A.b_c-1", "0", "a" * 100, "null.x", "con1"])
def test_C24_names(load, name: str) -> None:
    assert load(DATA + f'name: "{name}"').spec.name == name


@pytest.mark.parametrize(
    "name",
    [
        "../../x",
        "/etc/x",
        "a/b",
        "CON",
        "com1.txt",
        "a" * 101,
        "",
        ".",
        "..",
        "-x",
        "a b",
        "é",
        "a\\n",
    ],
)
def test_C24_bad_names(refused, name: str) -> None:
    refused(DATA + f'name: "{name}"', "2:7", "`name` must ")


def test_C25_pipes_and_devices(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    for path, kind in ((pipe, "is a pipe"), (Path("/dev/zero"), "is a device")):
        with pytest.raises(ConfigError) as caught:
            load_config(path)
        assert kind in caught.value.problems[0].what


def test_C25_a_link_is_followed_and_its_folder_counts(load, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "b.yaml").write_text(DATA)
    (tmp_path / "link.yaml").symlink_to(real / "b.yaml")
    spec = load_config(tmp_path / "link.yaml").spec
    assert spec.data.source.path == tmp_path / "churn.csv"  # type: ignore[attr-defined]
    assert spec.name == "link"


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        (DATA + "model: {hidden: [1, 2}", "2:22", ("`]`", "begins at line 2, column 17")),
        (DATA + "model: {hidden: [1, 2]\nseed: 3", "3:1", ("`}`", "begins at line 2, column 8")),
        (DATA + "name: 'x", "2:7", ("the quote that begins here is not closed",)),
        (DATA + 'name: "C:\\data"', "2:11", ("no escape", "for a backslash")),
        (DATA + "name: *.csv", "2:7", ("cannot begin with", "quotes")),
        (DATA + "name: @x", "2:7", ("cannot begin with this character", "quotes")),
        (DATA + "name: ,", "2:7", ("cannot begin with a comma", "quotes")),
        (DATA + "name: a: b", "2:8", ("a `:` is not expected", "quotes")),
        (DATA + "training:\n  epochs: 3\n batch_size: 4", "4:2", ("indentation",)),
        (DATA + "seed:3\nname: x", "2:1", ("expected `:` after this key", "space after")),
        (DATA + "- 3", "2:1", ("indentation",)),
    ],
)
def test_syntax(refused, text: str, where: str, words: tuple[str, ...]) -> None:
    refused(text, where, *words)


def test_nothing_is_written_run_or_fetched_by_a_failing_load(tmp_path: Path) -> None:
    script = """
import sys
from dnn_cli.base.errors import ConfigError
from dnn_cli.config.load import load_config
FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.", "os.mkdir",
             "os.rename", "os.remove", "shutil.")
def watch(event, arguments):
    if event == "open" and arguments[2] & 0o3:  # O_WRONLY, O_RDWR
        raise SystemExit(f"wrote {arguments}")
    if event.startswith(FORBIDDEN) or (event == "import" and arguments[0] == "pickle"):
        raise SystemExit(f"{event} {arguments}")
sys.dont_write_bytecode = True
sys.addaudithook(watch)
for path in sys.argv[1:]:
    try:
        load_config(path, ["seed=x"])
    except ConfigError:
        continue
    raise SystemExit("accepted")
"""
    texts = [DATA, "", "[", "a: !!python/object/apply:os.system [ls]", DATA + "extends: no.yaml"]
    for i, text in enumerate(texts):
        (tmp_path / f"{i}.yaml").write_text(text)
    paths = [str(tmp_path / f"{i}.yaml") for i in range(len(texts))]
    command = [sys.executable, "-c", script, *paths, str(tmp_path), str(tmp_path / "missing")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{i}.yaml" for i in range(len(texts))]
