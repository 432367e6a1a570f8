"""Paths of fields as rules name them: a text comes in, a `Path` that reads and changes objects goes out to the actions.

Keys may hold dots, as in questions: a key is taken as it stands, and where there is none, as a way into nested values. Objects are
never changed in place, so they may be shared: what changes is a new object around the parts that stay. Pure.
"""

from dataclasses import dataclass
from typing import Any

from services.kit.errors import Invalid

MAX_PATH = 500
TEXTS = ("name", "user_id", "session_id")
OBJECTS = ("properties", "context")
_READ_ONLY = ("type", "occurred_at")

Json = Any
"""A value of JSON as `exact` reads it."""
Object = dict[str, Json]


class Fault(Exception):
    """Why a rule fails on an event: `field` and `message` as a `Failure` has them."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message = field, message


@dataclass(frozen=True, slots=True)
class Path:
    """A field of events."""

    text: str
    column: str
    key: str = ""
    """Below a column of objects; empty for a column of its own."""
    steps: tuple[str, ...] = ()
    """The key taken as a way; empty where it has no dots."""

    def within(self, held: Object) -> Json:
        """The value in an object; None where it is missing."""
        if not self.steps or self.key in held:
            return held.get(self.key)
        value: Json = held
        for step in self.steps:
            place = _place(value, step)
            if place is None:
                return None
            value = value[place]
        return value

    def is_in(self, held: Object) -> bool:
        """Whether something is there, be it null."""
        if not self.steps or self.key in held:
            return self.key in held
        value: Json = held
        for step in self.steps:
            place = _place(value, step)
            if place is None:
                return False
            value = value[place]
        return True

    def put(self, held: Object, value: Json) -> Object:
        """The object with `value` in its place; objects on the way are made where they are missing.

        Raises `Fault` where something else is in the way.
        """
        if not self.steps or self.key in held:
            return {**held, self.key: value}
        made: Object = self._put(held, self.steps, value)
        return made

    def _put(self, held: Json, steps: tuple[str, ...], value: Json) -> Json:
        if not steps:
            return value
        if held is None:
            held = {}
        if type(held) is dict:
            return {**held, steps[0]: self._put(held.get(steps[0]), steps[1:], value)}
        place = _place(held, steps[0])
        if place is None:
            raise Fault(
                self.text,
                f"cannot be set: there is no {steps[0][:50]!r} in what is no object; set the whole first",
            )
        return [*held[:place], self._put(held[place], steps[1:], value), *held[place + 1 :]]

    def take(self, held: Object) -> Object:
        """The object without the value."""
        if not self.is_in(held):
            return held
        if not self.steps or self.key in held:
            return {key: value for key, value in held.items() if key != self.key}
        made: Object = _taken(held, self.steps)
        return made

    def below(self, key: str) -> "Path":
        """The path of a part with this plain key."""
        whole = f"{self.key}.{key}" if self.key else key
        steps = tuple(whole.split(".")) if self.key else ()
        return Path(f"{self.text}.{key}", self.column, whole, steps)


def _taken(held: Json, steps: tuple[str, ...]) -> Json:
    place = _place(held, steps[0])
    if type(held) is dict:
        if len(steps) == 1:
            return {key: value for key, value in held.items() if key != place}
        return {**held, place: _taken(held[place], steps[1:])}
    inner = [_taken(held[place], steps[1:])] if len(steps) > 1 else []
    return [*held[:place], *inner, *held[place + 1 :]]


def _place(value: Json, step: str) -> Any:
    """The key of an object that a step names, or the place in an array counted from 0; None where there is none."""
    if type(value) is dict:
        return step if step in value else None
    if type(value) is list and len(step) < 10 and step.isascii() and step.isdecimal():
        return place if (place := int(step)) < len(value) else None
    return None


def readable(text: str, at: str) -> Path:
    """The path of a field that a rule may read; raises `Invalid` for the request field `at`."""
    return _path(text, at, (*TEXTS, *_READ_ONLY), "reads")


def writable(text: str, at: str) -> Path:
    """The path of a field that a rule may change; raises `Invalid`."""
    if text in _READ_ONLY:
        raise Invalid(at, f"is {text!r}, which no rule changes; write another field")
    return _path(text, at, TEXTS, "changes")


def removable(text: str, at: str) -> Path:
    """The path of a field that a rule may take away; raises `Invalid`."""
    if text == "name":
        raise Invalid(at, "is 'name', without which there is no event; set it instead")
    return writable(text, at)


def parent(text: str, at: str) -> Path:
    """The path below which a rule sets parts: `properties`, `context` or a path in one; raises `Invalid`."""
    if text in OBJECTS:
        return Path(text, text)
    path = writable(text, at)
    if path.column not in OBJECTS:
        raise Invalid(at, f"is {text!r}, which has no parts; write properties, context or a path below one")
    return path


def _path(text: str, at: str, columns: tuple[str, ...], does: str) -> Path:
    if len(text) > MAX_PATH or "\0" in text:
        raise Invalid(at, f"has {len(text)} characters; a path has at most {MAX_PATH} and no NUL")
    if text in columns:
        return Path(text, text)
    column, dot, key = text.partition(".")
    if dot and key and column in OBJECTS:
        return Path(text, column, key, tuple(key.split(".")) if "." in key else ())
    fault = f"is {text[:100]!r}" if text else "is missing"
    known = ", ".join((*columns, *(f"{name}.<key>" for name in OBJECTS)))
    raise Invalid(at, f"{fault}; a rule {does} {known}")
