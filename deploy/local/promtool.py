"""Prometheus's own checker of rules, with which the tests read ours: the host's, or else provided.

Comes in: a cache folder. Goes out: a program. It is of the package `prometheus`, which is unpacked and not installed: no server is started.
"""

import shutil
from pathlib import Path

from deploy.local import apt
from deploy.local.debian import Say

NAME = "promtool"
RECIPE = 1  # to be raised when what is unpacked changes


def provide(cache: Path, say: Say = print) -> Path:
    """The program; raises `Unprovided` where it cannot be had."""
    if found := shutil.which(NAME):
        return Path(found)
    told = "promtool comes from the host's Debian, once; about 20 MB"
    folder = apt.kept(
        cache, f"{NAME}-{RECIPE}", ("prometheus",), lambda file: file.match(f"usr/bin/{NAME}"), say, told
    )
    return folder / NAME
