"""Signs of numbers are found from cells that were written with them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from dnn_cli.data.readers.csv_dialect import setting
from dnn_cli.data.readers.csv_signs import find_signs
from dnn_cli.data.readers.numerals import SIGNS, Numerals, why_no_number

RNG = np.random.default_rng(0)
WRITTEN = {" ": " \u00a0\u202f\u2009", "'": "'\u2019"}


def shown(number: float, decimal: str, thousands: str) -> str:
    """A number as Python writes it, with other signs."""
    return f"{number:,.2f}".translate(str.maketrans({",": thousands, ".": decimal}))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("signs", SIGNS, ids=str)
def test_numbers_of_two_decimals_have_one_reading(signs: Numerals, delimiter: str) -> None:
    numbers = RNG.uniform(0, 5e6, 50).tolist()
    for sign in WRITTEN.get(signs.thousands or "", signs.thousands or " ".strip()) or [""]:
        cells = [shown(number, signs.decimal, sign) for number in numbers]
        found = find_signs([cells, ["a", "b"] * 25, ["31.12.2024"] * 50], delimiter)
        assert found is not None and found.numerals == signs and found.doubt is None
        read = [float(found.numerals.plain(cell) or "nan") for cell in cells]
        assert read == [round(number, 2) for number in numbers]


ONE, TWO = Numerals(",", None), Numerals(".", ",")


@pytest.mark.parametrize(
    ("columns", "delimiter", "signs", "doubt"),
    [
        ([["1,125", "2,500"]], ";", ONE, TWO), ([["1,125", "2,500"]], ",", TWO, ONE),
        ([["1,125", "0,500"]], ",", ONE, None), ([["1,125", "1250"]], ";", ONE, None),
        ([["1,125", "12,345,678"]], ";", TWO, None), ([["1,125"], ["2.5"]], ";", TWO, None),
        ([["1,125"], ["0,5"]], ",", ONE, None), ([["12,345,678", "1234"]], ";", TWO, None),
        ([["1.125"]], ";", Numerals(), Numerals(",", ".")), ([["1.125"]], ",", Numerals(), None),
        ([["1.018"], ["0,5"]], ";", Numerals(",", "."), None),
        ([["1 250"]], ",", Numerals(".", " "), None), ([["2024"], ["1,250"]], ",", TWO, ONE),
    ],
)  # fmt: skip
def test_what_is_in_doubt(
    columns: list[list[str]], delimiter: str, signs: Numerals, doubt: Numerals | None
) -> None:
    found = find_signs(columns, delimiter)
    assert found is not None and (found.numerals, found.doubt) == (signs, doubt)


@pytest.mark.parametrize(
    "columns",
    [
        [], [[]], [["1", "2"]], [["a"]], [["31.12.2024"]], [["192.168.0.1"]], [["1.5"], ["1,5"]],
        [["1,5", "b", "c"]], [["12:30"]], [["1-2"]], [["2024-01-31"]], [["1,23,4"]],
    ],
)  # fmt: skip
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_nothing_is_found_where_nothing_tells(columns: list[list[str]], delimiter: str) -> None:
    assert find_signs(columns, delimiter) is None


def test_one_cell_in_twenty_may_be_wrong() -> None:
    cells = [*["1,5"] * 19, "1.5"]
    found = find_signs([cells], ";")
    assert found is not None and found.numerals == ONE


def test_what_is_given_is_kept() -> None:
    assert find_signs([["1,125"]], ";", decimal=".").numerals == TWO  # type: ignore[union-attr]
    assert find_signs([["1,125"]], ",", decimal=",") is None  # all that is left reads it alike
    found = find_signs([["1.125"], ["1,5"]], ",", decimal=",")
    assert found is not None and found.numerals == Numerals(",", ".")


CELLS = ["126.0", "1.126", "1,126", "1,234.5", "12 345,6", "1.234.567", "1.234.567,8", "1'000"]


@pytest.mark.parametrize(("cell", "read"), list(product(CELLS, SIGNS)), ids=str)
def test_the_signs_advised_read_the_cell(cell: str, read: Numerals) -> None:
    if read.plain(cell) is not None:
        return
    for of_model in (True, False):
        _, fix = why_no_number(cell, setting(of_model), read)
        assert "alone" not in fix
    for advice in why_no_number(cell, setting(True), read)[1].split(" if it is "):
        options = dict.fromkeys(("decimal", "thousands"), "")
        for name in options:
            _, _, value = advice.partition(f"--{name} ")
            options[name] = value[1:2]
        if any(options.values()):
            decimal = options["decimal"] or read.decimal
            kept = read.thousands if read.thousands != decimal else None
            other = Numerals(decimal, options["thousands"] or kept)
            assert other.plain(cell) is not None


@pytest.mark.parametrize("cell", ["\u22121.5", "\u22121e\u22123", "\u2212.5"])
def test_the_minus_of_typesetting_is_one(cell: str) -> None:
    assert float(Numerals().plain(cell) or "nan") == float(cell.replace("\u2212", "-"))
    assert Numerals().plain("1\u22122") is None
    assert "dash" in why_no_number("\u20135", setting(True))[0]
