import io
import math
from types import SimpleNamespace as Made

import pytest

from dnn_cli.console.closing import closing, show_closing
from dnn_cli.console.grid import Grid, show
from dnn_cli.console.grid import text as plain
from dnn_cli.console.tables import check, datasets, evaluation, info
from dnn_cli.training.profile import PhaseRow, StepProfile


def evaluated(labels=("no", "yes"), confusion=((8, 2), (1, 9)), f1=None, positive=None, notes=None):
    classes = [
        Made(label=label, precision=0.5, recall=math.nan, f1=f1[i] if f1 else 0.25, support=1000)
        for i, label in enumerate(labels)
    ]
    return Made(
        metrics={"loss": 0.123456, "accuracy": 0.85},
        rows=20_000, split="test", checkpoint="runs/churn-001/model.safetensors",
        positive=positive, notes=notes or {}, targets={}, intervals={"accuracy": (0.8, 0.912345)},
        classes=classes, confusion=confusion, coverage={},
    )  # fmt: skip


LAYERS = [
    Made(name="conv2d_1", kind="conv2d", output=(26, 26, 8), parameters=80, multiply_adds=48_672),
    Made(name="dense_1", kind="dense", output=(10,), parameters=54_090, multiply_adds=54_080),
]
CHECKED = Made(
    config="configs/x.yaml", name="x", task="multiclass", loss="softmax_cross_entropy",
    optimizer="adam", input=(28, 28, 1), layers=LAYERS, parameters=54_170, multiply_adds=102_752,
    data=[Made(name="train", rows=54_000, source="a.csv"),
          Made(name="test", rows=10_000, source="")],
    memory={"parameters": 216_680, "data": 47_040_000}, epochs=20, steps_per_epoch=422,
    notes=["3 rows of train and test are equal"], gradients=[], profile=None,
    findings=[], cost=None, stopped=(),
)  # fmt: skip

EVALUATION = """\
runs/churn-001/model.safetensors: test, 20,000 rows
metric     value  95 %
loss      0.1235
accuracy  0.8500  (0.8000 - 0.9123)

class  precision  recall      f1   rows
no        0.5000       -  0.2500  1,000
yes       0.5000       -  0.2500  1,000

true \\ predicted  no  yes
no                 8    2
yes                1    9
"""

CHECK = """\
configs/x.yaml
name       x
task       multiclass
loss       softmax_cross_entropy
optimizer  adam
training   20 epochs of 422 steps

layer     type     output  parameters  multiply-adds
input             28×28×1
conv2d_1  conv2d  26×26×8          80         48,672
dense_1   dense        10      54,090         54,080
total                          54,170        102,752

data     rows  source
train  54,000  a.csv
test   10,000

memory          size
parameters  216.7 kB
data         47.0 MB
total        47.3 MB
3 rows of train and test are equal
"""

INFO = """\
model.safetensors
kind         model, 1.2 MB, written by dnn 0.1.0
sha256       abcd
run          churn-001
task         binary
loss         sigmoid_cross_entropy
labels       no, yes
positive     yes
features     f0, f1, f2, f3, f4, f5, f6, f7, f8, f9 and 2 more
scaling      standard
temperature  1.25
threshold    0.3125, chosen for f1

layer     type     output  parameters  multiply-adds
input                  12
conv2d_1  conv2d  26×26×8          80         48,672
dense_1   dense        10      54,090         54,080
total                          54,170        102,752

metric       value
valid.loss  0.3000
"""

DATASETS = """\
name      size  directory
mnist  11.6 MB  /data/mnist  Handwritten digits
adult   5.2 MB  not fetched  Incomes
iris         -  built in     Flowers
"""


def printed(grids, stream=None):
    stream = stream or io.StringIO()
    show(grids, stream)
    return stream.getvalue()


def test_evaluation():
    assert printed(evaluation(evaluated())) == EVALUATION


def test_why_a_metric_is_undefined_stands_beside_it_in_full():
    made = evaluated((), (), notes={"auc": "no row is of class " + "x" * 60})
    made.metrics["auc"] = math.nan
    lines = printed(evaluation(made)).splitlines()
    assert lines[1] == "metric     value  95 %               why"
    assert lines[-1] == "auc          nan" + " " * 21 + "no row is of class " + "x" * 60


def test_the_positive_class_is_named_above_the_metrics():
    title = printed(evaluation(evaluated(positive="yes"))).splitlines()[0]
    assert title == EVALUATION.splitlines()[0] + ", positive class yes"


def test_evaluation_of_a_regression_is_its_metrics():
    assert printed(evaluation(evaluated((), ()))) == EVALUATION[: EVALUATION.index("\nclass")]


def test_several_targets_have_a_row_each():
    made = evaluated((), ())
    made.targets = {"price": {"root_mean_squared_error": 12.5, "r2": 0.25},
                    "rent": {"root_mean_squared_error": 0.0625, "r2": math.nan}}  # fmt: skip
    assert plain(evaluation(made)[1]) == (
        "target  root_mean_squared_error      r2\n"
        "price                   12.5000  0.2500\n"
        "rent                     0.0625     nan\n"
    )
    made.targets = {f"t{n}": {"r2": n / 100 if n else math.nan} for n in range(40)}
    grid = evaluation(made)[1]
    assert [row[0] for row in grid.rows] == [f"t{n}" for n in range(1, 21)]
    assert plain(grid).endswith("the 20 targets of 40 with the lowest r2\n")


def test_check():
    assert printed(check(CHECKED)) == CHECK


def test_check_of_gradients():
    parts = [Made(name="dense_1.W", error=3.2e-9, passed=True),
             Made(name="dense_1.b", error=0.5, passed=False)]  # fmt: skip
    grids = check(Made(**{**vars(CHECKED), "gradients": parts}))
    assert plain(grids[-1]) == (
        "gradient of  relative error\n"
        "dense_1.W           3.2e-09  ok\n"
        "dense_1.b           5.0e-01  WRONG\n"
    )


def test_info():
    found = Made(
        file="model.safetensors", kind="model", bytes=1_200_000, sha256="abcd", version="0.1.0",
        name="churn-001", task="binary", loss="sigmoid_cross_entropy", labels=("no", "yes"),
        positive="yes",
        features=tuple(f"f{n}" for n in range(12)), scaling="standard", input=(12,),
        layers=LAYERS, parameters=54_170, metrics={"valid.loss": 0.3},
        threshold=Made(metric="f1", values=(0.3125,)), temperature=1.25,
    )  # fmt: skip
    assert printed(info(found)) == INFO


def test_datasets():
    rows = [
        Made(name="mnist", summary="Handwritten digits", bytes=11_594_722, present=True,
             directory="/data/mnist"),
        Made(name="adult", summary="Incomes", bytes=5_200_000, present=False, directory="/data"),
        Made(name="iris", summary="Flowers", bytes=0, present=True, directory=""),
    ]  # fmt: skip
    assert printed(datasets(rows)) == DATASETS


def test_many_classes_show_the_worst_and_no_matrix():
    labels = [f"c{n}" for n in range(100)]
    scores = [1.0 - n / 100 for n in range(99)] + [math.nan]
    grids = evaluation(evaluated(labels, [[0] * 100] * 100, scores))
    assert len(grids) == 2
    assert [row[0] for row in grids[1].rows] == [f"c{n}" for n in range(98, 78, -1)]
    assert plain(grids[1]).endswith("the 20 classes of 100 with the lowest f1\n")


def test_long_labels_are_numbered_in_the_matrix():
    text = plain(evaluation(evaluated(("negative", "positive")))[-1])
    assert text == "true \\ predicted  1  2\n1 negative        8  2\n2 positive        1  9\n"


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_terminal_gets_the_same_cells(terminal, screen, columns, monkeypatch):
    monkeypatch.setattr("os.get_terminal_size", lambda fd=1: type(terminal.size)((columns, 24)))
    screen.columns = columns
    screen.feed(printed(evaluation(evaluated()), terminal))
    shown = screen.text
    for cell in ("loss", "0.1235", "0.8500", "0.2500", "1,000", "yes"):
        assert cell in shown
    assert max(map(len, shown.splitlines())) <= columns


def test_what_is_too_wide_is_wrapped_and_loses_no_digit(terminal, screen, monkeypatch):
    monkeypatch.setattr("os.get_terminal_size", lambda fd=1: type(terminal.size)((30, 24)))
    matrix = [[12_345 + i + j for i in range(20)] for j in range(20)]
    grid = evaluation(evaluated([str(n) for n in range(20)], matrix))[-1]
    screen.columns = 10_000
    screen.feed(printed([grid], terminal))
    assert screen.text + "\n" == plain(grid)


@pytest.mark.parametrize("painted", [False, True])
def test_T02_foreign_names_are_literal(evil, painted, terminal, screen):
    grid = Grid(evil, [(evil, "1"), (evil, "2")], (evil, "b"), frozenset({evil}), (evil, "3"),
                [evil])  # fmt: skip
    screen.columns = 10_000
    text = printed([grid], terminal if painted else None)
    if painted:
        screen.feed(text)
        text = screen.text
    assert all(line.isprintable() for line in text.split("\n"))
    if len(evil) < 30 and evil.isprintable():
        assert text.count(evil) >= 6


def test_no_color(terminal, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in printed(evaluation(evaluated()), terminal)


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, ["finished after 20 epochs in 1m02s", "best   epoch 12: valid.loss 0.4522",
              "model  runs/x-001/model.safetensors"]),
        ({"reason": "early_stopping", "epoch": 1},
         ["stopped early: no improvement; after 1 epoch in 1m02s",
          "best   epoch 12: valid.loss 0.4522", "model  runs/x-001/model.safetensors"]),
        ({"reason": "interrupted", "best_epoch": 0, "model": "", "resume": "dnn resume runs/x-001"},
         ["interrupted, everything is saved; after 20 epochs in 1m02s", "run    runs/x-001",
          "continue with: dnn resume runs/x-001"]),
    ],
)  # fmt: skip
def test_the_last_lines_of_a_training(changes, lines):
    result = {
        "run": "runs/x-001", "model": "runs/x-001/model.safetensors", "reason": "epochs",
        "epoch": 20, "seconds": 62.0, "monitor": "valid.loss", "best_epoch": 12,
        "best_value": 0.4522, "resume": "",
    }  # fmt: skip
    assert closing(Made(**{**result, **changes})).splitlines() == lines


def test_the_last_lines_need_no_reader():
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    show_closing(Made(run="r", model="", reason="epochs", epoch=1, seconds=1.0, monitor="l",
                      best_epoch=0, best_value=0.0, resume=""), Gone())  # fmt: skip


def test_check_of_a_profile():
    parts = (
        PhaseRow("gather", "batch", 4e-5, 0, 400_000),
        PhaseRow("forward", "dense_1", 2e-4, 20_000_000, 800_000),
    )
    profile = StepProfile(128, 2, 3e-4, parts, 1e11, 1e10)
    shown = plain(check(Made(**{**vars(CHECKED), "profile": profile}))[-1])
    lines = shown.splitlines()
    assert lines[0].split() == ["part", "of", "a", "step", "µs", "GFLOP/s", "GB/s"]
    assert lines[1].split() == ["gather", "batch", "40", "10.0"]
    assert lines[2].split() == ["forward", "dense_1", "200", "100", "4.0"]
    assert lines[3].split() == ["sum", "240"]
    assert "takes 300 µs, shared by 2 processes; below: one of them" in shown
    assert "1.50 times that" in shown  # 20 MFLOP at 100 GFLOP/s
