"""Attributes of OTLP, for tests of what becomes of them."""

from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue


def attribute(key: str, value: Any) -> KeyValue:
    """An attribute whose value is a text, number, truth, list, mapping or bytes."""
    return KeyValue(key=key, value=any_value(value))


def any_value(value: Any) -> AnyValue:
    """The value as OTLP has it."""
    made = AnyValue()
    match value:
        case bool():
            made.bool_value = value
        case int():
            made.int_value = value
        case float():
            made.double_value = value
        case bytes():
            made.bytes_value = value
        case str():
            made.string_value = value
        case list():
            made.array_value.values.extend(map(any_value, value))
        case dict():
            made.kvlist_value.values.extend(attribute(*pair) for pair in value.items())
    return made
