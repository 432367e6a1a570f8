"""What a template lets people choose: its parameters are checked, and what was chosen becomes plain values for the sandbox. Pure."""

import math
import re
from collections.abc import Sequence

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct

from services.kit import resource
from services.kit.errors import Invalid
from tidemark.v1 import report_pb2 as pb

MAX_BYTES = 30_000
"""Of all parameters of a template, so that a list of templates fits into one answer."""
MAX_PARAMETERS, MAX_LIST, MAX_TEXT, MAX_DESCRIPTION = 30, 100, 1000, 1000

_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_LISTS = (pb.TemplateParameter.KIND_LIST, pb.TemplateParameter.KIND_EVENTS)


def check(parameters: Sequence[pb.TemplateParameter], at: str) -> None:
    """Raises `Invalid` for parameters that are not well formed."""
    if len(parameters) > MAX_PARAMETERS:
        raise Invalid(at, f"has {len(parameters)}; give at most {MAX_PARAMETERS}")
    if (size := sum(each.ByteSize() for each in parameters)) > MAX_BYTES:
        raise Invalid(at, f"has {size} bytes; give at most {MAX_BYTES}")
    known: set[str] = set()
    for place, each in enumerate(parameters):
        here = f"{at}[{place}]"
        if not _ID.fullmatch(each.id):
            raise Invalid(
                f"{here}.id",
                f"is {each.id[:100]!r}; write 1 to 40 letters, digits and '_', beginning with a letter",
            )
        if each.id in known:
            raise Invalid(f"{here}.id", f"is {each.id!r} as of another parameter; give each its own")
        known.add(each.id)
        resource.display_name(each.display_name, f"{here}.display_name")
        if len(each.description) > MAX_DESCRIPTION:
            raise Invalid(
                f"{here}.description",
                f"has {len(each.description)} characters; write at most {MAX_DESCRIPTION}",
            )
        if each.kind not in pb.TemplateParameter.Kind.values():
            raise Invalid(f"{here}.kind", f"is {each.kind}; give one of the kinds, as in KIND_EVENT")
        if each.HasField("default_value"):
            _value(each, MessageToDict(each.default_value), f"{here}.default_value")


def chosen(parameters: Sequence[pb.TemplateParameter], values: Struct, at: str) -> dict[str, object]:
    """The value of each parameter: as it was chosen, else its default."""
    given = MessageToDict(values)
    known = [each.id for each in parameters]
    for name in given:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise Invalid(f"{at}.{name[:100]}", f"is no parameter of the template; it has {listed}")
    found: dict[str, object] = {}
    for each in parameters:
        value = given.get(each.id)
        if value is None and each.HasField("default_value"):
            value = MessageToDict(each.default_value)
        if value is None:
            raise Invalid(f"{at}.{each.id}", "is not given; the template needs it")
        found[each.id] = _value(each, value, f"{at}.{each.id}")
    return found


def _value(parameter: pb.TemplateParameter, value: object, at: str) -> object:
    """A value of the parameter's kind; numbers that are whole come as such."""
    kind = parameter.kind
    if kind in _LISTS:
        texts = [each for each in value if isinstance(each, str)] if isinstance(value, list) else None
        if texts is None or texts != value:
            raise Invalid(at, "is no list of texts; give one")
        if len(texts) > MAX_LIST:
            raise Invalid(at, f"has {len(texts)}; give at most {MAX_LIST}")
        return [_text(each, f"{at}[{place}]") for place, each in enumerate(texts)]
    if kind == pb.TemplateParameter.KIND_BOOLEAN:
        if not isinstance(value, bool):
            raise Invalid(at, f"is {value!r:.100}; give true or false")
        return value
    if kind == pb.TemplateParameter.KIND_NUMBER:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise Invalid(at, f"is {value!r:.100}; give a number")
        return int(value) if value == int(value) and abs(value) < 2**53 else value
    if not isinstance(value, str):
        raise Invalid(at, f"is {value!r:.100}; give a text")
    return _text(value, at)


def _text(text: str, at: str) -> str:
    if len(text) > MAX_TEXT or "\0" in text:
        raise Invalid(at, f"has {len(text)} characters; give at most {MAX_TEXT} and no NUL")
    return text
