"""The built page on disk. Files go out as `page.File`; a new build is seen by the next request of somebody who opens the page."""

import asyncio
import time
from pathlib import Path

from services.gateway.page import Page, file

FRESH_SECONDS = 1.0
"""How long the page is believed to be the one on disk."""


class Source:
    """The files of a folder, read whole and again when one of them has changed."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._state: frozenset[tuple[str, int, int]] = frozenset()
        self._page: Page = {}
        self._looked_at = float("-inf")

    async def page(self) -> Page:
        """All files of the page; none where it is not built."""
        if time.monotonic() - self._looked_at > FRESH_SECONDS:
            self._looked_at = time.monotonic()
            await asyncio.to_thread(self._look)
        return self._page

    def _look(self) -> None:
        paths = [path for path in self._folder.rglob("*") if path.is_file()]
        state = frozenset((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in paths)
        if state != self._state:
            names = ("/" + path.relative_to(self._folder).as_posix() for path in paths)
            self._page = {name: file(name, path.read_bytes()) for name, path in zip(names, paths)}
            self._state = state
