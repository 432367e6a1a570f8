"""Values and attributes of OTLP: messages come in, plain JSON values and texts go out to `logs` and `metrics`. Pure."""

import base64
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

_UNFIT = re.compile(r"[^A-Za-z0-9._:-]+")
_LONGEST = 90


def plain(value: AnyValue) -> Any:
    """The value as JSON has it: bytes in base64, numbers that JSON does not know as texts."""
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "int_value":
            return value.int_value
        case "double_value":
            return value.double_value if math.isfinite(value.double_value) else _strange(value.double_value)
        case "array_value":
            return [plain(each) for each in value.array_value.values]
        case "kvlist_value":
            return attributes(value.kvlist_value.values)
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case _:
            return None


def attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    """Attributes as a JSON object."""
    return {pair.key: plain(pair.value) for pair in pairs}


def text(value: Any) -> str:
    """A JSON value as a tag holds it: a text as it stands, everything else as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def producer_id(resource: Mapping[str, Any]) -> str:
    """Who sends what is of this resource: the service, by the name that it gives itself."""
    name = _UNFIT.sub("-", text(resource.get("service.name") or "unknown_service"))
    return f"otlp:{name[:_LONGEST]}"


def _strange(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
