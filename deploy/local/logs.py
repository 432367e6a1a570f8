"""Log files of the local stack: shown as they grow, kept below a limit, quoted in errors.

Comes in: files that servers and targets append to. Goes out: lines. Next: `supervisor` shows them,
errors of `servers` and `supervisor` end with them.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from deploy.local.debian import Say
from deploy.local.settings import MEGABYTE

LIMIT = 64 * MEGABYTE


@dataclass
class Log:
    """The log file of one child, shown on the terminal as it grows."""

    name: str
    path: Path
    shown: int = 0

    def open(self) -> IO[bytes]:
        self.shown = self.path.stat().st_size if self.path.exists() else 0
        return self.path.open("ab")

    def show(self, say: Say) -> None:
        """Prints the whole lines that are new; keeps the file below its limit."""
        with self.path.open("rb") as file:
            file.seek(self.shown)
            fresh = file.read(MEGABYTE)
        lines = fresh[: fresh.rfind(b"\n") + 1]
        self.shown += len(lines)
        for line in lines.decode(errors="replace").splitlines():
            say(f"{self.name:>8} | {line}")
        if self.shown > LIMIT:  # children append, so emptying the file is safe
            self.path.with_suffix(".log.1").write_bytes(self.path.read_bytes())
            os.truncate(self.path, 0)
            self.shown = 0


def last_lines(path: Path, count: int = 15, characters: int = 3000) -> str:
    """The end of a log file, indented; empty when there is none."""
    text = path.read_text(errors="replace")[-characters:] if path.exists() else ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-count:])
