"""A first configuration for a data file: what was found out about it, written down with comments.

Split      a column that names parts (split, fold, part, set) divides the rows; else 0.15 of them
           are kept for validation and 0.15 for the test
Recipe     `preset: auto`
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from dnn_cli.base.errors import DataError, DnnError, UsageError
from dnn_cli.base.path import local_path
from dnn_cli.base.spec import Spec, SpecError
from dnn_cli.base.text import listing, safe_text
from dnn_cli.config.load import Loaded, load_config, load_text, located
from dnn_cli.config.resolve import resolve, yaml_scalar
from dnn_cli.config.spec import RunSpec
from dnn_cli.data.prepare import Prepared, prepare
from dnn_cli.data.raw_columns import Words, words_of
from dnn_cli.data.readers.bytes_in import no_file
from dnn_cli.data.readers.csv_examination import Doubt, Examination, examine
from dnn_cli.data.readers.several_files import files_of
from dnn_cli.data.reading import Storage, read
from dnn_cli.data.source import SourceSpec, source_of
from dnn_cli.data.sources.csv import CsvSpec
from dnn_cli.data.spec import DataSpec, SplitSpec
from dnn_cli.data.split import names_parts
from dnn_cli.data.table import Columns, Table
from dnn_cli.data.table_fitting import ColumnStory, written_out

_PARTS = ("split", "fold", "part", "set", "subset", "partition")  # names of columns that divide
_SHARES = {"valid": 0.15, "test": 0.15}
_DATA = "data."  # what the keys begin with that a draft follows
_WRITTEN = ("features", "exclude", "missing", "target_scale", "positive", "valid", "test")
_TABLES = ("csv", "jsonl", "parquet", "arrow", "npz", "npy")
_WIDE = 200  # columns; of more only those that are not numbers are written


@dataclass(frozen=True, slots=True)
class Draft:
    """A configuration as text, what was found out about the file, and what else was said."""

    text: str
    found: tuple[str, ...]
    notes: tuple[str, ...]


def load(
    config: str, overrides: Sequence[str], targets: Sequence[str], task: str | None
) -> tuple[Loaded[RunSpec], tuple[str, ...]]:
    """The configuration in the file `config`, or a draft if that, or `targets`, is of a table.

    With what was found out about a table to draft it.
    """
    if targets or is_table(config):
        made = draft(config, tuple(targets), task, Path(config).parent, overrides)
        return load_text(made.text.encode(), Path(config), overrides), made.found
    return load_config(config, overrides), ()


def draft(
    data: str,
    targets: tuple[str, ...],
    task: str | None,
    folder: Path,
    overrides: Sequence[str] = (),
) -> Draft:
    """A configuration, to stand in `folder`, that trains on the file `data`.

    Of the `overrides` those of `data` are followed where they say how the file is written, what its
    columns are and how it is divided.

    Raises:
        UsageError: no target is named: the columns are listed; or there is no such column.
        ConfigError: an override is wrong.
        DataError: the file cannot be read, or its targets do not suit the task.
    """
    spec, examination = section(data, targets, task, overrides)
    try:
        prepared = prepare(spec)
    except DataError as error:
        raise _without_configuration(error) from None
    text = _text(data, examination, spec, prepared, folder)
    return Draft(text, examination.notes, prepared.notes)


def section(
    data: str, targets: tuple[str, ...], task: str | None, overrides: Sequence[str] = ()
) -> tuple[DataSpec, Examination]:
    """The `data` section of a draft, and what was found out about its source."""
    given, plain = _given(data, [one for one in overrides if one.startswith(_DATA)])
    keys = {one.partition("=")[0] for one in overrides}
    set_by_hand = {
        one.name: getattr(plain, one.name)
        for one in fields(plain)
        if f"{_DATA}source.{one.name}" in keys
    }
    examination = _examined(plain, set_by_hand)
    source = replace(plain, **examination.options)
    storage = Storage(given.memory, given.cache)
    table = read(source, Columns(target_required=False, missing=given.gaps), storage)
    if table.columns is None:
        raise _no_table(data)
    examination = replace(examination, options={**examination.options, **table.dialect})
    names = tuple(table.columns or ())
    if not (targets or given.targets):
        raise UsageError("name the column to predict with --target", why=_columns(table))
    wanted = tuple(dict.fromkeys(_named(str(one), names) for one in targets or given.targets))
    spec = replace(
        given,
        source=source,
        target=wanted if len(wanted) > 1 else wanted[0],
        task=task or given.task,  # type: ignore[arg-type]
        split=_split(table, wanted, given.split, keys),
    )
    return spec, examination


def _given(data: str, overrides: Sequence[str]) -> tuple[DataSpec, SourceSpec]:
    """The section that the overrides alone describe, and its source with the path as given."""
    if data == "-":
        raise UsageError("a draft reads its data twice: standard input is no file")
    plain = source_of(data)  # says what is wrong with a name in the words of a command line
    if not is_table(data):
        raise _no_table(data)
    text = f"data: {{source: {yaml_scalar(data)}}}\n"
    spec, _ = located(RunSpec, text.encode(), None, overrides)
    path = plain.path_option
    return spec.data, replace(spec.data.source, **{path: getattr(plain, path)})


def _without_configuration(error: DataError) -> DataError:
    """The same where advice is for a configuration, which there is none of yet."""
    hint = "; there is no configuration yet: behind the file, data.columns.NAME=category"
    keys = ("columns: {", "exclude: [", "`missing")
    problems = [
        replace(one, fix=one.fix + hint) if any(k in one.fix + one.why for k in keys) else one
        for one in error.problems
    ]
    return DataError(problems, state=error.state)


def is_table(path: str) -> bool:
    """Whether a path is called as tables are, not as configurations."""
    try:
        return SourceSpec.infer(path).spec_name in _TABLES
    except SpecError:
        return False


def _examined(source: SourceSpec, set_by_hand: Mapping[str, Any]) -> Examination:
    """What is found out about a file of text; other files say all themselves."""
    if not isinstance(source, CsvSpec):
        return Examination(dict(set_by_hand))
    return examine((files_of(source.path) or [source.path])[0], set_by_hand)


def _no_table(data: str) -> DnnError:
    if files_of(data) is None and (missing := no_file(local_path(data))):
        return missing
    what = "a folder" if Path(data).is_dir() else "no table with names of columns"
    return UsageError(
        f"`{safe_text(data)}` is {what}",
        fix="give such a table: CSV, JSON lines, Parquet, Arrow, or arrays with names; "
        "other data need a configuration, see configs/",
    )


def _columns(table: Table) -> str:
    columns = table.columns or {}
    kinds = {n: "words" if isinstance(c, Words) else "numbers" for n, c in columns.items()}
    shown = ", ".join(f"{safe_text(name)} ({kind})" for name, kind in list(kinds.items())[:40])
    return f"its columns are {shown}" + (", …" if len(kinds) > 40 else "")


def _named(target: str, names: tuple[str, ...]) -> str:
    if target in names:
        return target
    if re.fullmatch("-?[0-9]{1,6}", target) and -len(names) <= int(target) < len(names):
        return names[int(target)]
    raise UsageError(
        f"there is no column `{safe_text(target)}`", why=f"the columns are {listing(names, 40)}"
    )


def _split(
    table: Table, targets: tuple[str, ...], given: SplitSpec | None, keys: set[str]
) -> SplitSpec:
    """A column of parts, or shares, of which some may be given by `keys`."""
    if given is not None and (given.column is not None or f"{_DATA}split" in keys):
        return given
    if given is not None:
        rest = {k: v for k, v in _SHARES.items() if f"{_DATA}split.{k}" not in keys}
        return replace(given, **rest)  # type: ignore[arg-type]
    for name, column in (table.columns or {}).items():
        if name.casefold() in _PARTS and name not in targets:
            words = words_of(column)
            if not words.missing.any() and names_parts(words.levels):
                return SplitSpec(column=name)
    return SplitSpec(valid=_SHARES["valid"], test=_SHARES["test"])


def _text(
    data: str, examination: Examination, spec: DataSpec, prepared: Prepared, folder: Path
) -> str:
    rows, task = prepared.train.rows, prepared.schema.task
    path = data if os.path.isabs(data) else os.path.relpath(data, folder)
    source = _source(spec.source.spec_name, path, examination.options)
    assert spec.split is not None
    split = dict(_written(spec.split, [one.name for one in fields(SplitSpec)]))
    why = next((n for n in prepared.notes if n.startswith("task: ")), "").partition(", ")[2]
    target = spec.targets[0] if len(spec.targets) == 1 else list(spec.targets)
    lines = [
        f"# Made from {safe_text(path)}: {rows:,} training rows. Train it with `dnn train`.",
        "data:",
        f"  source: {_flow(source)}",
        *_source_doubts(path, examination),
        f"  target: {_flow(target)}",
        f"  task: {task.kind}  # {safe_text(why, 200)}",
        f"  split: {_flow(split)}",
        *(f"  {name}: {_flow(value)}" for name, value in _written(spec, _WRITTEN)),
        *_column_lines(prepared.columns),
        "preset: auto  # a recipe for tables; what is written beside it wins",
        "",
    ]
    return "\n".join(lines)


def _source(kind: str, path: str, options: Mapping[str, Any]) -> Any:
    return {"type": kind, "path": path, **options} if options else path


def _source_doubts(path: str, examination: Examination) -> list[str]:
    """The source as it may be instead, to take the place of the line above."""

    def line(doubt: Doubt) -> str:
        options = {**examination.options, **doubt.options}
        if options.get("decimal") == options.get("thousands"):
            options.pop("thousands", None)
        return f"  # doubt: source: {_flow(_source('csv', path, options))}  # {doubt.when}"

    return [line(doubt) for doubt in examination.doubts]


def _written(spec: Spec, names: Sequence[str]) -> list[tuple[str, Any]]:
    """The options of `names` that have not their defaults, as plain values."""
    defaults = {one.name: one.default for one in fields(spec)}
    found = {name: getattr(spec, name) for name in names}
    return [(name, resolve(value)) for name, value in found.items() if value != defaults[name]]


def _column_lines(stories: tuple[ColumnStory, ...]) -> list[str]:
    told = [s for s in stories if len(stories) <= _WIDE or s.spec.spec_name != "number"]
    if not told:
        return []
    if not written_out([one.name for one in told]):
        return [f"  # columns: what the {len(told):,} are, their cells tell again"]
    lines = ["  columns:"]
    for one in told:
        kind = resolve(one.spec)
        options = {k: v for k, v in kind.items() if v is not None and k not in ("type", "hash")}
        value = one.spec.spec_name if not options else {"type": one.spec.spec_name, **options}
        reason = f" ({one.reason})" if one.reason else ""
        lines.append(f"    {_flow(one.name)}: {_flow(value)}  # {one.said or 'left out'}{reason}")
        if one.doubt:
            lines.append(f"    # doubt: {_flow(one.name)}: {one.doubt}")
    return lines


def _flow(value: Any) -> str:
    """A value as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return yaml_scalar(value)
