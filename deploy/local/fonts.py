"""The fonts of reports on paper, for the scripts of the world.

Comes in: a cache folder. Goes out: a folder with fonts, complete or absent, or none where the host has them where Debian puts them.
They are Debian's packages of free fonts: Noto Sans for alphabets, Droid Sans Fallback for Chinese, Japanese and Korean, Symbola for
symbols. Next: the target reports, by TIDEMARK_REPORT_FONTS_FOLDER. Without them reports show Latin letters alone and say so, so that
a host which cannot fetch them is told, and goes on.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from deploy.local.debian import Say, Unprovided, locked

PACKAGES = ("fonts-noto-core", "fonts-droid-fallback", "fonts-symbola")
WANTED = re.compile(r"NotoSans(?!Display)\w*-(Regular|Bold|Italic|BoldItalic)|DroidSansFallback|Symbola_hint")
HOST = tuple(
    Path("/usr/share", name)
    for name in (
        "fonts/truetype/noto/NotoSansArabic-Regular.ttf",
        "fonts-droid-fallback/truetype/DroidSansFallback.ttf",
        "fonts/truetype/ancient-scripts/Symbola_hint.ttf",
    )
)
"""Where they are on a host that has the packages: one file of each."""
RECIPE = 1  # to be raised when what is unpacked changes


def provide(cache: Path, say: Say = print) -> Path | None:
    """The folder with the fonts; None where the host has them itself, or they cannot be had."""
    if all(file.exists() for file in HOST):
        return None
    try:
        return unpacked(cache, say)
    except Unprovided as missing:
        say(f"  {missing}")
        return None


def unpacked(cache: Path, say: Say) -> Path:
    """The folder in the cache; raises `Unprovided` where it cannot be filled."""
    folder = cache / f"fonts-{RECIPE}"
    if folder.exists():
        return folder
    for tool in ("apt-get", "dpkg"):
        if not shutil.which(tool):
            raise Unprovided(
                f"reports will show Latin letters alone: there is no `{tool}` to fetch fonts with"
            )
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / "lock", say):
        if folder.exists():
            return folder
        say("  fonts of reports come from the host's Debian, once; about 15 MB")
        part = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", suffix=".part", dir=cache))
        part.chmod(0o755)  # the servers run as other users than root
        try:
            _fetch(part)
            part.rename(folder)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    return folder


def _fetch(part: Path) -> None:
    """Downloads the packages, and keeps the fonts of them that reports are set in."""
    state, root = part / "apt", part / "root"
    for folder in ("lists/partial", "archives/partial"):
        (state / folder).mkdir(parents=True)
    private = (f"Dir::State::lists={state / 'lists'}", f"Dir::Cache={state}", "Acquire::Languages=none")
    options = [word for option in private for word in ("-o", option)]
    for step in (("update",), ("download", *PACKAGES)):
        told = subprocess.run(
            ["apt-get", *options, *step],
            check=False, cwd=state / "archives", env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
        # That one of several mirrors is away need not matter: what cannot be had is told by the next step.
        if told.returncode and step[0] != "update":
            raise Unprovided(
                f"reports will show Latin letters alone: {', '.join(PACKAGES)} cannot be had; install them."
                f" apt says:\n{told.stderr}".rstrip()
            )
    for file in sorted((state / "archives").glob("*.deb")):
        subprocess.run(["dpkg", "-x", file, root], check=True)
    for font in sorted(root.rglob("*.ttf")):
        if WANTED.fullmatch(font.stem):
            font.rename(part / font.name)
    for remains in (state, root):
        shutil.rmtree(remains)
