import numpy as np
import pytest

from dnn_cli.base.errors import DataError
from dnn_cli.base.task import Task
from dnn_cli.data.place import Place
from dnn_cli.data.spec import DataSpec
from dnn_cli.data.task import infer_task

PLACE = Place("y.csv")


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
        ([[0, 1], [2, 1]], Task("regression", 2, ("target_0", "target_1"))),
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
        ([7, 7], {"task": "regression"}, Task("regression", 1, ("target",))),
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
        ([[0, 1], [1, 0]], {"task": "multiclass"}, "one target column, found 2", "y.csv"),
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


def test_the_note_says_what_was_decided_and_why(memory):
    spec = DataSpec(source=memory([[0]]))
    note = infer_task(np.array(["a\x1b[31m", "b", "b", "a\x1b[31m"]), spec, PLACE)[1]
    assert note == r"task: binary, classes a\x1b[31m, b (the targets are text)"
    assert "identifier" in infer_task(np.array(["a", "b", "c"]), spec, PLACE)[1]
    assert "a single one" in infer_task(np.eye(3), spec, PLACE)[1]
