"""A folder for what a process cannot hold in memory: it goes away with its owner, and after `kill -9` when the next owner comes.

The owner holds a lock on its folder, which the kernel lets go of when the process ends, however it ends.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
import weakref
from pathlib import Path


class Scratch:
    """A new folder of the system's folder for temporary files. Folders of the same prefix that nobody holds are removed first."""

    def __init__(self, prefix: str) -> None:
        for leftover in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
            with contextlib.suppress(OSError):
                _clear(leftover, _locked(leftover))
        self.path, lock = _made(prefix)
        self._end = weakref.finalize(self, _clear, self.path, lock)

    def close(self) -> None:
        """Removes the folder and what is in it."""
        self._end()


def _made(prefix: str) -> tuple[Path, int]:
    """A new folder and its lock; once more where somebody has taken it for a leftover before it was locked."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=prefix))
        with contextlib.suppress(OSError):
            lock = _locked(path)
            if path.exists():
                return path, lock
            os.close(lock)


def _locked(path: Path) -> int:
    """The lock of a folder; raises `OSError` where another process holds it, or where the folder is not ours."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle


def _clear(path: Path, lock: int) -> None:
    shutil.rmtree(path, ignore_errors=True)
    os.close(lock)
