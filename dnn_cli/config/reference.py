"""Every option there is, as Markdown, made from the specs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dnn_cli.base.spec import Bounds, Spec
from dnn_cli.config.kinds import (
    Boolean,
    Choice,
    Fixed,
    Kind,
    List,
    Null,
    Number,
    Option,
    Section,
    Table,
    Text,
    Variant,
    Whole,
    members,
    options_of,
)
from dnn_cli.config.phrases import shown
from dnn_cli.config.resolve import dump_yaml, resolve
from dnn_cli.config.spec import RunSpec

_HEAD = "| option | type | default | meaning |\n|---|---|---|---|"


def reference(spec: type[Spec] = RunSpec) -> str:
    """Markdown: a table for each section, then one for each thing that has a `type`."""
    variants: dict[type[Spec], Variant] = {}
    parts = list(_sections(spec, (), variants))
    pending = list(variants.values())
    for variant in pending:  # grows: layers have initialisers, optimizers have schedules
        found: dict[type[Spec], Variant] = {}
        parts += _registry(variant, found)
        fresh = [one for base, one in found.items() if base not in variants]
        variants |= found
        pending += fresh
    return "\n\n".join(parts) + "\n"


def _sections(
    spec: type[Spec], path: tuple[str, ...], variants: dict[type[Spec], Variant]
) -> Iterator[str]:
    """The table of a spec, then those of the specs among its options."""
    options = options_of(spec).values()
    title = f"`{'.'.join(path)}`" if path else "Top level"
    yield f"### {title}\n\n{_summary(spec)}\n\n{_table(options)}"
    for option in options:
        for kind in _leaves(option.kind):
            if isinstance(kind, Section):
                yield from _sections(kind.spec, (*path, option.name), variants)
            elif isinstance(kind, Variant):
                variants.setdefault(kind.base, kind)


def _registry(variant: Variant, found: dict[type[Spec], Variant]) -> Iterator[str]:
    """The tables of everything in a registry, folder by folder."""
    shared = options_of(variant.base)
    groups: dict[str, list[type[Spec]]] = {}
    for spec in variant.registry.all().values():
        groups.setdefault(spec.__module__.split(".")[-2], []).append(spec)
    for folder, specs in sorted(groups.items(), reverse=True):
        note = f"{_summary(variant.base)}\n\n{_table(shared.values())}" if shared else ""
        yield "\n\n".join(part for part in (f"### {folder.capitalize()}", note) if part)
        for spec in specs:
            own = [one for one in options_of(spec).values() if not _same(shared.get(one.name), one)]
            table = f"\n\n{_table(own)}" if own else ""
            yield f"#### `{spec.spec_name}`\n\n{_summary(spec)}{table}"
            for option in options_of(spec).values():
                for kind in _leaves(option.kind):
                    if isinstance(kind, Variant):
                        found.setdefault(kind.base, kind)


def _same(shared: Option | None, own: Option) -> bool:
    return shared is not None and _row(shared) == _row(own)


def _table(options: Iterable[Option]) -> str:
    return "\n".join([_HEAD, *(_row(one) for one in options)])


def _row(option: Option) -> str:
    cells = [f"`{option.name}`", _type(option), _default(option), option.help]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _type(option: Option) -> str:
    text = " or ".join(_noun(kind) for kind in members(option.kind))
    return text + _limits(option.bounds)


def _noun(kind: Kind) -> str:
    match kind:
        case Choice(values):
            return ", ".join(f"`{shown(value)}`" for value in values)
        case List(item):
            return f"list of {' or '.join(_plural(_noun(one)) for one in members(item))}"
        case Fixed(items):
            return f"list of {len(items)}: {', '.join(_noun(one) for one in items)}"
        case Table(value):
            return f"mapping of names to {_plural(_noun(value))}"
        case Variant():
            return kind.registry.kind
    return _NOUNS.get(type(kind), "path")


def _plural(noun: str) -> str:
    return noun if noun.endswith(("`", "s")) else noun + "s"


_NOUNS: dict[type, str] = {
    Null: "`null`",
    Boolean: "`true`, `false`",
    Whole: "whole number",
    Number: "number",
    Text: "text",
    Section: "mapping",
}


def _limits(bounds: Bounds) -> str:
    signs = (
        ("≥", bounds.minimum),
        (">", bounds.above),
        ("≤", bounds.maximum),
        ("<", bounds.below),
    )
    return "".join(f", {sign} {limit:g}" for sign, limit in signs if limit is not None)


def _default(option: Option) -> str:
    default = option.default
    if option.required:
        return "required"
    if isinstance(default, Spec):
        return f"`{default.spec_name}`" if default.spec_name else "its defaults"
    return f"`{dump_yaml(resolve(default)).strip()}`"


def _leaves(kind: Kind) -> Iterator[Kind]:
    """The sections and variants that a kind leads to, through lists and tables."""
    for one in members(kind):
        match one:
            case List(item) | Table(item):
                yield from _leaves(item)
            case Fixed(items):
                for part in items:
                    yield from _leaves(part)
            case _:
                yield one


def _summary(spec: type[Spec]) -> str:
    return (spec.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
