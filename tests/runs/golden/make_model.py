"""Writes model-format-1.safetensors: run once, when format 1 was fixed; never run it again."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dnn_cli.runs.model_file import ModelFile, write_model

write_model(
    Path(__file__).parent / "model-format-1.safetensors",
    ModelFile(
        tensors={
            "dense_1.W": np.arange(6, dtype=np.float32).reshape(2, 3),
            "dense_1.b": np.zeros(3, np.float32),
        },
        schema_arrays={"shift": np.array([0.5, -0.5]), "scale": np.array([2.0, 4.0])},
        name="golden",
        layers=[{"type": "dense", "units": 3}],
        input_shape=(2,),
        loss={"type": "softmax_cross_entropy"},
        schema={"task": "multiclass", "labels": ["no", "yes"]},
        metrics={"valid.loss": 0.25, "valid.auc": float("nan")},
        seed=1,
        versions={"dnn": "0.1.0", "numpy": "2.4.6", "python": "3.11.7"},
    ),
)
