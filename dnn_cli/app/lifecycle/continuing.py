"""Which checkpoint a run goes on from: the newest that is sound, and never none in silence.

That is `last`. Where its bytes are damaged, or it is gone, the one before it takes its place;
where it is another file than it should be, such as that of another run or of a newer version,
nothing is damaged, and what to do is the user's decision.
"""

from __future__ import annotations

from pathlib import Path

from dnn_cli.app.lifecycle.state import LAST, require_kinds
from dnn_cli.app.say import Say
from dnn_cli.base.errors import CheckpointError, DamagedError, Problem
from dnn_cli.base.text import safe_text
from dnn_cli.runs.checkpoint import Checkpoint, read_checkpoint
from dnn_cli.runs.directory import RunDirectory
from dnn_cli.runs.files import rename_file, unused


def newest(run: RunDirectory, say: Say) -> Checkpoint | None:
    """The checkpoint to continue from, after `last` was put right; see `read_last`.

    Raises:
        CheckpointError: no checkpoint is sound; gives the reason for each file.
        FileSystemError: a file cannot be renamed.
    """
    try:
        return read_last(run)
    except CheckpointError as error:
        if not _fall_back(run, error, say):
            raise
    return read_last(run)


def _fall_back(run: RunDirectory, error: CheckpointError, say: Say) -> bool:
    """Put the checkpoint before in the place of a last one that is damaged or gone."""
    there = _exists(run.last)
    if there and not isinstance(error, DamagedError):
        return False
    try:
        step = _training_in(run.previous).state["step"]
    except CheckpointError:
        return False
    what = f"{safe_text(run.last)} is not there"
    if there:
        kept = unused(run.checkpoints, f"{run.last.stem}-", ".corrupt")
        rename_file(run.last, kept)
        what = f"{error.problems[0].what}; it is kept as {kept}"
    rename_file(run.previous, run.last.name)
    say(f"{what}; the run goes on from the save before it, of step {step}")
    return True


def read_last(run: RunDirectory) -> Checkpoint | None:
    """The last checkpoint; None for a run that was stopped before its first one.

    A last checkpoint is written before the first best one and the model: where those are and it
    is not, something was removed, and starting again would throw away what they came from.

    Raises:
        CheckpointError: gives the reason for each file; a `DamagedError` if `last` is damaged.
    """
    others = [path for path in (run.previous, run.best, run.model) if _exists(path)]
    if not _exists(run.last) and not others:
        return None
    try:
        return _training_in(run.last)
    except CheckpointError as error:
        problems = [*error.problems, *(_why_not(path, run.last) for path in others)]
        raise type(error)(problems, state="nothing was changed") from error


def _training_in(path: Path) -> Checkpoint:
    """The checkpoint of a whole training in a file."""
    found = read_checkpoint(path)
    require_kinds(found.state, path)
    return found


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _why_not(path: Path, last: Path) -> Problem:
    """Why the training does not continue from another file than the last checkpoint."""
    name = safe_text(path)
    try:
        state = read_checkpoint(path).state
    except CheckpointError as error:
        return error.problems[0]
    if state.get("kind") == LAST:
        what = f"{name} is sound: the save before, of step {state.get('step')}"
        return Problem(what, name, fix=f"to go on from it: mv {name} {safe_text(last)}")
    what = f"{name} is sound, but holds only the model of epoch {state.get('epoch')}"
    fix = f"it can be used: dnn evaluate {name}"
    return Problem(what, name, "it has no optimizer state to go on with", fix)
