"""The progress bar of long work: counts come in, one line of the terminal is redrawn."""

import time
from typing import TextIO

from tidemark.terminal.table import fitted

_REDRAW_SECONDS = 0.1
_BAR = 24


class Progress:
    """Shows how far `done` of `total` is; without a terminal it stays silent."""

    def __init__(self, title: str, out: TextIO, *, total: int | None = None, width: int = 100) -> None:
        self._title, self._out, self._total, self._width = title, out, total, width
        self._start = time.monotonic()
        self._drawn = 0.0

    def show(self, count: int, done: int | None = None, doing: str = "") -> None:
        """So many events are read, or this is being done; `done` of `total` (bytes, commits) is behind us."""
        now = time.monotonic()
        if self._out.isatty() and now - self._drawn >= _REDRAW_SECONDS:
            self._drawn = now
            text = line(self._title, count, done, self._total, now - self._start, doing)
            self._out.write(f"\r{fitted(text, self._width - 1)}")
            self._out.flush()

    def end(self) -> None:
        """Takes the bar away."""
        if self._out.isatty():
            self._out.write(f"\r{' ' * (self._width - 1)}\r")
            self._out.flush()


def line(title: str, count: int, done: int | None, total: int | None, elapsed: float, doing: str = "") -> str:
    """One state of the bar: title, bar and share where the total is known, count and rate or what is being done, time left."""
    rate = count / elapsed if elapsed > 0 else 0.0
    if not total or done is None:
        return f"{title}  {count:,}  {rate:,.0f}/s"
    share = min(1.0, done / total)
    bar = "█" * round(share * _BAR)
    left = elapsed * (1 - share) / share if share > 0 else 0.0
    told = doing or f"{count:,}  {rate:,.0f}/s"
    return f"{title}  {bar:░<{_BAR}} {share:4.0%}  {told}  {clock(left)} left"


def clock(seconds: float) -> str:
    """A length of time as 0:42 or 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
