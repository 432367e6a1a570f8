"""The folder in which backups stand, each in a folder called by its instant.

`taking` puts one there: it is called so only once it is whole, and one that was left half done goes before the next. The newest are kept.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from deploy.backup import manifest
from deploy.backup.base import Uncopied

_PART = ".part"


def whole(folder: Path) -> list[Path]:
    """The backups in a folder, the oldest first."""
    return sorted(path.parent for path in folder.glob(f"*/{manifest.NAME}") if path.parent.suffix != _PART)


@contextmanager
def adding(folder: Path, began_at: datetime) -> Iterator[Path]:
    """A folder for a new backup, which is called by its instant at the end; raises `Uncopied` while another is being taken."""
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Uncopied(f"another backup is being taken into {folder}; wait until it is done") from error
        for left in folder.glob(f"*{_PART}"):
            shutil.rmtree(left)
        part = folder / f"{began_at.strftime(manifest.TIME)}{_PART}"
        part.mkdir(mode=0o700)
        yield part
        part.rename(part.with_suffix(""))
        os.fsync(lock)
    finally:
        os.close(lock)


def keep(folder: Path, count: int) -> list[str]:
    """Removes all but the newest `count` backups; gives the names of those that are gone."""
    gone = whole(folder)[:-count] if count else []
    for path in gone:
        # Renamed first: one that is half gone is no backup any more.
        shutil.rmtree(path.rename(path.with_name(path.name + _PART)))
    return [path.name for path in gone]
