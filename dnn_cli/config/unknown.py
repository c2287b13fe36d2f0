"""What an unknown key, or a name that is in no registry, probably meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from dnn_cli.base.spec import Spec
from dnn_cli.base.text import listing, nearest, safe_text
from dnn_cli.config.bare import TYPE
from dnn_cli.config.kinds import Kind, Section, Variant, members, options_of
from dnn_cli.config.other_names import OPTIONS, TYPES
from dnn_cli.config.places import NAME_LIMIT, PATIENCE, Report
from dnn_cli.nn.layer import LayerSpec

_SURE = 0.8  # how near a name has to be that belongs in another section


class Sections:
    """Which section of the whole configuration has an option of a given name."""

    def __init__(self, root: Kind) -> None:
        self.root = root

    @cached_property
    def homes(self) -> dict[str, str]:
        """Option -> dotted section, the outermost first; options of single variants left out."""
        found: dict[str, str] = {}
        queue: list[tuple[Kind, tuple[str, ...]]] = [(self.root, ())]
        for kind, path in queue:  # grows while it is walked: breadth first
            for one in members(kind):
                spec = one.spec if isinstance(one, Section) else None
                spec = one.base if isinstance(one, Variant) else spec
                for name, option in options_of(spec).items() if spec and len(path) < 4 else ():
                    found.setdefault(name, ".".join(path))
                    queue.append((option.kind, (*path, name)))
        return found


def owners(name: str, spec: type[Spec]) -> list[str]:
    """The other types in the registry of `spec` that have an option called `name`."""
    if not spec.spec_name or len(name) > NAME_LIMIT:
        return []
    registry = spec.registry  # type: ignore[attr-defined]
    return [type_name for type_name, one in registry.all().items() if name in options_of(one)]


def allowed_in(spec: type[Spec]) -> list[str]:
    """The keys of a mapping that `spec` is filled from."""
    return [*options_of(spec), *([TYPE] if spec.spec_name else ())]


def explain_unknown(name: str, spec: type[Spec], sections: Sections, report: Report) -> str:
    """What to write instead of the key `name`, unknown to `spec`; empty if nothing is near."""
    if len(name) > NAME_LIMIT:
        return ""
    allowed, homes = allowed_in(spec), sections.homes
    joined = re.fullmatch(r"(\w+)(?::| +)(\S+)", name)
    if joined and joined[1] in (*allowed, TYPE):
        return f"did you mean `{joined[1]}: {safe_text(joined[2])}`, with a colon and a space?"
    if name == "activation" and issubclass(spec, LayerSpec):
        return "an activation is a layer of its own: write it as the next entry of the list"
    meanings = (name,) if name in homes else OPTIONS.get(name.lower(), (name,))
    meant = next((one for one in meanings if one in allowed), None)
    if meant:
        return f"did you mean `{meant}`?"
    if name not in homes and (others := owners(name, spec)):
        return f"`{name}` belongs to {listing(others)}"
    meant = meanings[-1]
    if meant in homes:
        return f"`{meant}` belongs " + (f"in `{homes[meant]}`" if homes[meant] else "at the top")
    if meant != name and "." in meant:
        return f"did you mean `{meant}`?"
    if close := report.suggest(meant, allowed):
        return f"did you mean `{close}`?"
    near = nearest(meant, homes, _SURE) if len(report) < PATIENCE else None
    return f"did you mean `{'.'.join(filter(None, (homes[near], near)))}`?" if near else ""


def explain_unknown_type(name: str, allowed: Sequence[str], report: Report) -> str:
    """What to write instead of the type `name`; empty if nothing is near."""
    meant = TYPES.get(name.lower(), "")
    close = meant if meant in allowed else report.suggest(name, allowed)
    return f"did you mean `{close}`?" if close else ""
