"""Builds the image with what is here: buildah, podman or docker.

Comes in: the root of a checkout. Goes out: an image under a name. pip fetches wheels outside, as it is configured on this machine, and the
build installs them: it needs no network but for Debian's packages. The page is the checkout's, where it is built.
"""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local.debian import Unprovided
from deploy.local.stack import folder_of

ENGINES = ("buildah", "podman", "docker")
LOCKS = ("requirements.server.lock", "requirements.page.lock")
PYTHON = "3.11"
"""That of Debian 12."""
TAG = "tidemark"
# Those without a daemon share our network and make no name spaces: so they build on machines that forbid them.
HERE = ("--isolation", "chroot", "--network", "host")


def engine(wanted: Sequence[str] = ENGINES) -> str:
    """The first of these that is here."""
    for name in wanted:
        if shutil.which(name):
            return name
    raise Unprovided(f"an image is built by {' or '.join(wanted)}, and there is none here: install one")


def wheels(root: Path) -> Path:
    """A folder with the wheels that the locks name, each checked by its hash."""
    folder = folder_of(root) / "wheels"
    locks = [f"--requirement={root / lock}" for lock in LOCKS]
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check", "--dest", folder,
         "--require-hashes", "--no-deps", "--only-binary=:all:", f"--python-version={PYTHON}", *locks],
        check=True,
    )  # fmt: skip
    return folder


def command(program: str, root: Path, wheelhouse: Path, tag: str, base: str = "") -> list[str]:
    """What builds; `base` is the name of a Debian 12, empty for that of the Dockerfile."""
    told = {"PIP_NO_INDEX": "1", **labels(root)} | ({"BASE": base} if base else {})
    arguments = [word for name, value in told.items() for word in ("--build-arg", f"{name}={value}")]
    return [
        program, "build", *(HERE if program != "docker" else ()), "--build-context", f"wheels={wheelhouse}", *arguments,
        "--file", str(root / "deploy/Dockerfile"), "--tag", tag, str(root),
    ]  # fmt: skip


def labels(root: Path) -> Mapping[str, str]:
    """Which release it is, of which commit, and when that was made; without git, the release alone."""
    release = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    told = subprocess.run(
        ["git", "log", "-1", "--format=%H %cI"], check=False, cwd=root, capture_output=True, text=True
    ).stdout.split()
    return {"VERSION": release} | dict(zip(("REVISION", "CREATED"), told, strict=False))


def sbom(program: str, tag: str) -> str:
    """What an image says is in it."""
    show = ["cat", "sbom.cdx.json"]
    if program != "buildah":
        return _told(program, "run", "--rm", "--network=none", f"--entrypoint={show[0]}", tag, *show[1:])
    made = _told(program, "from", "--pull-never", tag).strip()
    try:
        return _told(program, "run", *HERE, made, "--", *show)
    finally:
        _told(program, "rm", made)


def _told(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
