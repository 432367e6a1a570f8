"""The fonts of reports on paper, for the scripts of the world.

Comes in: a cache folder. Goes out: a folder with fonts, complete or absent, or none where the host has them where Debian puts them.
They are Debian's packages of free fonts: Noto Sans for alphabets, Droid Sans Fallback for Chinese, Japanese and Korean, Symbola for
symbols. Next: the target reports, by TIDEMARK_REPORT_FONTS_FOLDER. Without them reports show Latin letters alone and say so, so that
a host which cannot fetch them is told, and goes on.
"""

import re
from pathlib import Path

from deploy.local import apt
from deploy.local.debian import Say, Unprovided

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
    try:
        told = "fonts of reports come from the host's Debian, once; about 15 MB"
        return apt.kept(cache, f"fonts-{RECIPE}", PACKAGES, _wanted, say, told)
    except Unprovided as missing:
        raise Unprovided(f"reports will show Latin letters alone: {missing}") from missing


def _wanted(file: Path) -> bool:
    return file.suffix == ".ttf" and WANTED.fullmatch(file.stem) is not None
