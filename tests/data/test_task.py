import numpy as np
import pytest

from dnn_cli.base.errors import DataError
from dnn_cli.base.task import Task
from dnn_cli.base.text import safe_text
from dnn_cli.data.place import Place
from dnn_cli.data.spec import DataSpec
from dnn_cli.data.task import infer_task

PLACE = Place("y.csv")
LABELS = ("target_0", "target_1", "target_2")


@pytest.fixture
def infer(memory):
    def of(targets, names=None, **options):
        spec = DataSpec(source=memory([[0]]), **options)
        return infer_task(np.asarray(targets), spec, PLACE, names)[0]

    return of


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        (["no", "yes", "no"], Task("binary", 2, ("no", "yes"))),
        (["b", "a", "c"], Task("multiclass", 3, ("a", "b", "c"))),
        (["10", "9", "Z", "é", "z"], Task("multiclass", 5, ("10", "9", "Z", "z", "é"))),
        ([0, 1], Task("binary", 2, ("0", "1"))),
        ([1.0, -1.0, 1.0], Task("binary", 2, ("-1", "1"))),
        ([True, False], Task("binary", 2, ("0", "1"))),
        ([10, 9, 2, 10, 9, 2], Task("multiclass", 3, ("2", "9", "10"))),
        (np.array([[3], [5], [3]]), Task("binary", 2, ("3", "5"))),
        (np.array([2**63, 7, 7], dtype=np.uint64), Task("binary", 2, ("7", str(2**63)))),
        (list(range(3)), Task("regression", 1, ("target",))),  # each occurs once
        (list(range(20)) * 2, Task("multiclass", 20, tuple(map(str, range(20))))),
        (list(range(5, 26)) * 9, Task("regression", 1, ("target",))),  # 21 values, not from 0
        (list(range(100)) * 10, Task("multiclass", 100, tuple(map(str, range(100))))),
        (list(range(100)) * 10 + [100], Task("regression", 1, ("target",))),  # a thin tail
        ([0.5, 1.0], Task("regression", 1, ("target",))),
        ([[0, 1], [1, 1]], Task("multilabel", 2, ("target_0", "target_1"))),
        ([[0, 1], [2, 3]], Task("regression", 2, ("target_0", "target_1"))),
        ([[0, 1, 0], [1, 0, 0], [0, 0, 1]], Task("multiclass", 3, ("0", "1", "2"))),
        ([[True, False], [False, True]], Task("binary", 2, ("0", "1"))),
        ([[0, 1.0], [1, 0]], Task("binary", 2, ("0", "1"))),
        ([[0, 1, 0], [1, 0, 0]], Task("multiclass", 3, ("0", "1", "2"))),  # a class without rows
        ([[0, 1, 0], [1, 1, 0], [0, 0, 1]], Task("multilabel", 3, LABELS)),
        ([[0, 1, 0], [0, 0, 0], [1, 0, 1]], Task("multilabel", 3, LABELS)),
        ([[0, 2, 0], [1, 0, 0], [0, 0, 1]], Task("regression", 3, LABELS)),
        ([[0, 1.5, -0.5], [1, 0, 0], [0, 0, 1]], Task("regression", 3, LABELS)),  # sums are 1
    ],
)
def test_auto(infer, targets, expected):
    assert infer(targets).task == expected


def test_names_of_target_columns(infer):
    assert infer([[0, 1], [1, 1]], names=("wet", "cold")).task.labels == ("wet", "cold")
    assert infer([1.5, 2], names=("price",)).task.labels == ("price",)


@pytest.mark.parametrize(
    ("targets", "options", "expected"),
    [
        ([0, 1, 1], {"task": "regression"}, Task("regression", 1, ("target",))),
        ([0, 1, 1], {"task": "multiclass"}, Task("multiclass", 2, ("0", "1"))),
        ([0, 1, 1], {"task": "multilabel"}, Task("multilabel", 1, ("target",))),
        (list(range(30)), {"task": "multiclass"}, None),
        ([[1, 0], [0, 1]], {"task": "multilabel"}, Task("multilabel", 2, ("target_0", "target_1"))),
        ([[1, 0], [0, 1]], {"task": "regression"}, Task("regression", 2, ("target_0", "target_1"))),
        ([[1, 0], [0, 1]], {"task": "multiclass"}, Task("multiclass", 2, ("0", "1"))),
        ([[1, 0], [0, 1], [1, 0]], {"task": "binary"}, Task("binary", 2, ("0", "1"))),
        (np.eye(3), {"positive": (1,)}, Task("binary", 2, ("rest", "1"))),
        ([5, 3, 5, 7], {"positive": (5,)}, Task("binary", 2, ("rest", "5"))),
        ([5, 3, 5, 7], {"positive": (7, "5")}, Task("binary", 2, ("3", "7|5"))),
        (["a", "b", "b"], {"positive": ("a",)}, Task("binary", 2, ("b", "a"))),
        (["rest", "b", "c"], {"positive": ("rest",)}, Task("binary", 2, ("not rest", "rest"))),
    ],
)
def test_configured(infer, targets, options, expected):
    task = infer(targets, **options).task
    assert task == (expected or Task("multiclass", 30, tuple(str(i) for i in range(30))))


@pytest.mark.parametrize(
    ("targets", "options", "message", "where"),
    [
        ([4, 4, 4], {}, "all 3 targets are `4`", "y.csv"),
        (["a", "a"], {"task": "binary"}, "one class only: a", "y.csv"),
        ([0, 1, 2, 2], {"task": "binary"}, "needs 2 classes, found 3", "y.csv: row 3, row 4"),
        (
            [0, 1.5, 2.5],
            {"task": "multiclass"},
            "2 of 3 targets have fractions",
            "y.csv: row 2, row 3",
        ),
        (
            [[0, 1], [1, 1], [0, 0], [0, 2]],
            {"task": "multiclass"},
            "3 of 4 rows of targets are not a single 1",
            "y.csv: row 2, row 3, row 4",
        ),
        ([[0, 1], [0, 1]], {}, "one class only: 1", "y.csv"),
        ([["a", "b"]], {"task": "multiclass"}, "one target column, found 2", "y.csv"),
        ([["a", "b"]], {}, "2 target columns of text", "y.csv"),
        ([1.0, np.nan, np.inf], {}, "2 of 3 targets are missing", "y.csv: row 2, row 3"),
        ([np.nan] * 8, {}, "8 of 8", "y.csv: row 1, row 2, row 3, row 4, row 5 and 3 more"),
        (["a", "", "b"], {}, "1 of 3 targets are missing", "y.csv: row 2"),
        ([1 + 2j, 0], {}, "type complex128", "y.csv"),
        (np.zeros((2, 2, 2)), {}, r"the shape \(2, 2, 2\)", "y.csv"),
        (np.zeros((2, 0)), {}, r"the shape \(2, 0\)", "y.csv"),
        ([1, 2, 3], {"positive": (4,)}, "no class is called 4", "y.csv"),
        ([1, 2, 3], {"positive": (1, 2, 3)}, "no class is negative", "y.csv"),
    ],
)
def test_refused(infer, targets, options, message, where):
    with pytest.raises(DataError, match=message) as caught:
        infer(targets, **options)
    assert caught.value.problems[0].where == where


@pytest.mark.parametrize(
    ("targets", "options", "shown"),
    [
        ([4, 4, 4], {}, "all 3 targets are `4`"),
        ([4.0, 4.0], {}, "all 2 targets are `4`"),
        ([3.5, 3.5], {}, "all 2 targets are `3.5`"),
        ([[3.5], [3.5]], {}, "all 2 targets are `3.5`"),
        ([7, 7], {"task": "regression"}, "all 2 targets are `7`"),
        ([3.5, 3.5], {"task": "regression"}, "all 2 targets are `3.5`"),
        ([[1.5, 2], [1.5, 2]], {}, "all 2 rows have the same 2 targets: `1.5`, `2`"),
        ([1, 1], {"task": "multilabel"}, "all 2 targets are `1`"),
        ([[1, 1], [1, 1]], {}, "all 2 rows have the same 2 targets: `1`, `1`"),
        (["a\x1b", "a\x1b"], {}, r"all 2 targets are `a\\x1b`"),
    ],
)
def test_a_target_that_never_changes_is_refused(infer, targets, options, shown):
    with pytest.raises(DataError, match=shown) as caught:
        infer(targets, **options)
    [problem] = caught.value.problems
    assert problem.why == "a single value teaches nothing" and "data.target" in problem.fix


@pytest.mark.parametrize(
    ("targets", "line"),
    [
        ([[1.5, 2], [2.5, 2]], "the same in all rows, so nothing to learn: target cold"),
        ([[1, 1], [0, 1]], "the same in all rows, so nothing to learn: target cold"),
        ([[0.1, 0.1], [0.1, 0.2]], "the same in all rows, so nothing to learn: target wet"),
    ],
)
def test_one_of_several_targets_that_never_changes_is_named(memory, targets, line):
    spec = DataSpec(source=memory([[0]]))
    lines = infer_task(np.array(targets), spec, PLACE, ("wet", "cold"))[1]
    assert lines[1:] == (line,)


@pytest.mark.parametrize(
    ("targets", "options", "positive", "because"),
    [
        (["ok"] * 5 + ["fraud"] * 2, {}, "fraud", "the rarer one: 2 of 7 rows"),
        (["ok"] * 2 + ["fraud"] * 5, {}, "ok", "the rarer one: 2 of 7 rows"),
        (["no"] * 2 + ["yes"] * 5, {}, "no", "the rarer one: 2 of 7 rows"),
        (["a", "b"] * 3, {}, "b", "the last by code point, both have 3 rows"),
        (["é", "z"] * 3, {}, "é", "the last by code point, both have 3 rows"),
        (["ok"] * 5 + ["fraud"] * 2, {"task": "binary"}, "fraud", "the rarer one: 2 of 7 rows"),
        (["ok"] * 5 + ["fraud"] * 2, {"positive": ("ok",)}, "ok", "as configured"),
        (["ok"] * 2 + ["fraud"] * 5, {"positive": ("fraud",)}, "fraud", "as configured"),
        ([0] * 2 + [1] * 5, {}, "1", "the larger number"),
        ([0] * 5 + [1] * 2, {}, "1", "the larger number"),
        ([-1.0] * 2 + [1.0] * 5, {}, "1", "the larger number"),
        ([False] * 2 + [True] * 5, {}, "1", "the larger number"),
        ([0.0, 1e305, 1e305], {}, str(int(1e305)), "the larger number"),
        (["0"] * 2 + ["1"] * 5, {}, "1", "the larger number"),  # folders of images
        (["9"] * 2 + ["10"] * 5, {}, "10", "the larger number"),
        ([0, 1, 1], {"positive": (0,)}, "0", "as configured"),
        ([5, 3, 5, 7], {"positive": (7, "5")}, "7|5", "as configured"),
    ],
)
def test_the_positive_class_is_named(memory, targets, options, positive, because):
    spec = DataSpec(source=memory([[0]]), **options)
    raw = np.array(targets)
    encoding, (line,) = infer_task(raw, spec, PLACE)
    assert encoding.task.positive == encoding.task.labels[1] == positive
    assert line.endswith(f", positive class {safe_text(positive)} ({because})")
    wanted = positive.split("|")
    truth = [int(str(int(v) if raw.dtype.kind in "bif" else v) in wanted) for v in raw.tolist()]
    assert encoding.encode(raw, PLACE).tolist() == truth
    if raw.dtype.kind in "bif" and not options:
        assert encoding.positive == ()  # as model files have always said of numbers
    else:
        assert set(encoding.positive) == set(wanted)


@pytest.mark.parametrize("counts", [(6, 3), (3, 6)])
def test_of_two_one_hot_columns_the_rarer_is_positive(memory, counts):
    raw = np.repeat(np.eye(2), counts, axis=0)
    spec = DataSpec(source=memory([[0]]), task="binary")
    encoding = infer_task(raw, spec, PLACE, ("ok", "fraud"))[0]
    rarer = int(counts[1] < counts[0])
    assert encoding.task.positive == ("ok", "fraud")[rarer]
    assert encoding.encode(raw, PLACE).tolist() == (raw.argmax(axis=1) == rarer).tolist()


def test_only_two_classes_have_a_positive_one():
    assert Task("multiclass", 2, ("a", "b")).positive is None
    assert Task("multilabel", 2, ("a", "b")).positive is None
    assert Task("reconstruction", 4).positive is None


def test_the_note_says_what_was_decided_and_why(memory):
    spec = DataSpec(source=memory([[0]]))
    [note] = infer_task(np.array(["a\x1b[31m", "b", "b", "a\x1b[31m"]), spec, PLACE)[1]
    assert note.startswith(r"task: binary, classes a\x1b[31m, b (the targets are text), ")
    assert "identifier" in infer_task(np.array(["a", "b", "c"]), spec, PLACE)[1][0]
    [note] = infer_task(np.eye(3), spec, PLACE, ("oak", "elm", "ash"))[1]
    assert note == (
        "task: multiclass, classes oak, elm, ash (one-hot columns: each row has a single 1; "
        "`task: multilabel` takes them one by one)"
    )


@pytest.mark.parametrize(
    ("targets", "fix"),
    [
        (["250,000", "1,125,000", "90,500"], 'thousands: ","'),
        (["1,5", "2", "3,75"], 'decimal: ","'),
        (["1.250.000", "900"], 'thousands: "."'),
    ],
)
def test_numbers_with_other_signs_are_no_classes_unless_asked_for(infer, targets, fix):
    with pytest.raises(DataError, match="the targets are text, such as") as caught:
        infer(targets)
    assert fix in caught.value.problems[0].fix
    assert "`task: multiclass`" in caught.value.problems[0].fix
    assert infer(targets, task="multiclass" if len(targets) > 2 else "binary").task.classifies
    assert infer([*targets, "sold"]).task.classifies


@pytest.mark.parametrize(
    ("wanted", "said"), [("churnd", "`churned`"), ("CHURNED", "`churned`"), ("xyz", "")]
)
def test_a_mistyped_positive_class_gets_its_nearest(memory, wanted, said):
    targets = np.array(["churned", "stayed"] * 5)
    with pytest.raises(DataError, match="no class is called") as caught:
        infer_task(targets, DataSpec(source=memory([[1.0]]), positive=(wanted,)), Place("t"))
    fix = caught.value.problems[0].fix
    assert fix == (f"did you mean {said}? " if said else "") + "correct `data.positive`"
