import numpy as np
import pytest

from dnn_cli.base.spec import SpecError
from dnn_cli.data.spec import DataSpec, SplitSpec
from dnn_cli.data.table import Columns


@pytest.mark.parametrize(
    ("options", "path", "message"),
    [
        ({"valid": 0.6, "test": 0.5}, ("valid",), "0.6 + 0.5 leaves no training rows"),
        ({"test": 1.0}, ("test",), "less than 1"),
        ({"valid": -0.1}, ("valid",), "at least 0"),
        ({}, (), "names no part"),
        ({"column": "part", "valid": 0.1}, ("column",), "not both"),
        ({"column": "part", "stratify": True}, ("stratify",), "cannot be stratified"),
    ],
)
def test_split_contradictions(options, path, message):
    with pytest.raises(SpecError, match=message.replace("+", r"\+")) as caught:
        SplitSpec(**options)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"target": "y", "features": ("x", "y")}, "target"),
        ({"target": "y", "exclude": ("y",)}, "target"),
        ({"target": ("y", "y")}, "target"),
        ({"features": ("x", "x")}, "features"),
        ({"features": ()}, "features"),
        ({"features": ("x",), "exclude": ("x",)}, "exclude"),
        ({"target": "inputs", "task": "regression"}, "task"),
        ({"target": "y", "task": "reconstruction"}, "target"),
        ({"target": "inputs", "positive": ("a",)}, "positive"),
        ({"target": "y", "positive": ()}, "positive"),
        ({"target": "y", "positive": ("a",), "task": "multiclass"}, "positive"),
        ({"split": SplitSpec(column="part"), "features": ("x", "part")}, "features"),
        ({"split": SplitSpec(column="part"), "target": "part"}, "target"),
        ({"split": SplitSpec(test=0.1), "test": ...}, "test"),
        ({"split": SplitSpec(column="part"), "valid": ...}, "valid"),
    ],
)
def test_data_contradictions(memory, options, path):
    source = memory(np.zeros((2, 2)))
    options = {name: source if value is ... else value for name, value in options.items()}
    with pytest.raises(SpecError) as caught:
        DataSpec(source=source, **options)
    assert caught.value.path == (path,)


def test_columns_asked_of_the_source(memory):
    source = memory(np.zeros((2, 2)))
    spec = DataSpec(
        source=source, target="y", exclude=("id",), split=SplitSpec(column="part"), test=None
    )
    assert spec.wanted() == Columns(target=("y",), exclude=("id",), extra=("part",))
    spec = DataSpec(source=source, target=("a", -1), features=("x",), split=SplitSpec(valid=0.5))
    assert spec.wanted() == Columns(target=("a", -1), features=("x",))
    for spec in (DataSpec(source=source, target="inputs"),
                 DataSpec(source=source, task="reconstruction")):  # fmt: skip
        assert spec.reconstructs
        assert spec.wanted() == Columns(target_required=False)


def test_a_test_source_may_stand_beside_a_split_for_validation(memory):
    source = memory(np.zeros((2, 2)))
    assert DataSpec(source=source, test=source, split=SplitSpec(valid=0.1)).test is source
