"""A Debian 12 to build the image on where no registry of images can be reached: made by debootstrap out of the host's own mirror.

Comes in: a cache folder. Goes out: a tar in it, complete or absent. Next: whoever builds the image imports it, and names it as its base.
"""

import os
import subprocess
import tempfile
from pathlib import Path

from deploy.local.debian import Say, Unprovided, locked, sources

SUITE = "bookworm"
RECIPE = 1  # to be raised when what is in the tar changes
LEFT_OUT = ("./dev/*", "./var/cache/apt/*.bin", "./var/cache/apt/archives/*.deb", "./var/lib/apt/lists/*_*")


def archive(cache: Path, say: Say = print) -> Path:
    """The tar; raises `Unprovided` where it cannot be made."""
    tar = cache / f"base-{RECIPE}.tar"
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / "base.lock", say):
        if not tar.exists():
            _make(tar, say)
    return tar


def _make(tar: Path, say: Say) -> None:
    if os.geteuid():
        raise Unprovided("only root can make a base for the image: name one of yours with BASE=")
    lines = sources(SUITE)
    mirrors = [uri for *_, uri, suite, _ in map(str.split, lines) if suite == SUITE]
    if not mirrors:
        raise Unprovided(
            f"apt on this host knows no mirror with the suite {SUITE}: name a base of yours with BASE="
        )
    say(f"  a base for the image comes from {mirrors[0]}, once; about 35 MB")
    with tempfile.TemporaryDirectory(prefix="base-", dir=tar.parent) as name:
        root, part = Path(name, "root"), Path(name, "base.tar")
        _run("eatmydata", "debootstrap", "--variant=minbase", SUITE, str(root), mirrors[0])
        (root / "etc/apt/sources.list").write_text("".join(f"{line}\n" for line in lines))
        excluded = [f"--exclude={each}" for each in LEFT_OUT]
        _run("tar", "--create", f"--file={part}", f"--directory={root}", *excluded, ".")
        part.rename(tar)


def _run(*command: str) -> None:
    told = subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if told.returncode:
        raise Unprovided(
            f"`{command[0]}` failed; its last lines:\n" + "\n".join(told.stdout.splitlines()[-8:])
        )
