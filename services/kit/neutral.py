"""Texts that a spreadsheet would run: a column of texts comes in, and goes out with an apostrophe before each of those.

`original` takes it away again, and only it: a text that has one of its own before such a beginning is given another. Pure.
"""

import pyarrow as pa
import pyarrow.compute as pc

_BEGINNINGS = r"[=+\-@\t\r\n＝＋－＠]"
"""Of formulas, of links to other programs, and what is left out in front of them; the wide ones, too, which some locales take for them."""
_RUNS = f"^'*{_BEGINNINGS}"
_NEUTRAL = f"^'('*{_BEGINNINGS})"


def neutral(column: pa.Array) -> pa.Array:
    """The same texts, none of which is run."""
    runs = pc.match_substring_regex(column, _RUNS)
    if not pc.any(runs).as_py():
        return column
    apostrophe, joint = pa.scalar("'", column.type), pa.scalar("", column.type)
    return pc.if_else(runs, pc.binary_join_element_wise(apostrophe, column, joint), column)


def original(column: pa.Array) -> pa.Array:
    """The texts that `neutral` was given."""
    return pc.replace_substring_regex(column, _NEUTRAL, r"\1", max_replacements=1)
