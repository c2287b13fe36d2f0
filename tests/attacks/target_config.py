"""Configurations: YAML text, and overrides of a good one.

What is accepted, written out with every default and read again, is the same configuration.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from oracle import Target, attempt, require, scratch

from dnn_cli.config.fill import fill
from dnn_cli.config.kinds import Section
from dnn_cli.config.load import located
from dnn_cli.config.nodes import Node
from dnn_cli.config.overrides import with_overrides
from dnn_cli.config.places import Report
from dnn_cli.config.resolve import dump_yaml, resolve
from dnn_cli.config.spec import RunSpec

BASE = b"""\
name: base
data: {source: a.csv, target: y, split: {valid: 0.2}}
model:
  layers:
  - {type: dense, units: 3}
  - relu
optimizer: {type: adam, schedule: {type: cosine, warmup: 0.1}}
training: {epochs: 2, stop_when: {train.loss: 0.1}}
"""
_NAMES = """
name seed data model loss optimizer training type source target split valid test features exclude
path images labels scale task positive augment layers hidden activation dropout output units
filters kernel rate learning_rate schedule warmup momentum nesterov weight_decay clip_norm epochs
batch_size max_time threads metrics monitor early_stopping patience min_delta stop_when penalty l1
l2 checkpoint every_seconds extends adam sgd cosine dense relu residual conv2d batch_norm softmax
regression multiclass inputs auto
"""
_MARKS = r"""
: - , { } [ ] ' " # &a *a !!x ! | > ? % @ ` ~ << = --- ... \\ \x41 \ud800 \UFFFFFFFF true false null
1 -1 010 0x1F 0b1 0o7 1_000 1:30 .nan .inf 1e999 1e-999 9223372036854775808 0.5 2024-01-01
"""
_SPACES = ("\n", "\r\n", "\r", "\t", "  ", ": ", "- ", "? ", "\n  - ", "\x85", "\u2028", "\ufeff")
WORDS = tuple(word.encode() for word in (*_NAMES.split(), *_MARKS.split(), *_SPACES, "\xa0", "é"))


def feed_config(data: bytes) -> bool:
    """The bytes of a YAML file."""
    path = _home()
    return _comes_back(attempt(lambda: located(RunSpec, data, path)[0]))


def feed_overrides(data: bytes) -> bool:
    """Words of a command line, one a line."""
    tree, kind = _base(), Section(RunSpec)
    words = [os.fsdecode(word) for word in data.split(b"\n")]

    def read() -> RunSpec:
        report = Report()
        found: RunSpec = fill(with_overrides(tree, kind, words, report), kind, report)
        report.fail_if_any()
        return found

    return _comes_back(attempt(read))


def _comes_back(found: RunSpec | None) -> bool:
    if found is not None:
        plain = resolve(found)
        again = located(RunSpec, dump_yaml(plain).encode(), _home())[0]
        require(again == found, "written out and read again, the configuration is another")
        require(repr(resolve(again)) == repr(plain), "it is the same but for a type or sign")
    return found is not None


@cache
def _home() -> Path:
    """Where the configuration seems to stand: beside another one that it may extend."""
    scratch("base.yaml", BASE)
    return scratch("a.yaml")


@cache
def _base() -> Node:
    """The tree that overrides are put into: reading YAML takes longer than all they do."""
    return located(RunSpec, BASE, _home())[1]


_STEPS = (b"=", b".", b".0", b".-1", b"model.layers.0.units=", b"optimizer.schedule.type=")
TARGETS = (
    Target("config", feed_config, WORDS, longest=2048),
    Target("overrides", feed_overrides, (*WORDS, *_STEPS), longest=512),
)
