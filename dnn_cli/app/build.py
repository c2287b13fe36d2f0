"""From a configuration and its data to everything a training consists of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace

import numpy as np

from dnn_cli.app.memory import require_memory
from dnn_cli.base.random import Purpose, stream
from dnn_cli.base.spec import SpecError, require
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array, size_of
from dnn_cli.config.load import Loaded
from dnn_cli.config.preset import NONE, OF_TABLES, Facts, preset_of, with_data_keys, with_recipe
from dnn_cli.config.spec import RunSpec
from dnn_cli.data.batches import Batches
from dnn_cli.data.prepare import Prepared, prepare
from dnn_cli.data.reading import Reading
from dnn_cli.data.spec import DataSpec
from dnn_cli.nn.chain import build_chain
from dnn_cli.nn.layer import LayerSpec, ShapeError
from dnn_cli.nn.loss import Loss, LossSpec, default_loss
from dnn_cli.nn.member_loss import fit_to
from dnn_cli.nn.model import build_network
from dnn_cli.nn.network import Network
from dnn_cli.nn.observation import ROWS as SAMPLE_ROWS
from dnn_cli.nn.observation import observe, observes
from dnn_cli.training.session import Session
from dnn_cli.training.truth import Truth

_SHOWN = 10  # figures by label that a line lists


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A configuration that is known to fit its data; `spec` has no `auto` left."""

    loaded: Loaded[RunSpec]
    spec: RunSpec
    prepared: Prepared
    layers: tuple[LayerSpec, ...]  # the output layer included
    loss_spec: LossSpec
    loss: Loss
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the run."""
        return self.spec.name or "run"

    def network(self) -> Network:
        """A network with first values."""
        network = build_network(self.layers, self.prepared.schema.input_shape)
        network.arena.initialize(self.spec.seed)
        if observes(network):
            observe(network, self._sample(), self.spec.seed)
        return network

    def _sample(self) -> Array:
        """Training rows that layers may see before training, the same for each seed."""
        train = self.prepared.train
        rng = stream(self.spec.seed, Purpose.OBSERVE)
        rows = np.sort(rng.permutation(train.rows)[:SAMPLE_ROWS]).astype(np.intp)
        inputs, _ = train.buffers(len(rows))
        train.gather(rows, inputs, None)
        return inputs

    def session(self) -> Session:
        """A training that has not begun."""
        spec, prepared = self.spec, self.prepared
        network = self.network()
        return Session(
            name=self.name,
            seed=spec.seed,
            task=self.loss_spec.answered(prepared.schema.task),
            network=network,
            loss=self.loss,
            optimizer=spec.optimizer.build(network.arena),
            recipe=spec.optimizer,
            spec=spec.training,
            train=Batches(prepared.train, spec.training.batch_size, spec.seed, spec.data.augment),
            valid=prepared.valid,
            monitor=spec.training.build_monitor(prepared.valid is not None),
            inputs=() if prepared.schema.coding is None else prepared.schema.coding.outputs,
        )


def build(loaded: Loaded[RunSpec], reading: Reading | None = None) -> Built:
    """Read the data by `reading`, settle every `auto`, and fit the network to the task.

    Raises:
        ConfigError: a section does not fit the data; located.
        DataError: the data are not what the configuration says.
        LimitError: the network does not fit into memory.
    """
    preset = preset_of(loaded)
    loaded = with_data_keys(loaded)
    asked = loaded.spec.loss if isinstance(loaded.spec.loss, LossSpec) else None
    data = _as_loss_needs(loaded.spec.data, asked)
    prepared = prepare(data, reading, asked.sign if asked else "any")
    task = prepared.schema.task
    loaded = with_recipe(loaded, _facts(prepared, loaded))
    spec = loaded.spec
    if spec.data.augment is not None:
        with _located(loaded, "data", "augment"):
            spec.data.augment.check_shape(prepared.schema.input_shape)
    loss_spec = spec.loss if isinstance(spec.loss, LossSpec) else default_loss(task)
    with _located(loaded, "loss"):
        width = loss_spec.width(task)
        fitted = loss_spec.fitted(task, prepared.train.totals())
        loss = fitted.build(task)
        _require_signs(fitted, prepared.spec)
    task = fitted.answered(task)
    with _located(loaded, "model"):
        schema = prepared.schema
        layers = spec.model.complete(schema.input_shape, width, loss_spec.gain, schema.levels)
        loss = fit_to(loss, build_chain(layers, schema.input_shape).out_shape)
    with _located(loaded, "training"):
        spec.training.check_task(task, prepared.valid is not None)
        truths = truths_of(prepared)
        spec.training.check_defined(truths)
    with _located(loaded, "evaluation"):
        spec.evaluation.check_task(task, truths.get("valid"))
    require_memory(layers, prepared, spec)
    undefined = spec.training.undefined_metrics(task, truths)
    notes = (*prepared.notes, *(f"{name} has no value: {why}" for name, why in undefined.items()))
    notes = (*notes, *_figures(loss_spec, fitted), *_preset_note(preset, spec))
    if spec.loss == "auto":
        notes = (*notes, f"loss: {loss_spec.spec_name} (auto: the task is {task.kind})")
    return Built(
        loaded=loaded,
        spec=replace(spec, preset="none", data=prepared.spec, loss=fitted),
        prepared=prepared,
        layers=layers,
        loss_spec=fitted,
        loss=loss,
        notes=notes,
    )


def _facts(prepared: Prepared, loaded: Loaded[RunSpec]) -> Facts:
    """What of the data a preset depends on.

    Raises:
        ConfigError: the preset is for rows of a table, and the data are images.
    """
    shape, name = prepared.schema.input_shape, preset_of(loaded)
    if len(shape) > 1 and name in OF_TABLES:
        what = f"`{name}` is for tables, and an example has the shape {'×'.join(map(str, shape))}"
        raise loaded.error(("preset",), what, fix="write `preset: mlp`, or the layers of a `model`")
    task = prepared.schema.task
    return Facts(
        task=task.kind,
        loss=default_loss(task).spec_name,
        rows=prepared.train.rows,
        columns=size_of(shape),
        valid=prepared.valid is not None,
    )


def _preset_note(name: str, spec: RunSpec) -> Iterator[str]:
    """What a preset came to."""
    if name != NONE:
        training = spec.training
        length = f"{training.epochs} epochs of batches of {training.batch_size}"
        yield f"preset: {name}, {length} (resolved.yaml has its keys)"


def _as_loss_needs(data: DataSpec, loss: LossSpec | None) -> DataSpec:
    """`data` with the scaling of the targets that suits the loss, where none is asked for."""
    if loss is None or data.target_scale != "auto":
        return data
    return replace(data, target_scale=loss.target_scale)


def _require_signs(loss: LossSpec, data: DataSpec) -> None:
    require(
        loss.sign == "any" or data.target_scale != "standard",
        f"{loss.spec_name} needs numbers that are {loss.sign}, and data.target_scale: standard "
        "takes away their sign",
        fix="leave data.target_scale out, or set it to mean or none",
    )


def _figures(given: LossSpec, fitted: LossSpec) -> Iterator[str]:
    """Lines on the options of a loss that became figures of the training part."""
    for one in fields(given):
        before, now = getattr(given, one.name), getattr(fitted, one.name)
        if before != now:
            why = f"{before}: " if before is not None else ""
            yield f"loss.{one.name}: {_shown(now)} ({why}from the training part)"


def _shown(value: object) -> str:
    """A figure, or those by label: the first ones."""
    if not isinstance(value, Mapping):
        return f"{value:.6g}" if isinstance(value, float) else str(value)
    shown = [f"{safe_text(label)} {one:.6g}" for label, one in value.items()]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more


def truths_of(prepared: Prepared) -> dict[str, Truth]:
    """What is true of each part of the data, whatever is predicted."""
    parts = {"train": prepared.train, "valid": prepared.valid, "test": prepared.test}
    task = prepared.schema.task
    return {
        name: Truth(part.units(part.targets), task, part.weights)
        for name, part in parts.items()
        if part is not None
    }


@contextmanager
def _located(loaded: Loaded[RunSpec], *section: str) -> Iterator[None]:
    """Turn what a section's specs object to into an error at its place in the file."""
    try:
        yield
    except SpecError as error:
        raise loaded.error((*section, *error.path), str(error), fix=error.fix) from error
    except ShapeError as error:
        path = (*section, *getattr(error, "path", ()))
        raise loaded.error(path, str(error)) from error
