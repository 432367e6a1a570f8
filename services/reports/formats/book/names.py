"""Names of sheets: what people called a section comes in, a name that every program takes goes out."""

import re

LONGEST = 31
"""UTF-16 units."""
_TAKEN = ("report", "proof", "charts", "history")
"""Of the workbook's own sheets, and one that Excel keeps for itself."""
_ILLEGAL = re.compile(r"[\[\]:*?/\\\x00-\x1f\x7f\ufffe\uffff]+")


class Names:
    """Names given out; no two are the same, small and great letters being the same to Excel."""

    def __init__(self) -> None:
        self._taken = set(_TAKEN)

    def unique(self, wanted: str) -> str:
        """A name as close to `wanted` as can be."""
        stem = " ".join(_ILLEGAL.sub(" ", wanted).split()).strip("'") or "Section"
        name, number = _cut(stem, LONGEST), 1
        while name.casefold() in self._taken or name.lower() in self._taken:
            number += 1
            tail = f" ({number})"
            name = _cut(stem, LONGEST - len(tail)) + tail
        self._taken |= {name.casefold(), name.lower()}
        return name


def _cut(text: str, units: int) -> str:
    """As much of the beginning as fits, without half of a character or an apostrophe at its end."""
    return text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore").rstrip(" '")
