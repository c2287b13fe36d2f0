"""The configuration as JSON Schema, for editors that complete and check while one types.

Made from the specs' type hints, bounds and help lines. It says less than the specs do: rules over
several options, and `128.0` for a whole number, only `dnn` itself refuses. A file that `extends`
another may leave out whatever the other may say.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from dnn_cli.base.spec import Bounds, Spec
from dnn_cli.config.bare import TYPE
from dnn_cli.config.extends import EXTENDS
from dnn_cli.config.kinds import (
    Boolean,
    Choice,
    Either,
    File,
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
    options_of,
)
from dnn_cli.config.resolve import resolve
from dnn_cli.config.spec import RunSpec

Schema: TypeAlias = dict[str, Any]
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_SIMPLE: dict[Kind, Schema] = {
    Null(): {"type": "null"},
    Boolean(): {"type": "boolean"},
    Text(): {"type": "string"},
    File(): {"type": "string", "minLength": 1},
}
_UNBOUNDED = Bounds()


def json_schema(spec: type[Spec] = RunSpec) -> Schema:
    """The schema (draft 2020-12) of a configuration file."""
    definitions = _Definitions()
    whole, part = definitions.section(spec), definitions.section(spec, part=True)
    definitions.found[f"{_name(spec)}.part"]["properties"][EXTENDS] = True
    path = {"type": "string", "description": "another configuration that this one changes"}
    return {
        "$schema": _DRAFT,
        "title": "Configuration of dnn",
        "type": "object",
        "properties": {EXTENDS: path},
        "if": {"required": [EXTENDS]},
        "then": part,
        "else": whole,
        "$defs": definitions.found,
    }


class _Definitions:
    def __init__(self) -> None:
        self.found: dict[str, Schema] = {}

    def kind(self, kind: Kind, bounds: Bounds = _UNBOUNDED, part: bool = False) -> Schema:
        """The schema of a kind; with `part`, of what a file that extends another may say."""
        match kind:
            case Section(spec):
                return self.section(spec, part)
            case Variant():
                return self.variant(kind, part)
            case Either(kinds):
                return {"anyOf": [self.kind(one, bounds, part) for one in kinds]}
            case List(item):
                return {"type": "array", "items": self.kind(item, bounds)}
            case Fixed(items):
                return {
                    "type": "array",
                    "prefixItems": [self.kind(one, bounds) for one in items],
                    "minItems": len(items),
                    "maxItems": len(items),
                }
            case Table(value):
                return {"type": "object", "additionalProperties": self.kind(value, bounds)}
            case Choice(values):
                return {"enum": list(values)}
            case Whole():
                return {"type": "integer", **_limits(bounds)}
            case Number():
                return {"type": "number", **_limits(bounds)}
        return dict(_SIMPLE[kind])

    def section(self, spec: type[Spec], part: bool = False) -> Schema:
        """A reference to the schema of a spec."""
        return self._mapping(_name(spec) + (".part" if part else ""), spec, part)

    def variant(self, kind: Variant, part: bool = False) -> Schema:
        """A reference to the schema of everything in a registry."""
        specs, suffix = kind.registry.all(), ".part" if part else ""
        noun = kind.registry.kind + suffix
        if noun not in self.found:
            self.found[noun] = {}  # a layer may hold layers
            bare: Schema = {
                "enum": [
                    name
                    for name, spec in specs.items()
                    if not any(option.required for option in options_of(spec).values())
                ]
            }
            if kind.infers:
                bare = {"type": "string", "minLength": 1}
            mappings = [
                self._mapping(f"{kind.registry.kind}.{name}{suffix}", spec, part)
                for name, spec in specs.items()
            ]
            typeless = [{"type": "object", "not": {"required": [TYPE]}}] if part else []
            self.found[noun] = {"anyOf": [bare, *mappings, *typeless]}
        return _reference(noun)

    def _mapping(self, name: str, spec: type[Spec], part: bool = False) -> Schema:
        if name in self.found:
            return _reference(name)
        options = options_of(spec)
        required = [one.name for one in options.values() if one.required and not part]
        properties: Schema = {}
        if spec.spec_name:
            required.insert(0, TYPE)
            properties[TYPE] = {"const": spec.spec_name, "description": _summary(spec)}
        self.found[name] = {}  # keeps the order, and ends recursion
        properties |= {one.name: self._option(one, part) for one in options.values()}
        self.found[name] = {
            "type": "object",
            "description": _summary(spec),
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }
        return _reference(name)

    def _option(self, option: Option, part: bool) -> Schema:
        schema = {"description": option.help, **self.kind(option.kind, option.bounds, part)}
        if not option.required and not isinstance(option.default, Spec):
            schema["default"] = resolve(option.default)
        return schema


def _name(spec: type[Spec]) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", spec.__name__.removesuffix("Spec")).lower()


def _reference(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _limits(bounds: Bounds) -> Schema:
    limits = {
        "minimum": bounds.minimum,
        "exclusiveMinimum": bounds.above,
        "maximum": bounds.maximum,
        "exclusiveMaximum": bounds.below,
    }
    return {keyword: limit for keyword, limit in limits.items() if limit is not None}


def _summary(spec: type[Spec]) -> str:
    return (spec.__doc__ or "").strip().split("\n")[0]
