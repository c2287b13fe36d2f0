"""The lines of metrics.jsonl, kept until they are durable.

A line is appended as soon as its epoch ends, so that others can follow the run, and kept in memory
until the log was synced. After a failure the log goes back to what is known to be durable and the
lines are written again: a failed fsync says nothing about what lies on the disk.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import final

from dnn_cli.base.errors import CheckpointError, FileSystemError
from dnn_cli.runs.append_log import AppendLog
from dnn_cli.runs.recorders import record_metrics
from dnn_cli.training.events import EpochFinished

_MOST = 1000  # lines kept in memory

FAILURES = (FileSystemError, CheckpointError)  # of writing, and of reading what was written


@final
class Journal:
    """An open log of finished epochs; `length` and `sha256` are those of its durable part."""

    def __init__(self, path: Path, length: int, sha256: str) -> None:
        """Open the log of which a checkpoint knows `length` bytes; later ones are set aside.

        Raises:
            CheckpointError: those bytes are not there any more.
            FileSystemError: the log cannot be written.
        """
        self.path, self.length, self.sha256 = path, length, sha256
        self._kept: list[EpochFinished] = []  # not durable yet
        self._log: AppendLog | None = self._open()

    def _open(self) -> AppendLog:
        if self.length == 0 and not self.path.exists():
            return AppendLog.create(self.path)
        return AppendLog.resume(self.path, self.length, self.sha256)

    def add(self, event: EpochFinished) -> None:
        """Take note of an epoch; a failure shows at the next `sync`."""
        self._kept.append(event)
        try:
            if self._log is not None:
                self._write(self._log, [event])
                if len(self._kept) >= _MOST:
                    self.sync()
        except FAILURES:
            self.close()

    def sync(self) -> None:
        """Make every epoch durable.

        Raises:
            FileSystemError: nothing was lost; call it again later.
            CheckpointError: the log cannot be read back.
        """
        try:
            if self._log is None:
                self._log = self._open()
                self._write(self._log, self._kept)
            self._log.sync()
        except FAILURES:
            self.close()
            raise
        self.length, self.sha256 = self._log.length, self._log.sha256
        self._kept.clear()

    def close(self) -> None:
        """Close the log; it is opened again when it has to be synced."""
        log, self._log = self._log, None
        if log is not None:
            log.close()

    @staticmethod
    def _write(log: AppendLog, events: Iterable[EpochFinished]) -> None:
        record = record_metrics(log)
        for event in events:
            record(event)
