"""The child processes of the supervisor: how each is known, and how it fares.

Comes in: a name, ports and the facts that `supervisor` notes down. Goes out: whether the target
answers. Next: `supervisor` decides.
"""

import subprocess
from dataclasses import dataclass

from deploy.local.logs import Log
from deploy.local.ports import accepts


@dataclass
class Target:
    """One child process: how to start it, and how it has fared."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    ports: list[int]
    log: Log
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    restart_at: float = 0.0
    deaths: int = 0

    def answers(self) -> bool:
        """Whether it can be reached now, at each of its ports."""
        alive = self.process is not None and self.process.poll() is None
        return alive and all(map(accepts, self.ports))
