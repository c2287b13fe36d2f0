"""Columns of tables against scikit-learn's transformers, fitted on the same training rows."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from dnn_cli.base.errors import CheckpointError, DataError
from dnn_cli.data.column import COLUMNS, Column, Fitting
from dnn_cli.data.inference import guess
from dnn_cli.data.place import Place
from dnn_cli.data.raw_columns import Numbers, RawColumn, Words
from dnn_cli.data.table_coding import SurpriseLog, TableCoding
from dnn_cli.nn.layer import LAYERS
from dnn_cli.nn.model import build_network

RNG = np.random.default_rng(8)
TRAIN = np.arange(600)
VALUES = np.concatenate([RNG.normal(3, 2, 500), RNG.exponential(50, 400), [-7.0, 1e6, 0.0]])
RNG.shuffle(VALUES)
PLACE = Place("t.csv")


def words(cells: list[str | None]) -> Words:
    levels = tuple(dict.fromkeys(cell for cell in cells if cell is not None))
    return Words(np.array([-1 if c is None else levels.index(c) for c in cells], np.int32), levels)


def fitted(
    kind: str, raw: RawColumn, scale: str = "standard", least: int = 1, **more: Any
) -> Column:
    column = COLUMNS.get(kind)(**more).fit("x", raw, Fitting(TRAIN, PLACE, scale, least))  # type: ignore[arg-type]
    assert column is not None
    return column


def encoded(column: Column, raw: RawColumn) -> np.ndarray:
    log = SurpriseLog()
    return TableCoding([column]).encode({column.name: raw}, PLACE, log)


@pytest.mark.parametrize(
    ("scale", "known"),
    [
        ("standard", StandardScaler()),
        ("minmax", MinMaxScaler()),
        ("robust", RobustScaler()),
        ("quantile", QuantileTransformer(output_distribution="normal", n_quantiles=600)),
    ],
)
def test_numbers_are_scaled_as_scikit_learn_does(scale: str, known: Any) -> None:
    raw = Numbers(VALUES)
    wanted = known.fit(VALUES[TRAIN, None]).transform(VALUES[:, None])
    found = encoded(fitted("number", raw, scale), raw)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)


def test_the_smooth_clip_is_its_formula() -> None:
    raw = Numbers(VALUES)
    z = RobustScaler().fit(VALUES[TRAIN, None]).transform(VALUES[:, None])
    found = encoded(fitted("number", raw, "robust_smooth_clip"), raw)
    np.testing.assert_allclose(found, z / np.sqrt(1 + (z / 3) ** 2), rtol=1e-6, atol=1e-6)
    assert np.abs(found).max() <= 3


def test_gaps_become_the_median_and_an_indicator() -> None:
    values = VALUES.copy()
    values[RNG.random(len(values)) < 0.2] = np.nan
    column = fitted("number", Numbers(values), "none")
    found = encoded(column, Numbers(values))
    train = values[TRAIN, None]
    np.testing.assert_allclose(
        found[:, 0], SimpleImputer(strategy="median").fit(train).transform(values[:, None])[:, 0],
        rtol=1e-6,
    )  # fmt: skip
    assert (
        found[:, 1].tolist()
        == MissingIndicator().fit(train).transform(values[:, None])[:, 0].tolist()
    )


def test_gaps_that_training_had_not_are_filled_and_counted() -> None:
    column = fitted("number", Numbers(VALUES), "none")
    log = SurpriseLog()
    found = TableCoding([column]).encode({"x": Numbers(np.array([np.nan, 1.0]))}, PLACE, log)
    assert found.tolist() == [[np.float32(np.median(VALUES[TRAIN]))], [1.0]]
    assert log.lines() == ["gaps in columns that had none in training, filled: `x` 1"]


LEVELS = [None if v < 0.1 else "abcdefgh"[int(v * 8)] for v in RNG.random(900)]
NEW = ["a", "z", None, "h"]


def test_codes_are_those_of_an_ordinal_encoder() -> None:
    cells = [level or "a" for level in LEVELS]
    known = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    known.fit(np.array(cells)[TRAIN, None])
    new = ["a", "z", "h"]
    found = encoded(fitted("category", words(cells)), words(new))
    assert found[:, 0].tolist() == (known.transform(np.array(new)[:, None])[:, 0] + 1).tolist()


def test_codes_expand_as_a_one_hot_encoder_does() -> None:
    cells = [level or "b" for level in LEVELS]
    column = fitted("category", words(cells))
    known = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    known.fit(np.array(cells)[TRAIN, None])
    new = ["b", "q", "h", "c"]
    network = build_network([LAYERS.get("table")(levels=column.levels)], (1,))
    plan = network.plan(4, train=False)
    plan.x[...] = encoded(column, words(new))
    assert plan.forward(False).tolist() == known.transform(np.array(new)[:, None]).tolist()


def test_gaps_of_categories_are_a_level_where_training_had_some() -> None:
    column = fitted("category", words(LEVELS))
    levels = sorted({level for level in LEVELS[:600] if level})
    found = encoded(column, words(NEW))[:, 0].tolist()
    assert found == [1, 0, len(levels) + 1, len(levels)]
    assert column.levels == (len(levels) + 1,)
    log = SurpriseLog()
    TableCoding([column]).encode({"x": words(NEW)}, PLACE, log)
    assert log.lines("test") == [
        "test: levels that training did not have often enough, read as one: `x` 1 (z)"
    ]


def test_rare_levels_are_pooled() -> None:
    cells: list[str | None] = [*["common"] * 500, *["rare"] * 3, *["other"] * 97]
    column = fitted("category", words(cells), least=5)
    assert encoded(column, words(["common", "rare", "other", "new"]))[:, 0].tolist() == [1, 0, 2, 0]


@pytest.mark.parametrize("pair", [("yes", "no"), ("True", "False"), ("T", "F"), ("1", "0")])
def test_booleans(pair: tuple[str, str]) -> None:
    cells: list[str | None] = [pair[i % 2] for i in range(700)]
    column = fitted("boolean", words(cells))
    new = [*pair, None, "maybe"]
    assert encoded(column, words(new))[:, 0].tolist() == [1, -1, 0, 0]


def test_text_is_a_bag_of_words_of_length_one() -> None:
    column = fitted("text", words(["one two"] * 600), hash=64)
    found = encoded(column, words(["one two two", "Two, one!", None, "three"]))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), [1, 1, 0, 1], rtol=1e-6)
    one, two = (encoded(column, words([w]))[0] for w in ("one", "two"))
    np.testing.assert_allclose(found[0], (one + 2 * two) / np.linalg.norm(one + 2 * two), rtol=1e-6)
    np.testing.assert_allclose(found[1], (one + two) / np.linalg.norm(one + two), rtol=1e-6)


@pytest.mark.parametrize("kind", ["number", "category", "boolean", "text", "date"])
def test_nothing_but_the_training_rows_is_looked_at(kind: str) -> None:
    raws: dict[str, tuple[RawColumn, RawColumn]] = {
        "number": (Numbers(VALUES), Numbers(np.where(np.arange(903) < 600, VALUES, 1e30))),
        "category": (words(LEVELS), words([*LEVELS[:600], *["odd"] * 300])),
        "boolean": (words(["yes", "no"] * 450), words([*["yes", "no"] * 300, *["yes"] * 300])),
        "text": (words(["a b"] * 900), words([*["a b"] * 600, *["c"] * 300])),
        "date": (
            words([f"2024-01-{i % 28 + 1:02}" for i in range(900)]),
            words([f"2024-01-{i % 28 + 1:02}" if i < 600 else "2099-12-31" for i in range(900)]),
        ),
    }
    more = {"hash": 4} if kind == "text" else {}
    one, other = (fitted(kind, raw, "robust", **more) for raw in raws[kind])
    assert json.dumps(one.to_json()) == json.dumps(other.to_json())


CASES = [
    ("number", Numbers(VALUES)), ("category", words(LEVELS)), ("boolean", words(["y", "n"] * 450)),
    ("text", words(["a b"] * 900)), ("date", words([f"{i % 28 + 1}.3.2024" for i in range(900)])),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "raw"), CASES)
@pytest.mark.parametrize("scale", ["standard", "quantile"])
def test_a_coding_comes_back_from_a_file(kind: str, raw: RawColumn, scale: str) -> None:
    more = {"hash": 4} if kind == "text" else {}
    coding = TableCoding([fitted(kind, raw, scale, **more)])
    stored = json.loads(json.dumps(coding.to_json()))
    again = TableCoding.from_json(stored, coding.arrays())
    assert again.to_json() == coding.to_json()
    one, other = (c.encode({"x": raw}, PLACE, SurpriseLog()) for c in (coding, again))
    assert one.tobytes() == other.tobytes()
    for name in stored[0]:
        for wrong in (None, [[]], {}, "\ud800", -1e400):
            with pytest.raises(CheckpointError, match="data schema"):
                TableCoding.from_json([{**stored[0], name: wrong}], coding.arrays())
        with pytest.raises(CheckpointError, match="data schema"):
            TableCoding.from_json(
                [{k: v for k, v in stored[0].items() if k != name}], coding.arrays()
            )
    with pytest.raises(CheckpointError, match="data schema"):
        TableCoding.from_json([*stored, *stored], coding.arrays())
    with pytest.raises(CheckpointError, match="data schema"):
        TableCoding.from_json(stored, {**coding.arrays(), "columns.7.x": np.zeros(1)})


N = 600
UNIQUE = [f"u{i}" for i in range(N)]


@pytest.mark.parametrize(
    ("raw", "kind", "doubt"),
    [
        (Numbers(VALUES[:N]), "number", ""),
        (Numbers(np.arange(N) % 7.0), "number", "category"),
        (Numbers(np.arange(N) % 2.0), "number", ""),
        (Numbers(np.full(N, 3.0)), "unused", ""),
        (Numbers(np.full(N, np.nan)), "unused", ""),
        (Numbers(1000.0 + RNG.permutation(N)), "identifier", "number"),
        (Numbers(np.floor(1e9 * RNG.random(N))), "number", ""),
        (words(["x"] * N), "unused", ""),
        (words(["yes", "NO"] * (N // 2)), "boolean", ""),
        (words(["red", "blue", "green"] * (N // 3)), "category", ""),
        (words(UNIQUE), "identifier", "category"),
        (words([f"a word {u}" for u in UNIQUE]), "text", "{type: text, hash: 64}"),
        (words(["2024-01-02", "2024-05-06"] * (N // 2)), "date", ""),
        (words(["01/02/2024", "05/06/2024"] * (N // 2)), "date", "{type: date, form: month_first}"),
        (words([f"0{i % 90 + 10}" for i in range(N)]), "category", "number"),
        (words([*map(str, range(N - 1)), "oops"]), "number", ""),
        (words([f"{i},5" for i in range(N)]), "number", ""),
        (words([f"{i} %" for i in range(N)]), "number", ""),
        (words(["1", "2", "inf"] * (N // 3)), "number", ""),
        (words(["1", "2", "#DIV/0!"] * (N // 3)), "number", ""),
        (words(["1", "2", "other"] * (N // 3)), "category", ""),
    ],
)
def test_kinds_are_guessed(raw: RawColumn, kind: str, doubt: str) -> None:
    found = guess("x", raw, np.arange(N), 1)
    assert (found.spec.spec_name, found.doubt) == (kind, doubt)


def test_a_name_may_tell_an_identifier() -> None:
    raw = Numbers(np.floor(1e9 * RNG.random(N)))
    for name in ("id", "customer_id", "CustomerId", "row-key", "uuid"):
        assert guess(name, raw, np.arange(N), 1).spec.spec_name == "identifier"
    for name in ("paid", "amount", "period"):
        assert guess(name, raw, np.arange(N), 1).spec.spec_name == "number"


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([*map(str, range(50)), "oops"], ("`oops` in column `x` is not a number", "missing")),
        ([f"{i},5" for i in range(50)], ("is not a number", 'decimal: ","')),
        ([*map(str, range(50)), "#N/A"], ("`#N/A`", "a formula that failed")),
    ],
)
def test_what_should_be_numbers_says_where_it_is_none(
    cells: list[str], said: tuple[str, str]
) -> None:
    with pytest.raises(DataError) as caught:
        COLUMNS.get("number")().fit("x", words(cells), Fitting(np.arange(50), PLACE, "none", 1))
    problem = caught.value.problems[0]
    assert said[0] in problem.what and said[1] in f"{problem.why} {problem.fix}"
    assert problem.where.startswith("t.csv: row ")
