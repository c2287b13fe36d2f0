"""The system calls of this package, gathered so that a test can make any one of them fail.

No other module of the program opens a file for writing, renames, or removes one.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class Disk:
    """System calls under their own names; every one raises `OSError`."""

    open = staticmethod(os.open)
    close = staticmethod(os.close)
    stat = staticmethod(os.stat)
    fstat = staticmethod(os.fstat)
    pread = staticmethod(os.pread)
    write = staticmethod(os.write)
    fsync = staticmethod(os.fsync)
    ftruncate = staticmethod(os.ftruncate)
    replace = staticmethod(os.replace)
    link = staticmethod(os.link)
    unlink = staticmethod(os.unlink)
    mkdir = staticmethod(os.mkdir)
    flock = staticmethod(fcntl.flock)

    @staticmethod
    def listdir(path: Path | int) -> list[str]:
        """The names in a directory, given by path or descriptor."""
        return os.listdir(path)


disk = Disk()
