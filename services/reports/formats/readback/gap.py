"""What stands between two values of a sheet: its tags come in, from the end of one value to the beginning of the next; what they say goes
out to `markup`.

Their digits are all noughts: so a sheet of ten million values has a few dozen gaps that differ, and each is read strictly, tag by tag. What
cells of values do not need, formulas above all, is a fault.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from services.reports.formats.readback.fault import demand

NUMBER, BOOLEAN, TEXT, SHARED, NOTHING = range(5)
"""What a cell holds."""
BEYOND = 1 << 16
"""A column behind all columns."""

_TAG = re.compile(
    rb"<(?:"
    rb'(?P<row>row) r="(?P<number>0{1,7})"[^<>]*?(?P<bare>/?)|'
    rb'(?P<cell>c) r="(?P<letters>[A-Z]{1,3})(?P<address>0{1,7})"(?: s="0+")?(?: t="(?P<kind>b|s|inlineStr)")?(?P<empty>/?)|'
    rb'v|is|t(?: xml:space="preserve")?|/row|/c|/v|/is|/t'
    rb")>"
)
"""All tags that there may be."""
_SIGNS = {b"<v": "V", b"<i": "I", b"<t": "T", b"/r": "r", b"/c": "c", b"/v": "v", b"/i": "i", b"/t": "t"}
"""A tag in a letter: great where something opens, small where it closes. `R` and `C` open rows and cells; `B` and `E` are empty ones."""
_EMPTY, _CELL = "(?:E|Cc)*", "C(?:V|IT)"
_ROWS = f"(?:B|R{_EMPTY}r)*(?:R{_EMPTY}{_CELL})?"
_ORDER = re.compile(f"(?:v|ti)c{_EMPTY}(?:{_CELL}|r{_ROWS})|{_ROWS}")
"""A value ends, and the next is in its row or a later one; or there is none before, or behind."""
_KINDS = {None: NUMBER, b"b": BOOLEAN, b"s": SHARED, b"inlineStr": TEXT}
NONE, VALUE, STRING = range(3)
"""What a value stands in."""
_CLOSES, _OPENS = {"v": VALUE, "t": STRING}, {"V": VALUE, "T": STRING}


@dataclass(frozen=True, slots=True)
class Number:
    """The number of a row, where it begins or in the address of a cell."""

    end: int
    """Where its digits end, from the beginning of the gap."""
    digits: int
    begins: bool
    """Whether a row begins here."""


@dataclass(frozen=True, slots=True)
class Gap:
    """What is said between two values."""

    tags: int
    closes: int
    """The tag that ends here: of a value, of a text, or `NONE`."""
    opens: int
    """The one that begins."""
    kind: int
    """What the cell holds that begins."""
    column: int
    """Where it stands, from 0."""
    next: int
    """The column of the next cell of the same row, with or without a value; `BEYOND` where there is none."""
    numbers: tuple[Number, ...]


@lru_cache(maxsize=1024)
def read(text: bytes) -> Gap:
    """What a gap says; raises where it says what rows of cells do not. The same ones come again with every window."""
    numbers: list[Number] = []
    signs, at, kind, column, following = "", 0, NOTHING, -1, -1
    while tag := _TAG.match(text, at):
        at = tag.end()
        if tag["row"]:
            numbers.append(Number(tag.end("number"), len(tag["number"]), begins=True))
            signs += "B" if tag["bare"] else "R"
            column = -1
        elif tag["cell"]:
            numbers.append(Number(tag.end("address"), len(tag["address"]), begins=False))
            signs += "E" if tag["empty"] else "C"
            before, column, kind = column, _column(tag["letters"]), _KINDS[tag["kind"]]
            demand(before < column, "a cell stands there twice, or not in its order")
            following = column if following < 0 else following
        else:
            signs += _SIGNS[tag[0][:2] if tag[0][1] != ord("/") else tag[0][1:3]]
            following = BEYOND if signs[-1] == "r" and following < 0 else following
    demand(at == len(text), f"a sheet has {text[at : at + 40].decode(errors='replace')}, which is no cell with a value, as a formula is none")  # fmt: skip
    demand(_ORDER.fullmatch(signs) is not None, "the tags of a sheet are not those of rows of cells")
    closes, opens = _CLOSES.get(signs[:1], NONE), _OPENS.get(signs[-1:], NONE)
    demand(not opens or (opens == STRING) == (kind == TEXT), "a cell holds something else than it says")
    return Gap(len(signs), closes, opens, kind, column, following, tuple(numbers))


def _column(letters: bytes) -> int:
    """The column, from 0, of letters as in AB."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1
