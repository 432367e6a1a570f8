"""Figures computed from measures: expressions of a request come in, numbers go out to `shape` and `rank`.

An expression is read by hand and never evaluated as code. It becomes a short program for a stack: numbers, ids of measures, and
operators behind what they apply to.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.kit.errors import Invalid
from tidemark.v1 import question_pb2 as pb

MAX_FORMULAS = 10
MAX_EXPRESSION = 500
MAX_DEPTH = 50
MAX_ID, MAX_UNIT = 100, 100

Values = NDArray[np.float64]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|`(?P<quoted>(?:[^`]|``)+)`|(?P<sign>[-+*/()]))"
)


@dataclass(frozen=True, slots=True)
class Id:
    """The value of a measure."""

    name: str


@dataclass(frozen=True, slots=True)
class Operator:
    """`+`, `-`, `*` or `/` of the two values before it, or `negative` of the one."""

    sign: str


Token = float | Id | Operator


@dataclass(frozen=True, slots=True)
class Formula:
    """A figure computed from measures."""

    id: str
    program: tuple[Token, ...]
    unit: str

    @property
    def ids(self) -> frozenset[str]:
        """The measures it needs."""
        return frozenset(token.name for token in self.program if isinstance(token, Id))


def read(formulas: Sequence[pb.Formula], measures: Sequence[str], at: str) -> tuple[Formula, ...]:
    """The formulas of a request over the measures of these ids; raises `Invalid` for a field below `at`."""
    if len(formulas) > MAX_FORMULAS:
        raise Invalid(at, f"has {len(formulas)}; give at most {MAX_FORMULAS}")
    found: list[Formula] = []
    for i, each in enumerate(formulas):
        id_, here = each.id or f"F{i + 1}", f"{at}[{i}]"
        if len(id_) > MAX_ID:
            raise Invalid(f"{here}.id", f"has {len(id_)} characters; give at most {MAX_ID}")
        if id_ in measures or id_ in (other.id for other in found):
            raise Invalid(f"{here}.id", f"is {id_!r} as of another; give each its own")
        if len(each.unit) > MAX_UNIT:
            raise Invalid(f"{here}.unit", f"has {len(each.unit)} characters; give at most {MAX_UNIT}")
        found.append(Formula(id_, parsed(each.expression, measures, f"{here}.expression"), each.unit))
    return tuple(found)


def parsed(expression: str, measures: Sequence[str], at: str) -> tuple[Token, ...]:
    """The program of an expression; raises `Invalid` for the field `at`."""
    if len(expression) > MAX_EXPRESSION:
        raise Invalid(at, f"has {len(expression)} characters; give at most {MAX_EXPRESSION}")
    parser = _Parser(_tokens(expression, at), measures, at)
    parser.sum(0)
    parser.end()
    return tuple(parser.program)


def values(formula: Formula, measures: Mapping[str, Values]) -> Values:
    """The formula for each of the values of its measures, which all have one shape; NaN where it divides by 0."""
    stack: list[Values | np.float64] = []
    with np.errstate(all="ignore"):
        for token in formula.program:
            match token:
                case Id(name):
                    stack.append(measures[name])
                case Operator("negative"):
                    stack.append(-stack.pop())
                case Operator(sign):
                    right, left = stack.pop(), stack.pop()
                    stack.append(_applied(sign, left, right))
                case number:
                    stack.append(np.float64(number))
    (result,) = stack
    shape = next(iter(measures.values())).shape
    return np.broadcast_to(np.asarray(result, np.float64), shape)


def _applied(sign: str, left: Values | np.float64, right: Values | np.float64) -> Values | np.float64:
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _:
            return np.where(right == 0, np.nan, left / right)


def _tokens(expression: str, at: str) -> list[tuple[str, str]]:
    """Kind and text of each word and sign."""
    found, place = [], 0
    text = expression.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise Invalid(
                at,
                f"has {text[place:].lstrip()[:20]!r} where a measure, a number, + - * / or a parenthesis belongs",
            )
        kind = str(match.lastgroup)
        found.append((kind, match[kind]))
        place = match.end()
    return found


class _Parser:
    """Puts tokens into the order of a stack: sums of products of values."""

    def __init__(self, tokens: list[tuple[str, str]], measures: Sequence[str], at: str) -> None:
        self._tokens, self._place, self._measures, self._at = tokens, 0, measures, at
        self.program: list[Token] = []

    def sum(self, depth: int) -> None:
        """Products with `+` and `-` between them."""
        self._joined("+-", self._product, depth)

    def end(self) -> None:
        """Nothing follows."""
        if self._place < len(self._tokens):
            raise Invalid(
                self._at, f"has {self._tokens[self._place][1]!r} where an operator or the end belongs"
            )

    def _product(self, depth: int) -> None:
        self._joined("*/", self._value, depth)

    def _joined(self, signs: str, part: Callable[[int], None], depth: int) -> None:
        part(depth)
        while sign := self._taken(signs):
            part(depth)
            self.program.append(Operator(sign))

    def _value(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise Invalid(self._at, f"is nested deeper than {MAX_DEPTH} levels")
        if sign := self._taken("+-"):
            self._value(depth + 1)
            if sign == "-":
                self.program.append(Operator("negative"))
            return
        if self._taken("("):
            self.sum(depth + 1)
            if not self._taken(")"):
                raise Invalid(self._at, "lacks a closing parenthesis")
            return
        kind, text = self._tokens[self._place] if self._place < len(self._tokens) else ("sign", "")
        self._place += 1
        match kind:
            case "number":
                if float(text) == float("inf"):
                    raise Invalid(self._at, f"has the number {text[:20]}, which is too large")
                self.program.append(float(text))
            case "word" | "quoted":
                self.program.append(self._measure(text.replace("``", "`")))
            case _:
                where = f"has {text!r}" if text else "ends"
                raise Invalid(self._at, f"{where} where a measure or a number belongs, as in B / A * 100")

    def _measure(self, name: str) -> Id:
        if name not in self._measures:
            known = ", ".join(self._measures)
            raise Invalid(self._at, f"names {name!r}, which is no measure; they are {known:.500}")
        return Id(name)

    def _taken(self, signs: str) -> str:
        """The next token, if it is one of these signs."""
        if self._place < len(self._tokens):
            kind, text = self._tokens[self._place]
            if kind == "sign" and text in signs:
                self._place += 1
                return text
        return ""
