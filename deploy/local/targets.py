"""The child processes of the supervisor: how each is known, and its log.

Comes in: a name, ports and the facts that `supervisor` notes down. Goes out: whether the target
answers, and what it wrote. Next: `supervisor` decides.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from deploy.local.debian import Say
from deploy.local.ports import accepts
from deploy.local.settings import LOG_LIMIT, MEGABYTE


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
        """Print the whole lines that are new; keep the file below its limit."""
        with self.path.open("rb") as file:
            file.seek(self.shown)
            fresh = file.read(MEGABYTE)
        lines = fresh[: fresh.rfind(b"\n") + 1]
        self.shown += len(lines)
        for line in lines.decode(errors="replace").splitlines():
            say(f"{self.name:>8} | {line}")
        if self.shown > LOG_LIMIT:  # children append, so emptying the file is safe
            self.path.with_suffix(".log.1").write_bytes(self.path.read_bytes())
            os.truncate(self.path, 0)
            self.shown = 0

    def last_lines(self, count: int = 15) -> str:
        lines = self.path.read_text(errors="replace").splitlines()[-count:]
        return "\n".join(f"    {line}" for line in lines)


@dataclass
class Target:
    """One child process: how to start it, and how it has fared."""

    name: str
    environment: dict[str, str]
    ports: list[int]
    log: Log
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    restart_at: float = 0.0
    deaths: int = 0

    def answers(self) -> bool:
        return all(map(accepts, self.ports))
