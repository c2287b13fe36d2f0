import json
import math
from dataclasses import dataclass

import numpy as np
import pytest

from dnn_cli.console.json_text import json_text


@dataclass(frozen=True, slots=True)
class Inner:
    value: float


@dataclass(frozen=True, slots=True)
class Outer:
    name: str
    metrics: dict
    parts: tuple


def strict(text):
    def refuse(name):
        raise AssertionError(name)

    return json.loads(text, parse_constant=refuse)


def test_T06_nan_becomes_null_and_is_told_of():
    result = Outer("x", {"auc": math.nan, "loss": 0.5}, (Inner(math.inf), Inner(1.0)))
    assert strict(json_text(result)) == {
        "name": "x",
        "metrics": {"auc": None, "loss": 0.5},
        "parts": [{"value": None}, {"value": 1.0}],
        "non_finite": ["metrics.auc", "parts[0].value"],
    }


def test_numbers_of_numpy():
    found = {"a": np.float32(0.5), "b": np.int64(3), "c": np.arange(3), "d": np.float64(0.1)}
    assert strict(json_text(found)) == {"a": 0.5, "b": 3, "c": [0, 1, 2], "d": 0.1}


def test_T06_any_text_survives(evil):
    text = json_text({"name": evil, evil: 10**40})
    assert text.isascii()
    assert text.endswith("}\n")
    assert strict(text) == {"name": evil, evil: 10**40}


@pytest.mark.parametrize("value", [None, True, 0, 0.1 + 0.2, "", [], {}])
def test_plain_values(value):
    assert strict(json_text({"v": value})) == {"v": value}
