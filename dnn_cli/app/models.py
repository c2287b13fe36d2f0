"""Models on disk: found, read, and made to run again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dnn_cli.app.say import Say
from dnn_cli.base.errors import CheckpointError, ConfigError
from dnn_cli.base.spec import SpecError
from dnn_cli.base.task import Task
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Shape
from dnn_cli.config.fill import fill_plain
from dnn_cli.data.schema import DataSchema
from dnn_cli.nn.layer import LayerSpec, ShapeError
from dnn_cli.nn.loss import Loss, LossSpec
from dnn_cli.nn.member_loss import fit_to
from dnn_cli.nn.model import build_network, declared_slots
from dnn_cli.nn.network import Network
from dnn_cli.runs.directory import RunDirectory, latest
from dnn_cli.runs.model_file import ModelFile, read_model, require_tensors


@dataclass(frozen=True, slots=True)
class Model:
    """A trained network with all that is needed to use it."""

    path: Path
    file: ModelFile
    layers: tuple[LayerSpec, ...]
    network: Network
    loss: Loss
    schema: DataSchema
    task: Task  # what it predicts

    @property
    def temperature(self) -> float:
        """What its outputs are divided by before they become probabilities."""
        return temperature_of(self.file)


def find_model(given: str | None, runs: str, say: Say) -> Path:
    """The model file that `given` means: a file, a run's directory, or the latest finished run.

    Raises:
        CheckpointError: there is none.
    """
    if given is None:
        path = latest(Path(runs)).model
        say(f"model: {safe_text(path)} (latest finished run)")
        return path
    path = Path(given)
    return RunDirectory.open(path).model if path.is_dir() else path


def load_model(path: Path) -> Model:
    """The model in a model file or checkpoint; nothing is allocated before its parts fit.

    Raises:
        CheckpointError: the file is missing, damaged, or describes no network that we can run.
    """
    file = read_model(path)
    try:
        schema = DataSchema.from_json(file.schema, file.schema_arrays)
        loss_spec = loss_of(file.loss)
        schema = replace(schema, encoding=replace(schema.encoding, sign=loss_spec.sign))
        layers = layers_of(file.layers)
        require_tensors(file.tensors, declared_slots(layers, file.input_shape), str(path))
        network = _network(layers, file, schema, path)
        loss = fit_to(loss_spec.build(schema.task), network.out_shape)
        _require_width(network, loss_spec.width(schema.task), path)
    except (ConfigError, SpecError, ShapeError) as error:
        raise CheckpointError(
            f"{safe_text(path)} describes a model that cannot be built",
            where=safe_text(path),
            why=safe_text(error),
        ) from error
    return Model(path, file, layers, network, loss, schema, loss_spec.answered(schema.task))


def temperature_of(file: ModelFile) -> float:
    """The temperature in a model file, which nobody vouches for; 1 if there is none.

    Raises:
        CheckpointError: it is none.
    """
    stored = file.calibration
    if not stored:
        return 1.0
    value = stored.get("temperature")
    if set(stored) != {"temperature"} or type(value) is not float or not 1e-3 <= value <= 1e3:
        raise CheckpointError("the model's temperature is damaged: `calibration` cannot be so")
    return float(value)


def layers_of(plain: Sequence[Any]) -> tuple[LayerSpec, ...]:
    """Layer specs from a model file's plain tables."""
    # Abstract specs are read by their registry: the ignored complaint is about instances.
    return tuple(fill_plain(dict(one), LayerSpec, "the model") for one in plain)  # type: ignore[type-abstract]


def loss_of(plain: Any) -> LossSpec:
    """The loss spec from a model file's plain table."""
    return fill_plain(plain, LossSpec, "the model")  # type: ignore[type-abstract]


def _network(
    layers: Sequence[LayerSpec], file: ModelFile, schema: DataSchema, path: Path
) -> Network:
    shape: Shape = schema.input_shape
    if shape != file.input_shape:
        raise CheckpointError(
            f"{safe_text(path)}: the network takes {file.input_shape}, its data has {shape}",
            where=safe_text(path),
        )
    network = build_network(layers, shape)
    network.load(file.tensors)
    return network


def _require_width(network: Network, width: int, path: Path) -> None:
    """Refuse a network with more or fewer outputs than its data schema has answers."""
    if network.out_shape[-1:] != (width,) or len(network.out_shape) > 2:
        raise CheckpointError(
            f"{safe_text(path)}: the network gives {network.out_shape}, its task takes ({width},)",
            where=safe_text(path),
        )
