"""Numbers as text in bulk against Python's own, which knows one at a time."""

import numpy as np
import pytest
from numpy.typing import NDArray

from dnn_cli.app.shortest import shortest

Floats = NDArray[np.float32]
RNG = np.random.Generator(np.random.Philox(3))
CASES: dict[str, Floats] = {
    "probabilities": RNG.random(40_000).astype(np.float32),
    "all sizes": (10.0 ** RNG.uniform(-15, 1, 40_000)).astype(np.float32),
    "few digits": np.array(
        [float(f"{d}e-{e}") for d in range(1, 1000) for e in range(16)], np.float32
    ),
    "beside powers of ten": np.array(
        [np.nextafter(np.float32(10.0**-k), np.float32(to)) for k in range(15) for to in (0, 1)],
        np.float32,
    ),
    "powers of two": (2.0 ** -np.arange(60.0)).astype(np.float32),
    "no probabilities": np.array([0, 1, -0.0, 2.5, -3, 1e30, -1e-7, 1e-45, 3.4e38], np.float32),
    "none": np.empty(0, np.float32),
}


@pytest.mark.parametrize("case", CASES)
def test_the_texts_are_those_of_python(case: str) -> None:
    values = CASES[case]
    assert shortest(values) == [repr(float(str(value))) for value in values]


def test_every_neighbour_of_a_number_has_its_own_text() -> None:
    start = np.array(0.1, np.float32).view(np.uint32) - 20_000
    values = (start + np.arange(40_000, dtype=np.uint32)).view(np.float32)
    texts = shortest(values)
    np.testing.assert_array_equal(np.array(texts, np.float32), values)
    assert texts == [repr(float(str(value))) for value in values]


def test_columns_of_an_array_and_float64() -> None:
    table = RNG.random((100, 3))
    assert shortest(table[:, 1]) == [repr(value) for value in table[:, 1].tolist()]
    narrow = table.astype(np.float32)
    assert shortest(narrow.T[2]) == [repr(float(str(value))) for value in narrow[:, 2]]
