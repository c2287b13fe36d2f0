"""What an unknown key probably meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cached_property

from dnn_cli.base.text import safe_text
from dnn_cli.config.kinds import Kind, Section, Variant, members, options_of
from dnn_cli.config.places import NAME_LIMIT, PATIENCE, Report

# Names that other tools use, too far from ours for a search by letters.
_KNOWN_AS = {
    "lr": "learning_rate",
    "eta": "learning_rate",
    "alpha": "learning_rate",
    "wd": "weight_decay",
    "l2": "weight_decay",
    "bs": "batch_size",
    "n_epochs": "epochs",
    "max_epochs": "epochs",
    "num_epochs": "epochs",
    "iterations": "epochs",
    "hidden_layer_sizes": "hidden",
    "neurons": "units",
    "out_features": "units",
    "p": "rate",
    "label": "target",
    "labels": "target",
    "y": "target",
    "dataset": "data",
    "network": "model",
    "criterion": "loss",
    "optim": "optimizer",
    "random_state": "seed",
}


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


def explain_unknown(name: str, allowed: Sequence[str], sections: Sections, report: Report) -> str:
    """What to write instead of the unknown key `name`; empty if nothing is near."""
    if len(name) > NAME_LIMIT:
        return ""
    joined = re.fullmatch(r"(\w+)(?::| +)(\S+)", name)
    if joined and joined[1] in (*allowed, "type"):
        return f"did you mean `{joined[1]}: {safe_text(joined[2])}`, with a colon and a space?"
    homes = sections.homes
    meant = name if name in homes else _KNOWN_AS.get(name.lower(), name)
    if meant in allowed:
        return f"did you mean `{meant}`?"
    if meant in homes:
        return f"`{meant}` belongs " + (f"in `{homes[meant]}`" if homes[meant] else "at the top")
    if close := report.suggest(meant, allowed):
        return f"did you mean `{close}`?"
    near = get_close_matches(meant, homes, n=1, cutoff=0.8) if len(report) < PATIENCE else []
    return f"did you mean `{'.'.join(filter(None, (homes[near[0]], near[0])))}`?" if near else ""
