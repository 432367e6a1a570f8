"""Writes files below a folder of the operator's, and nowhere else: neither names nor links of others lead out of it.

Every part of a path is opened from the one above it, and a link is never followed. A file is written beside its name and takes it
when it is whole, so that readers see all of it or nothing, and to write it again is to change nothing.
"""

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Sequence

_PART = re.compile(r"(?!\.)[^/\0]{1,255}")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


class Folder:
    """The folder `root`, which is there already."""

    def __init__(self, root: str) -> None:
        self._root = root

    async def write(self, parts: Sequence[str], name: str, pieces: AsyncIterator[bytes], token: str) -> None:
        """Writes a file below the folder, making what is missing of its path; raises `OSError`.

        `token` names the attempt, so that two at once do not write into each other's.
        """
        for part in (*parts, name, token):
            if not _PART.fullmatch(part):
                raise OSError(f"{part[:100]!r} is no name of a file")
        folder = await asyncio.to_thread(_opened, self._root, parts)
        beside = f".{token}.part"
        try:
            handle = os.open(beside, _FILE, 0o640, dir_fd=folder)
            try:
                async for piece in pieces:
                    await asyncio.to_thread(_written, handle, piece)
                await asyncio.to_thread(os.fsync, handle)
            finally:
                os.close(handle)
            os.replace(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
            await asyncio.to_thread(os.fsync, folder)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(beside, dir_fd=folder)
            raise
        finally:
            os.close(folder)


def _opened(root: str, parts: Sequence[str]) -> int:
    """The innermost folder of a path."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in parts:
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, 0o750, dir_fd=folder)
            inner = os.open(part, _DIRECTORY, dir_fd=folder)
        finally:
            os.close(folder)
        folder = inner
    return folder


def _written(handle: int, piece: bytes) -> None:
    left = memoryview(piece)
    while left:
        left = left[os.write(handle, left) :]
