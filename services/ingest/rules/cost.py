"""What an expression can cost, told before it is evaluated: its source comes in from `expression`, `Cost` and the fields it reads go out.

CEL has no loops but its macros, and its evaluator no limit of its own. So macros are few and stand in no other, regular expressions
are short, and what an expression walks through is bounded by the size of what it is given. Pure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.ingest.rules.path import Json
from services.kit.errors import Invalid

MAX_SOURCE = 1000
MAX_MACROS = 3
MAX_PATTERN = 100
MAX_PATTERNS = 2
MAX_CLASSES = 4
MOST_STEPS = 1 << 22
"""Some 10 ns each: more than 20 ms of work is refused."""
_STEPS_OF_ELEMENT = 32
_COPIES = 8

_TOKEN = re.compile(
    r"""(?P<blank>\s+|//[^\n]*)
    |(?P<text>[bB]?(?:[rR](?:"[^"\r\n]*"|'[^'\r\n]*')|"(?:\\.|[^"\\\r\n])*"|'(?:\\.|[^'\\\r\n])*'))
    |(?P<name>[A-Za-z_][A-Za-z_0-9]*)
    |(?P<number>0x[0-9a-fA-F]+[uU]?|[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?[uU]?)
    |(?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
_BUILDING = {"map", "filter"}
_MACROS = {"all", "exists", "exists_one"} | _BUILDING
_OPERANDS = {"text", "name", "number"}
_CLASS = re.compile(r"\\+[A-Za-z]|\.|\[\^|\(\?")

Token = tuple[str, str]
"""Kind, by the groups of the expression above, and text."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What decides how long an evaluation takes."""

    operands: int
    sums: int
    """Places where texts or lists may become one, which copies both."""
    elements: int
    """Elements of the longest list that is written out, at most."""
    macros: frozenset[str]
    looks_out: bool
    """Whether a macro looks at more than its element."""

    def excess(self, held: Json, size: int) -> str:
        """Why an evaluation over `held`, of `size` bytes as JSON, would take too long; empty where it does not."""
        steps = size * (self.operands + self.sums**2 // _COPIES)
        most = 0
        if self.macros:
            most = max(longest(held), self.elements) * (self.sums + 1)
            steps += self.operands * most * (size if self.looks_out else _STEPS_OF_ELEMENT)
        if self.macros & _BUILDING:
            # With every element that it takes, the evaluator copies all that it has taken so far.
            steps += self.operands * most * size * (most if self.looks_out and "map" in self.macros else 1)
        if steps <= MOST_STEPS:
            return ""
        walked = f"{most} elements and " if most else ""
        return f"would walk through {walked}{size} bytes too often; write a simpler expression, or send less"


@dataclass(frozen=True, slots=True)
class Reading:
    """What an expression says, as far as that is told by its tokens."""

    cost: Cost
    bound: frozenset[str]
    """Names that its macros give to elements."""
    keys: dict[str, frozenset[str] | None]
    """For the objects that it reads, the keys it names; None where it reads the object as a whole."""
    asked: frozenset[str]
    """Keys of which it asks whether they are there."""


def read(source: str, variables: Sequence[str], objects: Sequence[str], at: str) -> Reading:
    """What an expression says and costs; raises `Invalid` for the request field `at` where it can cost too much."""
    if len(source) > MAX_SOURCE:
        raise Invalid(at, f"has {len(source)} characters; write at most {MAX_SOURCE}")
    if '"""' in source or "'''" in source or "`" in source:
        raise Invalid(at, "has a text in triple quotes or backticks; write it in plain ones")
    tokens = [
        (match.lastgroup or "", match[0]) for match in _TOKEN.finditer(source) if match.lastgroup != "blank"
    ]
    macros = _macros(tokens, variables, at)
    _check_patterns(tokens, at)
    cost = Cost(
        operands=sum(
            kind in _OPERANDS and before != ("mark", ".")
            for before, (kind, _) in pairwise([("", ""), *tokens])
        ),
        sums=sum(token == ("mark", "+") for token in tokens),
        elements=sum(token == ("mark", ",") for token in tokens) + 1,
        macros=frozenset(tokens[place][1] for place, _ in macros),
        looks_out=any(looks_out for _, looks_out in macros),
    )
    bound = frozenset(tokens[place + 2][1] for place, _ in macros if place + 2 < len(tokens))
    asked = frozenset(
        tokens[place + 4][1]
        for place in range(len(tokens) - 4)
        if tokens[place : place + 2] == [("name", "has"), ("mark", "(")] and tokens[place + 2][1] in objects
    )
    return Reading(cost, bound, {name: _keys(tokens, name) for name in objects}, asked)


def _macros(tokens: list[Token], variables: Sequence[str], at: str) -> list[tuple[int, bool]]:
    """The places of macros' names, and whether each looks at fields of the event beside its element."""
    found: list[tuple[int, bool]] = []
    inside: list[bool] = []
    for place, (kind, text) in enumerate(tokens):
        after_dot = place > 0 and tokens[place - 1] == ("mark", ".")
        if kind == "mark" and text in "([{":
            called = tokens[place - 1][1] if place > 1 and tokens[place - 2] == ("mark", ".") else ""
            is_macro = text == "(" and called in _MACROS
            if is_macro and any(inside):
                raise Invalid(at, f"has {called}(...) inside of another macro; write two rules")
            if is_macro:
                found.append((place - 1, False))
            inside.append(is_macro)
        elif kind == "mark" and text in ")]}" and inside:
            inside.pop()
        elif kind == "name" and any(inside):
            if text == "matches":
                raise Invalid(at, "has matches(...) inside of a macro; write two rules")
            if text in variables and not after_dot:
                found[-1] = found[-1][0], True
    building = [place for place, _ in found if tokens[place][1] in _BUILDING]
    if len(found) > MAX_MACROS or len(building) > 1:
        raise Invalid(at, f"has more than {MAX_MACROS} macros, or map and filter twice; write two rules")
    return found


def _check_patterns(tokens: list[Token], at: str) -> None:
    """Raises `Invalid` for regular expressions that can take long to make, which happens anew with every evaluation."""
    calls = [place for place, token in enumerate(tokens) if token == ("name", "matches")]
    if len(calls) > MAX_PATTERNS:
        raise Invalid(at, f"has more than {MAX_PATTERNS} calls of matches; write two rules")
    for place in calls:
        before, after = tokens[max(0, place - 1) : place], tokens[place + 1 : place + 4]
        if (
            before != [("mark", ".")]
            or [text for _, text in after[::2]] != ["(", ")"]
            or after[1][0] != "text"
        ):
            raise Invalid(
                at, 'calls matches otherwise than as in name.matches("^a"), with the pattern as a text'
            )
        pattern = after[1][1]
        if len(pattern) > MAX_PATTERN or "{" in pattern or len(_CLASS.findall(pattern)) > MAX_CLASSES:
            raise Invalid(
                at,
                f"has the pattern {pattern[:50]}; it may have {MAX_PATTERN} characters, {MAX_CLASSES} classes as in \\\\d or '.', "
                "and no counts in braces",
            )


def _keys(tokens: list[Token], name: str) -> frozenset[str] | None:
    """The keys of an object that an expression names; None where it reads all of it."""
    keys: set[str] = set()
    for place, token in enumerate(tokens):
        if token != ("name", name) or (place and tokens[place - 1] == ("mark", ".")):
            continue
        following = [*tokens[place + 1 : place + 4], ("", ""), ("", ""), ("", "")]
        if following[0] == ("mark", ".") and following[1][0] == "name" and following[2] != ("mark", "("):
            keys.add(following[1][1])
        elif following[0] == ("mark", "[") and following[1][0] == "text" and following[2] == ("mark", "]"):
            text = following[1][1]
            if text[0] not in "\"'" or "\\" in text:
                return None
            keys.add(text[1:-1])
        else:
            return None
    return frozenset(keys)


def longest(held: Json) -> int:
    """How many elements the longest array or object in a value has."""
    most, parts = 0, [held]
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            most = max(most, len(part))
            parts += part.values()
        elif isinstance(part, list):
            most = max(most, len(part))
            parts += part
    return most
