"""What plain scalars mean."""

from __future__ import annotations

import math

import pytest

from dnn_cli.config.scalars import Odd, plain_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # YAML 1.2.2, section 10.3.2, and its example 10.9
        ("", None),
        ("~", None),
        ("null", None),
        ("Null", None),
        ("NULL", None),
        ("nULL", "nULL"),
        ("true", True),
        ("True", True),
        ("TRUE", True),
        ("false", False),
        ("tRUE", "tRUE"),
        ("yes", "yes"),
        ("off", "off"),
        ("0", 0),
        ("3", 3),
        ("-19", -19),
        ("+12", 12),
        ("-0", 0),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("0.", 0.0),
        ("-0.0", -0.0),
        (".5", 0.5),
        ("+.5", 0.5),
        ("+12e03", 12000.0),
        ("-2E+05", -200000.0),
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        ("1.5e3", 1500.0),
        ("00.5", 0.5),
        ("1e308", 1e308),
        ("5e-324", 5e-324),
        ("0e-999", 0.0),
        # text
        (".", "."),
        ("-", "-"),
        ("+", "+"),
        ("e3", "e3"),
        ("1e", "1e"),
        ("1.2.3", "1.2.3"),
        ("1:60", "1:60"),
        ("1 000", "1 000"),
        ("0x", "0x"),
        ("0b2", "0b2"),
        ("0o8", "0o8"),
        ("_1", "_1"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("-.nan", "-.nan"),
        ("١٢", "١٢"),
        ("2024-01-01", "2024-01-01"),
        ("=", "="),
    ],
)
def test_values(text: str, value: object) -> None:
    found = plain_value(text)
    assert found == value and type(found) is type(value)
    if isinstance(value, float):
        assert math.copysign(1, value) == math.copysign(1, found)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        *("010", "-07", "08", "0o7", "0O7", "0x1f", "-0XFF", "0b1", "1_0", "1_000.5", "1__"),
        *("1:30", "190:20:30", "190:20:30.15", "-1:00"),
        *(".inf", "+.Inf", "-.INF", ".nan", ".NaN", ".NAN", "1e999", "-1e999", "1e-999"),
        *("9223372036854775808", "1" * 401, "0." + "0" * 400, "0x" * 300),
    ],
)
def test_odd(text: str) -> None:
    assert isinstance(plain_value(text), Odd)
