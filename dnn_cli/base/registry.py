"""Registries: a folder is the list of what can be named in YAML.

A file `nn/activations/relu.py` registers the one spec called `relu`. A name is loaded when it is
asked for, by importing the file of that name, so that adding a thing means adding a file, and
starting up reads only what a configuration uses.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cached_property
from typing import Generic, TypeVar

from dnn_cli.base.spec import Spec, SpecError
from dnn_cli.base.text import listing, nearest, safe_text

S = TypeVar("S", bound=Spec)


class Registry(Generic[S]):
    """The specs of one kind (`layer`, `optimizer`, …) found in `packages`."""

    def __init__(self, kind: str, *packages: str) -> None:
        self.kind = kind
        self.packages = packages
        self._specs: dict[str, type[S]] = {}

    @cached_property
    def _modules(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for package in self.packages:
            for info in pkgutil.iter_modules(importlib.import_module(package).__path__):
                if not info.name.startswith("_"):
                    found[info.name] = f"{package}.{info.name}"
        return dict(sorted(found.items()))

    def register(self, name: str) -> Callable[[type[S]], type[S]]:
        """Decorator: make `name` in YAML mean this spec."""

        def keep(spec: type[S]) -> type[S]:
            if name in self._specs:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            spec.spec_name = name
            self._specs[name] = spec
            return spec

        return keep

    def names(self) -> list[str]:
        """All names, sorted, without importing their files."""
        return list(self._modules)

    def get(self, name: str) -> type[S]:
        """The spec called `name`; `SpecError` names the nearest one if there is none."""
        if name not in self._specs:
            module = self._modules.get(name)
            if module is None:
                close = nearest(name, self.names())
                raise SpecError(
                    f"unknown {self.kind} `{safe_text(name)}`; there are {listing(self.names())}",
                    ("type",),
                    fix=f"did you mean `{close}`?" if close else "",
                )
            importlib.import_module(module)
        return self._specs[name]

    def all(self) -> dict[str, type[S]]:
        """Every spec by name: imports the whole folder."""
        return {name: self.get(name) for name in self.names()}
