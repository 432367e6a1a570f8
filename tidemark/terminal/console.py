"""The terminal that commands write to."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from tidemark.terminal.table import printable


@dataclass(frozen=True)
class Console:
    """Answers go to `out`, progress and warnings to `err`."""

    out: TextIO
    err: TextIO

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        return shutil.get_terminal_size((100, 30)).columns

    @property
    def height(self) -> int:
        """Lines of the terminal."""
        return shutil.get_terminal_size((100, 30)).lines

    @property
    def color(self) -> bool:
        """Whether colours are welcome."""
        return self.out.isatty() and "NO_COLOR" not in os.environ

    def say(self, *lines: str) -> None:
        """Lines of an answer."""
        self.out.write("".join(f"{line}\n" for line in lines))
        self.out.flush()

    def warn(self, line: str) -> None:
        """A line beside the answer."""
        self.err.write(f"{printable(line)}\n")
        self.err.flush()

    def redraw(self, lines: Sequence[str]) -> None:
        """Replaces what the terminal shows; without a terminal the lines follow those before."""
        if self.out.isatty():
            shown = "".join(f"{line}\x1b[K\n" for line in lines[: self.height - 1])
            self.out.write(f"\x1b[H{shown}\x1b[J")
            self.out.flush()
        else:
            self.say(*lines)
