import math

import pytest

from dnn_cli.base.text import figure
from dnn_cli.console.figures import cells, count, cut, duration, pad, rate, share, size


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "0ms"), (0.0123, "12ms"), (0.0996, "0.1s"), (1.84, "1.8s"), (9.96, "10s"),
        (59.4, "59s"), (59.6, "1m00s"), (310, "5m10s"), (3599.7, "1h00m"), (11_100, "3h05m"),
        (86_400 * 2 + 3600 * 4, "2d04h"), (math.inf, "?"), (math.nan, "?"),
    ],
)  # fmt: skip
def test_duration(seconds, shown):
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.431, "0.4310"), (-0.5, "-0.5000"), (0.0, "0.0000"), (4.2e-5, "4.20e-05"),
        (123.45678, "123.4568"), (12345.67, "12,345.7"), (3.2e9, "3.200e+09"),
        (math.nan, "nan"), (-math.inf, "-inf"),
    ],
)  # fmt: skip
def test_figure(value, shown):
    assert figure(value) == shown


def test_others():
    assert (rate(8.94e-4), count(101_770), share(math.nan), share(0.5)) == (
        "8.9e-04", "101,770", "-", "0.5000",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("octets", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (407_080, "407.1 kB"), (999_600, "1.0 MB"),
     (12_345_678, "12.3 MB"), (5 * 10**9, "5.0 GB"), (7 * 10**15, "7000.0 TB")],
)  # fmt: skip
def test_size(octets, shown):
    assert size(octets) == shown


def test_wide_and_combining_characters_are_measured_as_a_terminal_shows_them():
    assert (cells("abc"), cells("日本"), cells("e\u0301")) == (3, 4, 1)
    assert cut("日本語", 5) == "日本…"
    assert cut("abcdef", 4) == "abc…"
    assert cut("abcd", 4) == "abcd"
    assert pad("日", 4) == "日  "
    assert pad("日", 4, right=True) == "  日"
