"""Each finding is there where its fault is planted, and not where it is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp
from sklearn.metrics import roc_auc_score

from dnn_cli.data.open_column import OpenColumn
from dnn_cli.data.raw_columns import Numbers, Words
from dnn_cli.training.doctor.drift import distance, variation
from dnn_cli.training.doctor.leak import errors_avoided, explained, ranked
from dnn_cli.training.doctor.outliers import quantile
from dnn_cli.training.finding import FINDERS

RNG = np.random.default_rng(8)
TRAIN = slice(0, 240)


def test_a_sound_table_has_nothing_but_its_classes(table, found):
    [one] = found(table)
    counts = pd.Series(table["y"][TRAIN]).value_counts()
    assert (one.kind, one.severity, one.column) == ("classes", "note", "")
    assert one.figure == counts.max() / 240
    for label, count in counts.items():
        assert f"{label} {count}" in one.what


def test_every_fault_of_every_column_is_told_at_once(table, found):
    age = np.arange(400).astype(object)
    age[[5, 300]] = "abc", "def"
    when = np.array([f"2024-01-{1 + i % 28:02d}" for i in range(400)], object)
    when[7] = "2024-13-45"
    told = found({**table, "age": age, "when": when}, "faults")
    assert [(f.severity, f.column) for f in told] == [("severe", "age"), ("severe", "when")]
    assert "`abc`" in told[0].what and "row 6" in told[0].what
    assert "`2024-13-45`" in told[1].what and "row 8" in told[1].what


def test_a_target_at_fault_hides_nothing_of_the_columns(table, found):
    y = RNG.normal(size=400).round(5).astype(object)
    y[3] = "oops"
    told = found({**table, "y": y, "same": 1})
    assert [(f.kind, f.column) for f in told if f.severity == "severe"] == [("faults", "y")]
    assert [f.column for f in told if f.kind == "constant"] == ["same"]


def test_rows_without_a_target_are_counted(table, found):
    y = table["y"].astype(object)
    y[:40] = ""
    [one] = found({**table, "y": y}, "faults")
    assert one.figure == 0.1 and one.severity == "warning"


def test_numbers_that_a_cell_makes_words(table, found):
    spoiled = np.array([f"{row:04d}" for row in range(400)], object)  # codes, that is
    spoiled[390] = "12x"
    [one] = found({**table, "b": spoiled}, "spoiled_numbers")
    assert (one.column, one.figure) == ("b", 1 / 400) and "`12x`" in one.what
    assert one.severity == "severe"


def test_a_large_class_a_lone_one_and_one_that_a_part_lacks(table, found):
    y = np.full(400, "no", object)
    y[[0, 1, 2, 3, 4, 330]] = "yes"
    y[10] = "once"
    told = found({**table, "y": y}, "classes")
    assert [(f.severity, f.part) for f in told if f.severity == "warning"] == [
        ("warning", ""),
        ("warning", ""),
        ("warning", "valid"),
        ("warning", "test"),
    ]
    assert told[0].figure == 234 / 240 and "once (1)" in told[1].what
    assert "once, yes" in told[2].what


def test_gaps(table, found):
    b, a = table["b"].copy(), table["a"].copy()
    b[:150], a[350:360] = np.nan, np.nan
    told = {f.column: f for f in found({**table, "a": a, "b": b}, "missing")}
    assert told["b"].figure == pd.Series(b[TRAIN]).isna().mean()
    assert told["b"].severity == "warning" and told["b"].part == ""
    assert (told["a"].part, told["a"].figure, told["a"].severity) == ("test", 10 / 80, "warning")


def test_constant_columns(table, found):
    late = np.array(["old"] * 240 + ["new"] * 160)
    told = {f.column: f for f in found({**table, "same": 3, "late": late}, "constant")}
    assert told["same"].severity == "note" and told["late"].severity == "warning"
    assert "valid and test" in told["late"].what and set(told) == {"same", "late"}


def test_columns_that_hold_the_same(table, found):
    words = {"x": 10.0, "y": 20.0, "z": 5.0}
    more = {"b2": table["b"], "c2": table["c"], "c3": [words[one] for one in table["c"]]}
    told = {f.column: f for f in found({**table, **more}, "duplicates")}
    assert {name: f.severity for name, f in told.items()} == {
        "b2": "warning",
        "c2": "warning",
        "c3": "note",
    }
    assert "`b`" in told["b2"].what and "`c`" in told["c3"].what


def test_contents_are_equal_where_cells_are():
    def content(raw):
        return OpenColumn("n", None, {"train": raw}, True).content

    words = Words(np.array([0, 1, -1, 0], np.int32), ("p", "q"))
    swapped = Words(np.array([1, 0, -1, 1], np.int32), ("q", "p"))
    other = Words(np.array([1, 0, -1, 1], np.int32), ("p", "q"))
    assert content(words) == content(swapped)
    assert content(words)[0] == content(other)[0] and content(words)[1] != content(other)[1]
    numbers = np.array([0.5, np.nan, -0.0])
    assert content(Numbers(numbers)) == content(Numbers(np.array([0.5, np.nan, 0.0])))
    assert content(Numbers(numbers)) != content(Numbers(np.array([0.5, 0.0, np.nan])))


def test_identifiers(table, found):
    more = {"name": [f"n{i}" for i in range(400)], "nr": 7 + 3 * RNG.permutation(400)}
    more["pay"] = RNG.lognormal(10, 0.5, 400).round()
    told = {f.column: f for f in found({**table, **more}, "identifiers")}
    assert set(told) == {"name", "nr"} and told["nr"].figure == 1.0
    assert "left out" in told["name"].what and "left out" not in told["nr"].what


@pytest.mark.parametrize("kind", ["number", "level", "gap"])
def test_a_column_that_knows_the_class(table, found, kind):
    yes = table["y"] == "yes"
    leak = {
        "number": np.where(yes, 1, 0) * 10 + RNG.random(400),
        "level": np.where(yes, RNG.choice(["p", "q"], 400), RNG.choice(["r", "s"], 400)),
        "gap": np.where(yes, np.nan, RNG.random(400)),
    }[kind]
    told = found({**table, "paid": leak}, "leak")
    assert [(f.column, f.severity, f.figure) for f in told] == [("paid", "severe", 1.0)]


def test_leaks_of_three_classes_and_of_numbers(table, found):
    y = RNG.choice(["p", "q", "r"], 400)
    told = found({**table, "y": y, "of": [ord(one) for one in y]}, "leak")
    assert [(f.column, f.figure) for f in told] == [("of", 1.0)]
    t = RNG.lognormal(size=400).round(6)
    told = found({**table, "y": t, "euro": (t * 1.1).round(5)}, "leak")
    assert [(f.column, f.severity) for f in told] == [("euro", "severe")]
    told = found({**table, "y": t, "u": -table["b"], "t2": t}, "leak", target=("y", "u"))
    assert [(f.column, f.severity) for f in told] == [("b", "severe"), ("t2", "severe")]


def test_figures_of_leaks_are_those_of_scikit_learn_on_the_other_half():
    bins, y = RNG.integers(0, 9, 500), RNG.random(500)
    ones = (bins + RNG.normal(size=500) > 4).astype(np.int64)
    half = pd.DataFrame({"bin": bins[::2], "one": ones[::2]})
    sums = half.groupby("bin").one.agg(["sum", "size"])
    scores = ((sums["sum"] + half.one.mean()) / (sums["size"] + 1)).loc[bins[1::2]]
    assert ranked(bins, ones) == pytest.approx(roc_auc_score(ones[1::2], scores), abs=1e-12)
    top = half.groupby("bin").one.agg(lambda s: s.mode()[0]).loc[bins[1::2]].to_numpy()
    usual = half.one.mode()[0]
    avoided = 1 - (top != ones[1::2]).sum() / (usual != ones[1::2]).sum()
    assert errors_avoided(bins, ones, 2) == pytest.approx(avoided, abs=1e-12)
    t = bins + y
    means = pd.Series(t[::2]).groupby(bins[::2]).mean().loc[bins[1::2]].to_numpy()
    left = np.square(t[1::2] - means).sum() / np.square(t[1::2] - t[1::2].mean()).sum()
    assert explained(bins, None, t) == pytest.approx(1 - left, abs=1e-12)


def test_noise_predicts_nothing(table, found):
    many = {f"n{i}": RNG.choice(2000, 400) for i in range(50)}
    assert found({**table, **many}, "leak") == []


def test_rows_that_parts_share(table, found):
    frame = pd.DataFrame(table)
    names = ["a", "b", "c"]
    frame.loc[320:359, names] = frame.loc[0:39, names].to_numpy()
    frame.loc[100:101, names] = frame.loc[0:1, names].to_numpy()
    told = {f.part: f for f in found(frame.to_dict("series"), "shared_rows")}
    again = frame[:240].duplicated(names).sum()
    assert told[""].figure == again / 240 and told["test"].figure == 0.5
    assert told["test"].severity == "severe" and set(told) == {"", "test"}


def test_outliers_of_training_and_of_another_part(table, found):
    a, b = table["a"].copy(), table["b"].copy()
    a[9], b[390] = 500.0, -1e6
    told = {f.column: f for f in found({**table, "a": a, "b": b}, "outliers")}
    q = np.quantile(a[TRAIN], (0.25, 0.5, 0.75))
    assert told["a"].figure == pytest.approx((500 - q[1]) / (q[2] - q[0]))
    assert told["a"].severity == "warning" and "robust_smooth_clip" in told["a"].fix
    low, high = b[TRAIN].min(), b[TRAIN].max()
    assert told["b"].figure == pytest.approx((low + 1e6) / (high - low))
    assert (told["b"].part, told["b"].severity) == ("test", "warning")
    bent = found({**table, "a": a}, "outliers", scale="robust_smooth_clip")
    assert [f.severity for f in bent] == ["note"]


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_quantiles_are_those_of_numpy(share):
    for n in (1, 2, 5, 20):
        known = np.sort(RNG.normal(size=n))
        assert quantile(known, share) == pytest.approx(np.quantile(known, share), abs=1e-14)


def test_a_number_that_stands_for_a_gap(table, found):
    b = table["b"].copy()
    b[:12] = -999
    [one] = found({**table, "b": b}, "gap_values")
    assert (one.column, one.figure) == ("b", 12 / 240) and "`-999`" in one.fix


def test_levels_that_training_lacks(table, found):
    c = table["c"].astype(object)
    c[330:340], c[240] = "w", "v"
    told = {f.part: f for f in found({**table, "c": c}, "unseen_levels")}
    assert told["test"].figure == 10 / 80 and told["test"].severity == "warning"
    assert told["valid"].figure == 1 / 80 and "v" in told["valid"].what


def test_drift_of_numbers_levels_gaps_and_classes(table, found):
    b, c, a = table["b"].copy(), table["c"].astype(object), table["a"].copy()
    y = table["y"].copy()
    b[320:] += 2
    c[320:] = "x"
    a[240:300] = np.nan
    y[240:320] = "yes"
    told = {
        (f.column, f.part): f for f in found({**table, "a": a, "b": b, "c": c, "y": y}, "drift")
    }
    assert set(told) == {("b", "test"), ("c", "test"), ("a", "valid"), ("", "valid")}
    assert told["b", "test"].figure == pytest.approx(ks_2samp(b[TRAIN], b[320:]).statistic)
    shares = [pd.Series(one).value_counts(normalize=True) for one in (c[TRAIN], c[320:])]
    assert told["c", "test"].figure == pytest.approx(
        shares[0].sub(shares[1], fill_value=0).abs().sum() / 2
    )
    assert told["a", "valid"].figure == pytest.approx(60 / 80)


def test_noise_of_the_parts_size_is_no_drift():
    for _ in range(300):
        n, m = RNG.integers(30, 500, 2)
        one, other = np.sort(RNG.normal(size=n)), np.sort(RNG.normal(size=m))
        value, limit = distance(one, other, 1e-6)
        assert value == pytest.approx(ks_2samp(one, other).statistic, abs=1e-12) and value < limit
        k = int(RNG.integers(2, 200))
        counts = [np.bincount(RNG.integers(0, k, size), minlength=k) for size in (n, m)]
        value, limit = variation(*counts, 1e-6)
        assert value < limit
    value, limit = distance(np.arange(500.0), np.arange(500.0) + 100, 1e-3)
    assert value == pytest.approx(0.2) and value > limit


def test_other_parts_change_no_figure_of_training(table, found):
    """Outliers and levels in validation and test leave all that is said of training as it was."""
    b, c = table["b"].copy(), table["c"].astype(object)
    b[[7, 8]] = 90.0
    before = [f for f in found({**table, "b": b}) if not f.part]
    b[240:], c[240:] = 1e9, "new"
    after = [f for f in found({**table, "b": b, "c": c}) if not f.part]
    assert before == after and any(f.kind == "outliers" for f in before)


def test_each_kind_is_a_file_of_its_name():
    for name, kind in FINDERS.all().items():
        assert kind.spec_name == name and kind.__module__.endswith(f"doctor.{name}")
        assert kind.__doc__
