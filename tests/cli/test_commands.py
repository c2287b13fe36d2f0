import json
import math
from types import SimpleNamespace as Made

import pytest

from dnn_cli.app.lifecycle.attempt import TrainResult
from dnn_cli.app.passed_through import PassedThrough
from dnn_cli.base.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    DivergedError,
    DnnError,
    FileSystemError,
    GateError,
    LimitError,
    LockedError,
    MissingExtraError,
    Problem,
    UsageError,
)

TRAINED = {
    "run": "runs/x-001", "model": "runs/x-001/model.safetensors", "reason": "epochs", "epoch": 3,
    "step": 9, "seconds": 1.5, "monitor": "valid.loss", "best_epoch": 2, "best_value": 0.25,
    "resume": "",
}  # fmt: skip
EVALUATED = {
    "metrics": {"loss": 0.5, "auc": math.nan}, "rows": 7, "split": "test", "checkpoint": "m",
    "classes": (), "confusion": (), "failed": (), "positive": None,
    "notes": {"auc": "every row is of class a"}, "targets": {}, "intervals": {"loss": (0.4, 0.625)},
    "coverage": {},
}  # fmt: skip
LAYER = Made(name="dense_1", kind="dense", output=(1,), parameters=3, multiply_adds=2)


@pytest.fixture
def calls(app):
    """What the application was asked for; it answers as little as it may."""
    made = Made(log=[], result={})

    def answer(name, result=Made, /, **defaults):
        def called(*args, **options):
            made.log.append((name, args, options))
            return result(**{**defaults, **made.result})

        return called

    app.train.train_run = answer("train", TrainResult, **TRAINED)
    app.evaluate.evaluate_model = answer("evaluate", **EVALUATED)
    app.predict.predict_file = answer("predict", rows=3, output="p.csv", checkpoint="m")
    app.check.check_config = answer(
        "check", config="c.yaml", name="x", task="binary", loss="l", optimizer="adam", input=(2,),
        layers=(LAYER,), parameters=3, multiply_adds=2, memory={"data": 8}, epochs=1,
        data=(Made(name="train", rows=2, source=""),), steps_per_epoch=1, notes=(),
        gradients=(), profile=None, findings=(), cost=None, stopped=(),
    )  # fmt: skip
    app.info.model_info = answer(
        "info", file="m", kind="model", bytes=9, sha256="ab", version="0", name="x", task="binary",
        loss="l", labels=(), positive=None, features=(), scaling="none", input=(2,),
        layers=(LAYER,), parameters=3, metrics={}, threshold=None, temperature=1.0,
    )  # fmt: skip
    app.schema.json_schema = lambda: {"type": "object"}
    app.fetch.fetch_dataset = answer("fetch", name="mnist", files=("a", "b"), directory="/d")
    app.fetch.list_datasets = lambda: ()
    return made


def asked(calls):
    (name, args, options) = calls.log[-1]
    options = {k: v for k, v in options.items() if k not in ("say", "observers")}
    return name, args, options


def test_train(dnn, calls):
    found = dnn("train", "c.yaml", "a.b=1", "--set", "c=-2", "d==3", "--name", "n", "--set", "e=")
    assert asked(calls) == (
        "train", ("c.yaml",),
        {"overrides": ["a.b=1", "d==3", "c=-2", "e="], "name": "n", "run_dir": None,
         "runs": "runs", "targets": (), "task": None},
    )  # fmt: skip
    assert found.code == 0
    assert found.out == ""
    assert found.err == (
        "finished after 3 epochs in 1.5s\n"
        "best   epoch 2: valid.loss 0.2500\n"
        "model  runs/x-001/model.safetensors\n"
    )


@pytest.mark.parametrize(
    ("args", "config", "overrides"),
    [
        (["-"], "-", []),
        (["--", "-odd.yaml"], "-odd.yaml", []),
        (["c.yaml", "--", "-a=1"], "c.yaml", ["-a=1"]),
        (["a=b.yaml", "x=-1e-3"], "a=b.yaml", ["x=-1e-3"]),
        (["--set", "x=[1, 2]", "c.yaml"], "c.yaml", ["x=[1, 2]"]),
        (["c.yaml", "--set=x=y=z"], "c.yaml", ["x=y=z"]),
        (["c.yaml", "--set", "--help=1"], "c.yaml", ["--help=1"]),
    ],
)
def test_arguments_that_look_like_others(dnn, calls, args, config, overrides):
    assert dnn("train", *args).code == 0
    _, positional, options = asked(calls)
    assert positional == (config,)
    assert options["overrides"] == overrides


@pytest.mark.parametrize(
    ("args", "places"),
    [
        (["train", "~/c.yaml", "--runs=~/r"], ["{home}/c.yaml", "{home}/r"]),
        (["train", "./~/c.yaml", "--run-dir", "~/r"], ["./~/c.yaml", "{home}/r"]),
        (["predict", "x.csv", "--model=~/m", "-o", "~/p.csv"], ["{home}/m", "{home}/p.csv"]),
        (["evaluate", "~/m"], ["{home}/m"]),
        (["info", "~nobody-of-this-name/m"], ["~nobody-of-this-name/m"]),
        (["check", "~/c.yaml"], ["{home}/c.yaml"]),
        (["data", "fetch", "mnist", "--from=~/mnist"], ["{home}/mnist"]),
    ],
)
def test_a_home_that_the_shell_has_left(dnn, calls, monkeypatch, args, places):
    monkeypatch.setenv("HOME", "/home/me")
    assert dnn(*args).code == 0
    _, positional, options = asked(calls)
    given = [*positional, *options.values()]
    assert all(one.format(home="/home/me") in given for one in places), given


@pytest.mark.parametrize(
    ("args", "fix"),
    [
        (["train", "https://example.org/c.yaml"], "download the file first"),
        (["check", "s3://b/c.yaml"], "download the file first"),
        (["resume", "https://example.org/run"], "download the file first"),
        (["info", "file:///r/m.safetensors"], "give the path alone: /r/m.safetensors"),
        (["evaluate", "hf://m"], "download the file first"),
        (["predict", "x.csv", "--model", "s3://b/m"], "download the file first"),
        (["predict", "x.csv", "-o", "s3://b/p.csv"], "give a path on this machine"),
        (["train", "c.yaml", "--runs", "s3://b/runs"], "give a path on this machine"),
        (["train", "c.yaml", "--run-dir", "s3://b/run"], "give a path on this machine"),
        (["data", "fetch", "mnist", "--from", "https://example.org"], "download the file first"),
    ],
)
def test_addresses_are_not_read_or_written_to(dnn, calls, args, fix):
    found = dnn(*args)
    assert found.code == 2 and not calls.log
    assert "is an address, not a path" in found.err and fix in found.err


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("epochs", 0), ("early_stopping", 0), ("threshold", 0), ("max_time", 75),
        ("interrupted", 130), ("terminated", 143), ("hangup", 129),
    ],
)  # fmt: skip
def test_train_ends_with_the_code_of_its_reason(dnn, calls, reason, code):
    calls.result = {"reason": reason, "resume": "" if code == 0 else "dnn resume runs/x-001"}
    found = dnn("train", "c.yaml")
    assert found.code == code
    assert ("continue with: dnn resume runs/x-001" in found.err) == (code != 0)


def test_train_shows_and_says_unless_quiet(dnn, app, calls):
    def train_run(config, *, observers, say, **options):
        say("hello")
        return TrainResult(**TRAINED)

    app.train.train_run = train_run
    loud, quiet = dnn("train", "c.yaml"), dnn("train", "c.yaml", "-q")
    assert loud.err == "hello\n" + quiet.err
    assert quiet.err.startswith("finished")


def test_T01_train_quiet_and_verbose(dnn, calls):
    found = dnn("train", "c.yaml", "-q", "-v")
    assert found.code == 2
    assert calls.log == []


def test_an_override_without_a_value_is_wrong_usage(dnn, calls):
    found = dnn("train", "c.yaml", "d.yaml")
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith("error: `d.yaml` is not of the form KEY=VALUE\n")


def test_evaluate(dnn, calls):
    found = dnn("evaluate", "runs/x", "--fail-if", "accuracy<0.9", "--fail-if", "loss>-1")
    assert asked(calls) == (
        "evaluate", ("runs/x",),
        {"data": None, "split": "test", "fail_if": ["accuracy<0.9", "loss>-1"],
         "interval": None, "dialect": {}},
    )  # fmt: skip
    assert found.code == 0
    assert found.out == (
        "m: test, 7 rows\n"
        "metric   value  95 %               why\n"
        "loss    0.5000  (0.4000 - 0.6250)\n"
        "auc        nan                     every row is of class a\n"
    )
    dnn("evaluate", "runs/x", "--split", "train")
    assert asked(calls)[2]["split"] == "train"
    dnn("evaluate", "runs/x", "new.csv", "--encoding", "latin-1", "--thousands", "'")
    assert asked(calls)[2]["data"] == "new.csv"
    assert asked(calls)[2]["dialect"] == {"encoding": "latin-1", "thousands": "'"}
    found = dnn("evaluate", "runs/x", "--decimal", ",")
    assert found.code == 2 and "--decimal: of a data file, and none is named" in found.err


def test_evaluate_json_is_one_object_and_nothing_else(dnn, calls):
    found = dnn("evaluate", "runs/x", "--json")
    assert json.loads(found.out) == {
        "metrics": {"loss": 0.5, "auc": None}, "intervals": {"loss": [0.4, 0.625]},
        "rows": 7, "split": "test", "checkpoint": "m",
        "positive": None, "targets": {}, "notes": {"auc": "every row is of class a"},
        "non_finite": ["metrics.auc"],
    }  # fmt: skip
    assert found.err == ""


@pytest.mark.parametrize("json", [[], ["--json"]])
def test_a_failed_gate_is_shown_after_the_result(dnn, calls, json):
    failed = (Problem("gate failed: accuracy is 0.5"), Problem("gate failed: f1", why="no rows"))
    calls.result = {"failed": failed}
    found = dnn("evaluate", "runs/x", *json)
    assert found.code == 11
    assert "loss" in found.out
    assert found.err == (
        "error: gate failed: accuracy is 0.5\n\nerror: gate failed: f1\n  why: no rows\n\n"
        "2 errors (exit 11)\n"
    )


def test_T01_evaluate_of_other_data_has_no_split(dnn, calls):
    assert dnn("evaluate", "runs/x", "new.csv", "--split", "train").code == 2
    assert dnn("evaluate", "runs/x", "--split", "tset").code == 2
    assert calls.log == []


def test_predict(dnn, calls, capsys):
    found = dnn("predict", "new.csv")
    name, args, options = asked(calls)
    assert (name, args, found.code) == ("predict", ("new.csv",), 0)
    options.pop("output").write(b"")  # standard output, as bytes
    assert options == {"model": None, "format": None, "proba": False, "batch_size": None,
                       "force": False, "runs": "runs", "dialect": {},
                       "passed": PassedThrough(), "threshold": None, "interval": None}  # fmt: skip
    found = dnn("predict", "new.csv", "-o", "p.csv", "--model", "m", "--proba",
                "--batch-size", "7", "--format", "jsonl", "--runs", "r",
                "--force", "--delimiter", "\\t", "--decimal", ",", "--id", "a",
                "--keep", "b,c", "--keep", "d", "--threshold", "0.25",
                "--interval", "0.9")  # fmt: skip
    assert asked(calls)[2] == {
        "dialect": {"delimiter": "\t", "decimal": ","},
        "model": "m", "format": "jsonl", "proba": True, "batch_size": 7, "runs": "r",
        "output": "p.csv", "force": True, "threshold": 0.25, "interval": 0.9,
        "passed": PassedThrough("a", ("b,c", "d")),
    }  # fmt: skip
    assert (found.out, found.err) == ("", "3 predictions in p.csv\n")


@pytest.mark.parametrize("wrong", [["--batch-size", "0"], ["--format", "xml"]])
def test_predict_refuses_what_cannot_be(dnn, calls, wrong):
    found = dnn("predict", "new.csv", *wrong)
    assert (found.code, found.out, calls.log) == (2, "", [])
    assert wrong[0] in found.err


def test_check(dnn, calls):
    found = dnn("check", "c.yaml", "a=1", "--set", "b=2", "--gradients")
    assert asked(calls) == (
        "check",
        ("c.yaml",),
        {
            "overrides": ["a=1", "b=2"],
            "gradients": True,
            "profile": False,
            "targets": (),
            "task": None,
        },
    )
    assert found.code == 0
    assert "dense_1" in found.out
    calls.result = {"gradients": (Made(name="W", error=0.5, passed=False),)}
    assert dnn("check", "c.yaml", "--gradients").code == 1


def test_check_is_strict_on_severe_findings_alone(dnn, calls):
    told = {"column": "a", "part": "", "what": "w", "fix": "", "kind": "leak"}
    for severity, code in (("warning", 0), ("severe", 4)):
        calls.result = {"findings": (Made(severity=severity, **told),)}
        assert dnn("check", "t.csv", "--target", "y", "--strict").code == code
        assert dnn("check", "t.csv", "--target", "y").code == 0
    assert asked(calls)[2]["targets"] == ["y"]
    calls.result = {"stopped": (Problem("`x` is not a number"),), **calls.result}
    ended = dnn("check", "t.csv", "--target", "y")
    assert ended.code == 4 and "severe" in ended.out
    assert ended.err.startswith("error: `x` is not a number")


def test_info_schema_data(dnn, calls):
    assert "sha256" in dnn("info", "m").out
    assert json.loads(dnn("schema").out) == {"type": "object"}
    assert dnn("data", "list").code == 0
    assert dnn("data", "fetch", "mnist", "--from", "/usb").err == "mnist: 2 files in /d\n"
    assert asked(calls) == ("fetch", ("mnist",), {"mirror": None, "source": "/usb"})


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError, 2), (ConfigError, 3), (DataError, 4), (CheckpointError, 5),
        (FileSystemError, 6), (LockedError, 7), (DivergedError, 8), (LimitError, 9),
        (GateError, 11), (MissingExtraError, 12), (DnnError, 1),
    ],
)  # fmt: skip
def test_every_error_ends_with_its_code(dnn, app, error, code):
    def fail(*args, **options):
        raise error("something is wrong", fix="put it right")

    app.info.model_info = fail
    found = dnn("info", "m")
    assert (found.code, found.out) == (code, "")
    assert found.err.startswith("error: something is wrong\n  fix: put it right\n  state: nothing")
