"""What a model file says of itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from dnn_cli.app.layer_rows import LayerRow, layer_rows
from dnn_cli.app.models import find_model, layers_of, temperature_of
from dnn_cli.app.say import ignore
from dnn_cli.app.thresholds import Chosen, chosen_of
from dnn_cli.base.errors import CheckpointError, ConfigError
from dnn_cli.base.spec import SpecError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Shape
from dnn_cli.data.columns.number import NumberColumn
from dnn_cli.data.schema import DataSchema
from dnn_cli.nn.layer import ShapeError
from dnn_cli.runs.files import read_bytes
from dnn_cli.runs.model_file import read_model


@dataclass(frozen=True, slots=True)
class InfoResult:
    """A model file, described."""

    file: str
    kind: str
    bytes: int
    sha256: str
    version: str
    name: str
    task: str
    labels: tuple[str, ...]
    positive: str | None
    features: tuple[str, ...]
    scaling: str
    input: Shape
    loss: str
    layers: tuple[LayerRow, ...]
    parameters: int
    metrics: Mapping[str, float]
    threshold: Chosen | None = None
    temperature: float = 1.0


def model_info(model: str) -> InfoResult:
    """What the file `model`, or the model of the run directory `model`, holds.

    Raises:
        CheckpointError: it is missing, damaged or of another kind.
    """
    path = find_model(model, "", ignore)
    file = read_model(path, allow_nonfinite=True)
    schema = DataSchema.from_json(file.schema, file.schema_arrays)
    try:
        rows = layer_rows(layers_of(file.layers), file.input_shape)
    except (ConfigError, SpecError, ShapeError) as error:
        raise CheckpointError(
            f"{safe_text(path)} describes a network that cannot be built",
            where=safe_text(path),
            why=safe_text(error),
        ) from error
    content = read_bytes(path)
    return InfoResult(
        file=str(path),
        kind="checkpoint" if path.parent.name == "checkpoints" else "model",
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        version=file.versions.get("dnn", ""),
        name=file.name,
        task=schema.task.kind,
        labels=schema.task.labels,
        positive=schema.task.positive,
        features=schema.feature_names or (),
        scaling=_scaling(schema),
        input=file.input_shape,
        loss=str(file.loss.get("type", "")),
        layers=rows,
        parameters=sum(row.parameters for row in rows),
        metrics=file.metrics,
        threshold=chosen_of(file.threshold, schema.task),
        temperature=temperature_of(file),
    )


def _scaling(schema: DataSchema) -> str:
    """How the inputs are scaled; of a table the scalings of its columns of numbers."""
    if schema.coding is None:
        return schema.scaling.kind
    columns = schema.coding.columns
    kinds = dict.fromkeys(one.scale for one in columns if isinstance(one, NumberColumn))
    return ", ".join(kinds) or "none"
