"""The fonts of this machine.

Comes in: a folder. Goes out: to `fonts`, which asks for files by name when a text needs them.
"""

from pathlib import Path

from services.reports.formats.typeset import fonts

DEBIAN = ("/usr/share/fonts", "/usr/share/fonts-droid-fallback")
"""Where Debian's packages put them."""


def install(folder: str) -> int:
    """Makes the fonts below `folder`, Debian's where it is empty, those of this process; says how many there are."""
    folders = (folder,) if folder else DEBIAN
    found = {path.stem: path for each in folders for path in sorted(Path(each).rglob("*.ttf"))}

    def read(name: str) -> bytes | None:
        return found[name].read_bytes() if name in found else None

    fonts.install(read)
    return len(found)
