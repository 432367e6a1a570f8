"""What is known about the running stack: `.tidemark/stack.json`.

Comes in: facts from `supervisor`. Goes out: the same facts for `status`, `down`, the next start and
whoever needs the addresses (tests, the command line, benchmarks). The file holds passwords within
URLs and is readable by its owner only.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from deploy.local.accounts import write_private
from deploy.local.process import Identity


@dataclass
class Stack:
    """One checkout's stack, as last written by its supervisor."""

    root: Path
    supervisor: Identity
    state: str = "starting"  # then "running", then "stopped"
    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, Identity] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return folder_of(self.root)

    def save(self) -> None:
        text = json.dumps(asdict(self), indent=1, default=str)
        write_private(self.folder / "stack.json", text + "\n")


def folder_of(root: Path) -> Path:
    return root / ".tidemark"


def load(root: Path) -> Stack | None:
    """The stack of this checkout; None when there is none, or the file came with a copied folder."""
    try:
        told = json.loads((folder_of(root) / "stack.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):  # the latter after a power cut
        return None
    if told["root"] != str(root):
        return None
    return Stack(
        root=root,
        supervisor=Identity(**told["supervisor"]),
        state=told["state"],
        ports=told["ports"],
        processes={name: Identity(**one) for name, one in told["processes"].items()},
        environment=told["environment"],
    )
