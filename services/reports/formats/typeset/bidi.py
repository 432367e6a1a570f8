"""The order of letters where scripts of both directions meet: the Unicode Bidirectional Algorithm.

Comes in: a text. Goes out: the level of every letter, odd where it runs from right to left, and the order in which the parts of a
line are drawn. Embeddings and overrides are not among it: they are taken out of texts before (`lines.clean`), for they make one
text look like another. Pure.
"""

import re
import unicodedata
from collections.abc import Sequence

RIGHT_TO_LEFT = re.compile(
    r"[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
"""Whether a text needs any of this."""
_OPEN = {"(": ")", "[": "]", "{": "}", "〈": "〉", "«": "»"}
_NEUTRAL = {"B", "S", "WS", "ON"}


def levels(text: str) -> list[int]:
    """The level of every letter; the direction of the whole is that of its first letter that has one."""
    kinds = [unicodedata.bidirectional(letter) or "L" for letter in text]
    base = next((int(kind != "L") for kind in kinds if kind in ("L", "R", "AL")), 0)
    around = "R" if base else "L"
    _weak(kinds, around)
    _brackets(text, kinds, around)
    _neutral(kinds, around)
    found = [_level(kind, base) for kind in kinds]
    for place in range(len(text) - 1, -1, -1):  # spaces at the end are where the line ends
        if not text[place].isspace():
            break
        found[place] = base
    return found


def order(of: Sequence[int]) -> list[int]:
    """The places of the parts of a line in the order they are drawn, from left to right."""
    places = list(range(len(of)))
    for level in range(max(of, default=0), 0, -1):
        begin = 0
        while begin < len(places):
            if of[places[begin]] < level:
                begin += 1
                continue
            end = begin
            while end < len(places) and of[places[end]] >= level:
                end += 1
            places[begin:end] = reversed(places[begin:end])
            begin = end
    return places


def _level(kind: str, base: int) -> int:
    if base:
        return 1 if kind == "R" else 2
    return {"L": 0, "R": 1}.get(kind, 2)


def _weak(kinds: list[str], around: str) -> None:
    """Numbers, their signs and separators, and marks, by what stands before and behind (rules W1 to W7)."""
    before, strong = around, around
    for place, kind in enumerate(kinds):
        if kind in ("NSM", "BN"):
            kind = before
        if kind in ("L", "R", "AL"):
            strong = kind
        if kind == "EN" and strong == "AL":
            kind = "AN"
        kinds[place] = before = kind
    kinds[:] = ["R" if kind == "AL" else kind for kind in kinds]
    for place in range(1, len(kinds) - 1):
        left, right = kinds[place - 1], kinds[place + 1]
        if left == right and (
            (kinds[place] == "ES" and left == "EN") or (kinds[place] == "CS" and left in ("EN", "AN"))
        ):
            kinds[place] = left
    place = 0
    while place < len(kinds):
        if kinds[place] != "ET":
            place += 1
            continue
        end = place
        while end < len(kinds) and kinds[end] == "ET":
            end += 1
        beside = (place > 0 and kinds[place - 1] == "EN") or (end < len(kinds) and kinds[end] == "EN")
        kinds[place:end] = ["EN" if beside else "ON"] * (end - place)
        place = end
    strong = around
    for place, kind in enumerate(kinds):
        if kind in ("L", "R"):
            strong = kind
        if kind in ("ES", "CS"):
            kinds[place] = "ON"
        elif kind == "EN" and strong == "L":
            kinds[place] = "L"


def _brackets(text: str, kinds: list[str], around: str) -> None:
    """A pair of brackets runs as what is in it, or else as what is before it (rule N0)."""
    waiting: list[tuple[str, int]] = []
    pairs: list[tuple[int, int]] = []
    for place, letter in enumerate(text):
        if kinds[place] != "ON":
            continue
        if letter in _OPEN:
            waiting.append((_OPEN[letter], place))
        elif letter in _OPEN.values():
            for depth in range(len(waiting) - 1, -1, -1):
                if waiting[depth][0] == letter:
                    pairs.append((waiting[depth][1], place))
                    del waiting[depth:]
                    break
    for begin, end in sorted(pairs):
        inside = {_strong(kind) for kind in kinds[begin + 1 : end]} - {""}
        if around in inside:
            kinds[begin] = kinds[end] = around
        elif inside:
            earlier = next((_strong(kind) for kind in reversed(kinds[:begin]) if _strong(kind)), around)
            kinds[begin] = kinds[end] = earlier if earlier in inside else around


def _neutral(kinds: list[str], around: str) -> None:
    """What has no direction runs as both its neighbours do, or else as the whole (rules N1 and N2)."""
    place = 0
    while place < len(kinds):
        if kinds[place] not in _NEUTRAL:
            place += 1
            continue
        end = place
        while end < len(kinds) and kinds[end] in _NEUTRAL:
            end += 1
        left = _strong(kinds[place - 1]) if place else around
        right = _strong(kinds[end]) if end < len(kinds) else around
        kinds[place:end] = [left if left == right else around] * (end - place)
        place = end


def _strong(kind: str) -> str:
    """Numbers count as running from right to left here."""
    return {"L": "L", "R": "R", "EN": "R", "AN": "R"}.get(kind, "")
