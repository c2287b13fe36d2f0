import numpy as np
import pytest

from dnn_cli.base.errors import DataError
from dnn_cli.base.task import Task
from dnn_cli.data.encoding import Encoding
from dnn_cli.data.place import Place

DIGITS = Encoding(Task("multiclass", 3, ("0", "1", "7")), ("0", "1", "7"))
WORDS = Encoding(Task("binary", 2, ("cat", "dog")), ("cat", "dog"))
SEVEN = Encoding(Task("binary", 2, ("rest", "7")), ("0", "1", "7"), ("7",))
TREES = Encoding(Task("multiclass", 3, ("oak", "elm", "ash")), ("oak", "elm", "ash"), (), True)
ELM = Encoding(Task("binary", 2, ("rest", "elm")), ("oak", "elm", "ash"), ("elm",), True)
LABELS = Encoding(Task("multilabel", 2, ("wet", "cold")))
PRICE = Encoding(Task("regression", 1, ("price",)))


@pytest.mark.parametrize(
    ("encoding", "raw", "expected"),
    [
        (DIGITS, [7, 0, 1, 7], [2, 0, 1, 2]),
        (DIGITS, [[7.0], [0.0]], [2, 0]),
        (DIGITS, ["7", "1"], [2, 1]),
        (DIGITS, np.array([7, 0], dtype=np.uint8), [2, 0]),
        (DIGITS, [True, False], [1, 0]),
        (DIGITS, np.empty(0), []),
        (WORDS, ["dog", "cat"], [1, 0]),
        (SEVEN, [0, 7, 1], [0, 1, 0]),
        (TREES, [[0, 1, 0], [1, 0, 0], [0, 0, 1]], [1, 0, 2]),
        (TREES, [[0.0, 0.0, 1.0]], [2]),
        (TREES, [[False, True, False]], [1]),
        (TREES, np.empty((0, 3)), []),
        (ELM, [[0, 1, 0], [1, 0, 0], [0, 0, 1]], [1, 0, 0]),
    ],
)
def test_classes(encoding, raw, expected):
    found = encoding.encode(np.asarray(raw), Place("t"))
    assert found.dtype == np.int64
    assert found.shape == (len(expected),)
    assert found.tolist() == expected


@pytest.mark.parametrize(
    ("encoding", "raw", "expected"),
    [
        (LABELS, [[1, 0], [0, 0]], [[1, 0], [0, 0]]),
        (LABELS, np.array([[True, False]]), [[1, 0]]),
        (LABELS, [["True", "no"], ["false", "YES"]], [[1, 0], [0, 1]]),
        (PRICE, [2, 3], [[2], [3]]),
        (PRICE, [[2.5]], [[2.5]]),
        (PRICE, np.empty((0, 1)), np.empty((0, 1))),
    ],
)
def test_numbers(encoding, raw, expected):
    found = encoding.encode(np.asarray(raw), Place("t"))
    assert found.dtype == (np.float64 if encoding is PRICE else np.float32)
    np.testing.assert_array_equal(found, np.asarray(expected))


@pytest.mark.parametrize(
    ("encoding", "raw", "message", "where"),
    [
        (DIGITS, [0, -1, 1, 2], "2 of 4 targets are of classes that training has not seen: -1, 2",
         "t: row 12, row 14"),
        (DIGITS, [0, 1.5], "fractions", "t: row 12"),
        (DIGITS, [0, np.nan], "1 of 2 targets are missing", "t: row 12"),
        (DIGITS, ["7", "07"], "not seen: 07", "t: row 12"),
        (DIGITS, [[0, 1]], "one target column, found 2", "t"),
        (WORDS, ["dog", "", "cat"], "1 of 3 targets are missing", "t: row 12"),
        (WORDS, [1, 0], "not seen: 0, 1", "t: row 11, row 12"),
        (TREES, [[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 2], [2, -1, 0]],
         "4 of 5 rows of targets are not a single 1", "t: row 12, row 13, row 14, row 15"),
        (TREES, [0, 1, 2], "3 target columns are expected, found 1", "t"),
        (TREES, [[0, 1]], "3 target columns are expected, found 2", "t"),
        (TREES, [["0", "2", "0"]], "needs numbers, found text", "t"),
        (TREES, [[0, 1, np.nan]], "1 of 3 targets are missing", "t: row 11 column 2"),
        (LABELS, [[1, 0], [0, -1]], "neither 0 nor 1", "t: row 12 column `cold`"),
        (LABELS, [[1, 0, 1]], "2 target columns are expected, found 3", "t"),
        (LABELS, [["1", "x"]], "needs numbers, found text such as `1`", "t"),
        (PRICE, [1.0, 1e300], "1 of 2 targets are too large", "t: row 12 column `price`"),
        (PRICE, [1.0, -np.inf], "1 of 2 targets are missing", "t: row 12"),
    ],
)  # fmt: skip
def test_refused_with_positions(encoding, raw, message, where):
    with pytest.raises(DataError, match=message) as caught:
        encoding.encode(np.asarray(raw), Place("t", first_row=10))
    assert caught.value.problems[0].where == where


def test_positions_are_those_of_the_source_after_a_division():
    place = Place("t").part(np.array([3, 8, 9]))
    with pytest.raises(DataError) as caught:
        DIGITS.encode(np.array([0, 5, 0]), place)
    assert caught.value.problems[0].where == "t: row 9"


@pytest.mark.parametrize(
    ("labels", "numeric", "values"),
    [
        (("0", "1", "7"), True, (0, 1, 7)),
        (("-3", "12"), True, (-3, 12)),
        (("0", "1", "7"), False, ("0", "1", "7")),
        (("rest", "7"), True, ("rest", "7")),
        (("0", "3|5"), True, ("0", "3|5")),
        (("0", str(2**63 - 1)), True, (0, 2**63 - 1)),
        (("-" + str(2**63), "0"), True, (-(2**63), 0)),
        (("0", str(2**63)), True, ("0", str(2**63))),  # beyond int64
        (("0", "9" * 5000), True, ("0", "9" * 5000)),
        (("01", "1"), True, ("01", "1")),  # from a file that nobody vouches for
        (("-0", "1"), True, ("-0", "1")),
        (("0", "1\n"), True, ("0", "1\n")),
    ],
)
def test_labels_as_the_data_have_them(labels, numeric, values):
    found = Encoding(Task("multiclass", len(labels), labels), labels, numeric=numeric).values
    assert found == values and [type(v) for v in found] == [type(v) for v in values]


def test_long_whole_numbers_that_were_kept_as_text_are_quantities_if_asked_for():
    encoding = Encoding(Task("regression", 1, ("t",)))
    found = encoding.encode(np.array(["90071992547409930", "1"]), Place("x"))
    assert found.tolist() == [[90071992547409930.0], [1.0]]
    with pytest.raises(DataError, match="needs numbers"):
        encoding.encode(np.array(["9", "x"]), Place("x"))
