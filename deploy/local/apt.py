"""Files out of packages of the host's own Debian release: what runs with the host's C library, and needs no linking anew.

Comes in: a cache folder, packages, and which of their files are wanted. Goes out: a folder in the cache with these files, complete or absent;
nothing of the system is changed. Next: `fonts`, `promtool`.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.local.debian import Say, Unprovided, locked


def kept(
    cache: Path, name: str, packages: Sequence[str], wanted: Callable[[Path], bool], say: Say, told: str
) -> Path:
    """The folder `name` of the cache. Where it has to be filled, `told` is said; raises `Unprovided` where that cannot be done."""
    folder = cache / name
    if folder.exists():
        return folder
    for tool in ("apt-get", "dpkg"):
        if not shutil.which(tool):
            raise Unprovided(f"there is no `{tool}` to fetch {', '.join(packages)} with")
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / "lock", say):
        if folder.exists():
            return folder
        say(f"  {told}")
        part = Path(tempfile.mkdtemp(prefix=f"{name}.", suffix=".part", dir=cache))
        part.chmod(0o755)  # apt's downloads, and the servers, run as other users than root
        try:
            _fetch(part, packages, wanted)
            part.rename(folder)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    return folder


def _fetch(part: Path, packages: Sequence[str], wanted: Callable[[Path], bool]) -> None:
    """Downloads the packages, and keeps the wanted files of them."""
    state, root = part / "apt", part / "root"
    for folder in ("lists/partial", "archives/partial"):
        (state / folder).mkdir(parents=True)
    private = (f"Dir::State::lists={state / 'lists'}", f"Dir::Cache={state}", "Acquire::Languages=none")
    options = [word for option in private for word in ("-o", option)]
    for step in (("update",), ("download", *packages)):
        told = subprocess.run(
            ["apt-get", *options, *step],
            check=False, cwd=state / "archives", env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
        # That one of several mirrors is away need not matter: what cannot be had is told by the next step.
        if told.returncode and step[0] != "update":
            raise Unprovided(
                f"{', '.join(packages)} cannot be had; install them. apt says:\n{told.stderr}".rstrip()
            )
    for file in sorted((state / "archives").glob("*.deb")):
        subprocess.run(["dpkg", "-x", file, root], check=True)
    for file in sorted(root.rglob("*")):
        if file.is_file() and not file.is_symlink() and wanted(file):
            file.rename(part / file.name)
    for remains in (state, root):
        shutil.rmtree(remains)
