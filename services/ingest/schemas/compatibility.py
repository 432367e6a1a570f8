"""Whether a new version of a schema keeps what it promises: two documents come in, what breaks the promise goes out to `servicer`.

It is shown, keyword by keyword, that every value which the one allows is allowed by the other. What cannot be shown is refused, also
where it might be true: a promise is not a guess. Pure.

A narrow schema is held as parts that are all true of a value; its alternatives are taken one by one. Values are looked at by their
kind: a type of JSON, where whole numbers and fractions are two.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.ingest.schemas import facet
from services.ingest.schemas.document import LISTED, NAMED, ONE, Document, Schema
from services.ingest.schemas.facet import NAMES, Parts
from services.kit.errors import Refused
from tidemark.v1 import schema_pb2 as pb

MAX_STEPS = 50_000
"""Comparisons after which two documents count as too different to be compared."""

_ONLY: Mapping[str, Schema] = {kind: {"type": kind} for kind in NAMES}
_ANNOTATIONS = frozenset(
    {
        "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment", "$schema", "$id", "$defs",
        "definitions", "contentEncoding", "contentMediaType", "contentSchema",
    }
)  # fmt: skip
_UNEVALUATED = {"object": "unevaluatedProperties", "array": "unevaluatedItems"}
_UNCOMPARED = ("not", "oneOf", "if")
"""Keywords that are only found to be the same; what is unevaluated depends on all the others, which must be the same too."""


class _TooMany(Exception):
    """The comparison takes too long."""


def require(promise: pb.Compatibility, old: Document, new: Document) -> None:
    """Raises `Refused` unless the new version keeps the promise."""
    backward = promise in (pb.COMPATIBILITY_BACKWARD, pb.COMPATIBILITY_FULL)
    forward = promise in (pb.COMPATIBILITY_FORWARD, pb.COMPATIBILITY_FULL)
    if backward and (fault := fault_of(new, old)):
        _refuse(promise, "the new version must allow what the old one allows", "old", fault)
    if forward and (fault := fault_of(old, new)):
        _refuse(promise, "the old version must allow what the new one allows", "new", fault)


def fault_of(wide: Document, narrow: Document) -> str | None:
    """Why it cannot be shown that `wide` allows all properties that `narrow` allows; None where it does."""
    try:
        return _Comparison(wide, narrow).fault(wide.root, (narrow.root, _ONLY["object"]), "properties")
    except _TooMany:
        return "the two are too different to be compared"


def _refuse(promise: pb.Compatibility, rule: str, which: str, fault: str) -> None:
    raise Refused(
        f"schema.document: {rule} ({pb.Compatibility.Name(promise)}), which cannot be shown: by the {which} one, {fault}; "
        "change that, or set schema.compatibility to COMPATIBILITY_NONE",
        reason="SCHEMA_INCOMPATIBLE",
        field="schema.document",
    )


@dataclass
class _Comparison:
    """Of one document with another."""

    wide: Document
    narrow: Document
    _assumed: set[tuple[int, frozenset[int]]] = field(default_factory=set)
    """What is being shown further out, and may be used further in: values are finite, so that this ends."""
    _steps: int = 0

    def fault(self, wide: Schema, narrow: Parts, at: str) -> str | None:
        """Why a value that all parts of `narrow` allow might not be allowed by `wide`."""
        return self._fault(wide, tuple(_flat(self.narrow, narrow)), at)

    def _fault(self, wide: Schema, parts: Parts, at: str) -> str | None:
        """As `fault`, of parts that are flat: each step takes a part of `wide` or a choice away, so that none comes back here."""
        self._step()
        step = id(wide), frozenset(map(id, parts))
        if any(part is False for part in parts) or step in self._assumed:
            return None
        self._assumed.add(step)
        try:
            for condition in _flat(self.wide, (wide,)):
                if fault := self._condition(condition, parts, at):
                    return fault
        finally:
            self._assumed.discard(step)
        return None

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise _TooMany

    def _condition(self, wide: Schema, narrow: Parts, at: str) -> str | None:
        """As `fault`, of one schema without what it refers to."""
        if any(self._same(wide, part) for part in narrow):
            return None
        for kind in sorted(facet.kinds(narrow)):
            fault = self._kind(kind, wide, (*narrow, _ONLY[kind]), at)
            if fault and (cases := _cases(narrow)):
                others, alternatives = cases
                # Each of the alternatives may be allowed for another reason.
                found = (
                    self._fault(wide, (*others, *_flat(self.narrow, (each,)), _ONLY[kind]), at)
                    for each in alternatives
                )
                fault = next(filter(None, found), None)
            if fault:
                return fault
        return None

    def _kind(self, kind: str, wide: Schema, narrow: Parts, at: str) -> str | None:
        """As `fault`, of values of one kind."""
        if wide is False:
            return f"{at} may be {NAMES[kind]}"
        assert isinstance(wide, Mapping)
        if kind not in facet.kinds((wide,)):
            return f"{at} may be {NAMES[kind]}"
        if (values := facet.values(kind, narrow)) is not None:
            bad = (value for value in values if not facet.admits(self.wide, wide, value))
            return next((f"{at} may be {facet.shown(value)}" for value in bad), None)
        if "enum" in wide or "const" in wide:
            return f"{at} may be {NAMES[kind]} that is not listed"
        for keyword in (*_UNCOMPARED, _UNEVALUATED.get(kind, "")):
            if keyword in wide and not any(self._same_of(wide, part, keyword) for part in narrow):
                return f"{at} is held against {keyword!r}, which is compared only where it is unchanged"
        fault = next(filter(None, self._faults(kind, wide, narrow, at)), None)
        if fault is None and "anyOf" in wide:
            faults = [self._fault(each, narrow, at) for each in wide["anyOf"]]
            fault = None if None in faults else faults[0]
        return fault

    def _faults(self, kind: str, wide: Mapping[str, Any], narrow: Parts, at: str) -> Iterator[str | None]:
        parts = [part for part in narrow if isinstance(part, Mapping)]
        if kind == "string":
            yield facet.least("minLength", wide, parts, at, "characters")
            yield facet.most("maxLength", wide, parts, at, "characters")
            yield from (facet.unchanged(keyword, wide, parts, at) for keyword in ("pattern", "format"))
        elif kind in ("integer", "fraction"):
            yield from facet.bounds(wide, parts, at)
            yield facet.multiple(kind, wide, parts, at)
        elif kind == "array":
            yield from self._array(wide, parts, at)
        elif kind == "object":
            yield from self._object(wide, parts, at)

    def _array(
        self, wide: Mapping[str, Any], parts: Sequence[Mapping[str, Any]], at: str
    ) -> Iterator[str | None]:
        yield facet.least("minItems", wide, parts, at, "items")
        yield facet.most("maxItems", wide, parts, at, "items")
        if wide.get("uniqueItems") and not any(part.get("uniqueItems") for part in parts):
            yield f"{at} may hold an item twice"
        if "contains" in wide and not any(self._same_of(wide, part, "contains") for part in parts):
            yield f"{at} is held against 'contains', which is compared only where it is unchanged"
        longest = max(len(each.get("prefixItems", ())) for each in (wide, *parts))
        for place in range(longest + 1):
            if any(part.get("maxItems", place + 1) <= place for part in parts):
                break
            if (item := facet.of_item(wide, place)) is not None:
                items = tuple(each for part in parts if (each := facet.of_item(part, place)) is not None)
                yield self.fault(item, items, f"{at}[{place if place < longest else ''}]")

    def _object(
        self, wide: Mapping[str, Any], parts: Sequence[Mapping[str, Any]], at: str
    ) -> Iterator[str | None]:
        required = {name for part in parts for name in part.get("required", ())}
        for name in wide.get("required", ()):
            if name not in required:
                yield f"{at}.{name} may be missing"
        closed = [set(part.get("properties", ())) for part in parts if facet.closed(part)]
        yield facet.least("minProperties", wide, [*parts, {"minProperties": len(required)}], at, "keys")
        sizes = [{"maxProperties": len(names)} for names in closed]
        yield facet.most("maxProperties", wide, [*parts, *sizes], at, "keys")
        yield from self._keys(wide, parts, required, closed, at)
        named = {name for each in (wide, *parts) for name in each.get("properties", ())}
        for name in sorted(named):
            values = tuple(each for part in parts for each in facet.of_key(part, name))
            for each in facet.of_key(wide, name):
                yield self.fault(each, values, f"{at}.{name}")
        for pattern, each in wide.get("patternProperties", {}).items():
            yield self.fault(each, facet.of_pattern(parts, pattern), f"{at}./{pattern}/")
        if "additionalProperties" in wide:
            yield self.fault(wide["additionalProperties"], facet.of_others(wide, parts), f"{at}.*")

    def _keys(
        self, wide: Mapping[str, Any], parts: Sequence[Mapping[str, Any]], required: set[str],
        closed: Sequence[set[str]], at: str,
    ) -> Iterator[str | None]:  # fmt: skip
        """What is asked of keys, and of some where others are."""
        if "propertyNames" in wide:
            names = [part["propertyNames"] for part in parts if "propertyNames" in part]
            listed: list[Schema] = [{"enum": sorted(each)} for each in closed]
            yield self.fault(wide["propertyNames"], (*names, *listed, _ONLY["string"]), f"{at} (its keys)")
        for name, wanted in wide.get("dependentRequired", {}).items():
            held = required.union(*(part.get("dependentRequired", {}).get(name, ()) for part in parts))
            if missing := set(wanted) - held:
                yield f"{at}.{min(missing)} may be missing where {name} is there"
        for name, each in wide.get("dependentSchemas", {}).items():
            given = [part.get("dependentSchemas", {}).get(name) for part in parts]
            if not any(other is not None and self._same(each, other) for other in given):
                yield f"{at} is held against 'dependentSchemas', which is compared only where it is unchanged"

    def _same_of(self, wide: Mapping[str, Any], part: Schema, keyword: str) -> bool:
        """Whether a keyword, with those that it stands for, is the same in both."""
        group = {"if": ("if", "then", "else"), "contains": ("contains", "minContains", "maxContains")}
        if keyword in _UNEVALUATED.values() or not isinstance(part, Mapping):
            return False
        keywords = group.get(keyword, (keyword,))
        return self._same(facet.only(wide, keywords), facet.only(part, keywords))

    def _same(self, wide: Any, narrow: Any, seen: frozenset[tuple[int, int]] = frozenset()) -> bool:
        """Whether two schemas say the same in the same words."""
        if not (isinstance(wide, Mapping) and isinstance(narrow, Mapping)):
            return wide is narrow
        self._step()
        if (pair := (id(wide), id(narrow))) in seen:
            return True
        seen |= {pair}
        keywords = wide.keys() - _ANNOTATIONS
        if keywords != narrow.keys() - _ANNOTATIONS:
            return False
        for keyword in keywords:
            ours, theirs = wide[keyword], narrow[keyword]
            if keyword == "$ref":
                if not self._same(self.wide.named(ours), self.narrow.named(theirs), seen):
                    return False
            elif keyword in ONE:
                if not self._same(ours, theirs, seen):
                    return False
            elif keyword in LISTED:
                if len(ours) != len(theirs) or not all(self._same(a, b, seen) for a, b in zip(ours, theirs)):
                    return False
            elif keyword in NAMED:
                if ours.keys() != theirs.keys() or not all(
                    self._same(ours[k], theirs[k], seen) for k in ours
                ):
                    return False
            elif facet.text(ours) != facet.text(theirs):
                return False
        return True


def _flat(document: Document, parts: Sequence[Schema]) -> Iterator[Schema]:
    """The parts, and all that they refer to or join, but those that allow everything."""
    for part in parts:
        if isinstance(part, Mapping):
            if part.keys() - _ANNOTATIONS - {"$ref", "allOf"}:
                yield part
            if "$ref" in part:
                yield from _flat(document, (document.named(part["$ref"]),))
            yield from _flat(document, part.get("allOf", ()))
        elif part is False:
            yield part


def _cases(narrow: Parts) -> tuple[Parts, Sequence[Schema]] | None:
    """The parts without the first choice among them, and its alternatives."""
    for place, part in enumerate(narrow):
        for keyword in ("anyOf", "oneOf"):
            if isinstance(part, Mapping) and keyword in part:
                gone = {keyword, "$ref", "allOf", *_UNEVALUATED.values()}
                rest = {key: value for key, value in part.items() if key not in gone}
                return (*narrow[:place], rest, *narrow[place + 1 :]), part[keyword]
    return None
