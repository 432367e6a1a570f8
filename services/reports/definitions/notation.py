"""YAML as templates write it, and messages of the contract out of it: a text comes in, messages go out to `expansion`. Pure.

Of YAML there is what JSON has, and block style: no aliases, no tags; plain `yes`, `on` and dates are texts. Messages are spelt as by
REST; what does not fit is named by its path, as in `sections[2].question.query.series.top`.
"""

import re
from collections.abc import Iterator
from typing import Any, TypeVar

import yaml
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from services.kit.errors import Invalid

MAX_DEPTH, MAX_PARTS = 60, 50_000

_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,299})(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,3})?")
_USUAL = ("null", "bool", "int", "float", "str", "seq", "map", "timestamp", "merge", "value")
_TAGS = {f"tag:yaml.org,2002:{each}" for each in _USUAL}
"""Of what is written without one."""
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Written as one value where REST does.
_SINGLE = (
    "google.protobuf.Timestamp",
    "google.protobuf.Duration",
    "google.protobuf.Value",
    "google.protobuf.Struct",
)

M = TypeVar("M", bound=Message)


def read(text: str, field: str) -> object:
    """The value that a text is, of mappings, lists, texts, numbers, booleans and None."""
    try:
        _check(text)
        return _value(yaml.compose(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1} of what it makes: " if error.problem_mark else ""
        raise Invalid(field, f"{line}{error.problem or 'is no YAML'}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise Invalid(field, f"makes no YAML: {str(error)[:300]}") from error


def messages(value: object, kind: type[M], at: str, most: int) -> list[M]:
    """A list of messages; raises `Invalid` with the first that is wrong, and all the others with it."""
    if not isinstance(value, list):
        raise Invalid(at, "is no list; begin each item with '- '")
    if len(value) > most:
        raise Invalid(at, f"has {len(value)}; give at most {most}")
    found: list[M] = []
    faults: list[Invalid] = []
    for place, each in enumerate(value):
        try:
            found.append(ParseDict(each, kind()))
        except (ParseError, TypeError, ValueError, AttributeError):
            faults += _misfits(each, kind.DESCRIPTOR, f"{at}[{place}]")
    if faults:
        raise Invalid(faults[0].field, faults[0].description, also=faults[1:])
    return found


def _fault(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def _check(text: str) -> None:
    """Refuses what would grow, before it is read whole."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_LOADER)):
        if count > MAX_PARTS:
            raise _fault(f"has more than {MAX_PARTS} parts; make less", event.start_mark)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _fault("aliases and anchors are not to be had; write it out", event.start_mark)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise _fault("is nested too deeply", event.start_mark)


def _value(node: Any) -> object:
    if node is None:
        return None
    if node.tag not in _TAGS:
        raise _fault(f"tags as {str(node.tag)[:50]} are not to be had", node.start_mark)
    if isinstance(node, yaml.SequenceNode):
        return [_value(each) for each in node.value]
    if isinstance(node, yaml.MappingNode):
        found: dict[str, object] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in found:
                raise _fault("a name is there twice, or is none", key.start_mark)
            found[key.value] = _value(value)
        return found
    text = str(node.value)
    if node.style:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _misfits(value: object, kind: Any, at: str) -> Iterator[Invalid]:
    """What of a value does not fit a message; something does not."""
    if not isinstance(value, dict):
        yield Invalid(at, f"is {_shown(value)}; write the fields of a {kind.name} below it")
        return
    fields = {field.json_name: field for field in kind.fields} | dict(kind.fields_by_name)
    found = False
    for key, each in value.items():
        field = fields.get(key)
        if field is None:
            known = ", ".join(sorted(field.json_name for field in kind.fields))
            fault = [Invalid(f"{at}.{str(key)[:100]}", f"is no field of a {kind.name}; there are {known}")]
        else:
            fault = list(_misfit(each, field, f"{at}.{field.name}"))
        yield from fault
        found = found or bool(fault)
    if not found:
        yield Invalid(at, f"has two of which a {kind.name} has one; leave one out")


def _misfit(value: object, field: Any, at: str) -> Iterator[Invalid]:
    """What does not fit one field; nothing where all does."""
    inside = field.message_type
    if field.is_repeated and not (inside and inside.GetOptions().map_entry):
        if not isinstance(value, list):
            yield Invalid(at, f"is {_shown(value)}; write a list")
            return
        places = [(each, f"{at}[{place}]") for place, each in enumerate(value)]
    else:
        places = [(value, at)]
    for each, place in places:
        whole = [each] if field.is_repeated and isinstance(value, list) else each
        try:
            ParseDict({field.name: whole}, GetMessageClass(field.containing_type)())
        except (ParseError, TypeError, ValueError, AttributeError):
            if inside and inside.full_name not in _SINGLE and not inside.GetOptions().map_entry:
                yield from _misfits(each, inside, place)
            else:
                yield Invalid(place, f"is {_shown(each)}; write {_wanted(field)}")


def _wanted(field: Any) -> str:
    """What a field takes, for people."""
    if field.enum_type:
        return "one of " + ", ".join(each.name for each in field.enum_type.values[1:])
    if field.message_type:
        return {
            "Timestamp": 'an instant, as in "2026-01-31T08:00:00Z"',
            "Duration": 'a length in seconds, as in "3600s"',
        }.get(field.message_type.name, "a value of another kind")
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            return "a text, in quotes where it looks like a number"
        case FieldDescriptor.CPPTYPE_BOOL:
            return "true or false"
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return "a number"
        case _:
            return "a whole number"


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "a mapping"
    return repr(value)[:100]
