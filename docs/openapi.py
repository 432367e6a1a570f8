"""The REST API as an OpenAPI 3.1 document: what Envoy makes of the contract's `google.api.http` options.

Comes in: the contract with its comments, from `generate.py`. Goes out: the text of `openapi.json`. The forms of values are those of
protobuf's JSON mapping.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.api import annotations_pb2, field_behavior_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    MethodDescriptorProto,
)

import tidemark
from services.kit.access import ROLES
from tidemark.v1 import access_pb2, admin_pb2

Json = dict[str, Any]
Path = tuple[int, ...]

_FILE = ".google.api.HttpBody"
"""What an RPC answers with whose answer is no JSON but a file, which goes out as it is."""
_SERVICES, _METHODS, _MESSAGES, _ENUMS = 6, 2, 4, 5
_FIELDS, _NESTED, _NESTED_ENUMS, _VALUES = 2, 3, 4, 2
_PREFIX = ".tidemark.v1."

INTRODUCTION = """\
Every RPC of the contract that takes one request, as JSON over HTTP. `docs/rest.md` begins with examples.

Instants are RFC 3339, durations seconds with an `s`, 64-bit integers texts, bytes base64. Requests may write field names in \
snake_case too, and 64-bit integers as numbers. A field that is not listed here is ignored, so check spelling; an unknown query \
parameter is refused. What is left out has its default. A page's cookie counts only beside the header `x-requested-with: tidemark`."""

_SCALARS: dict[int, Json] = {
    FieldDescriptorProto.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptorProto.TYPE_STRING: {"type": "string"},
    FieldDescriptorProto.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    FieldDescriptorProto.TYPE_DOUBLE: {"$ref": "#/components/schemas/Double"},
    FieldDescriptorProto.TYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptorProto.TYPE_UINT32: {"type": "integer", "format": "int64", "minimum": 0},
    FieldDescriptorProto.TYPE_INT64: {"type": "string", "format": "int64"},
    FieldDescriptorProto.TYPE_UINT64: {"type": "string", "format": "uint64"},
}
_ANY: Json = {"type": "object", "required": ["@type"], "properties": {"@type": {"type": "string"}}}
_WELL_KNOWN: dict[str, Json] = {
    ".google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    ".google.protobuf.Duration": {"type": "string", "pattern": r"^-?\d+(\.\d{1,9})?s$"},
    ".google.protobuf.FieldMask": {"type": "string", "description": "Names of fields, with commas between."},
    ".google.protobuf.Struct": {"type": "object"},
    ".google.protobuf.Value": {},
    ".google.rpc.Status": {"$ref": "#/components/schemas/Status"},
    ".google.longrunning.Operation": {
        "type": "object",
        "description": "Long work: `metadata` is an `OperationMetadata`; when it is done there is an `error` or a `response`.",
        "properties": {
            "name": {"type": "string"},
            "metadata": _ANY,
            "done": {"type": "boolean"},
            "error": {"$ref": "#/components/schemas/Status"},
            "response": _ANY,
        },
    },
}
_DOUBLE: Json = {"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]}
_STATUS: Json = {
    "type": "object",
    "description": "Why a request has failed.",
    "required": ["code", "message"],
    "properties": {
        "code": {"type": "integer", "format": "int32", "description": "The gRPC status code."},
        "message": {"type": "string", "description": "For people."},
        "details": {
            "type": "array",
            "description": "For programs: `google.rpc.ErrorInfo` with a reason of domain `tidemark`; for bad input "
            "`google.rpc.BadRequest` with the fields; for a limit `google.rpc.RetryInfo`. `docs/api.md` lists the reasons.",
            "items": _ANY,
        },
    },
}


@dataclass(frozen=True)
class Route:
    """Where an RPC is found: `projects/{project}` for `{name=projects/*}`, and the fields which that fills."""

    verb: str
    path: str
    variables: tuple[str, ...]
    bound: frozenset[str]
    body: str


@dataclass
class Contract:
    """Messages, enums and comments by full name, and which fields of a request are in its path."""

    messages: dict[str, DescriptorProto] = field(default_factory=dict)
    enums: dict[str, EnumDescriptorProto] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
    bound: dict[str, frozenset[str]] = field(default_factory=dict)


def document(files: Sequence[FileDescriptorProto]) -> str:
    """The text of the file."""
    contract = _read(files)
    paths: dict[str, Json] = {}
    tags: list[Json] = []
    wanted: list[str] = []
    for file in files:
        for service in file.service:
            tags.append({"name": service.name, "description": contract.comments[service.name]})
            for method in service.method:
                if (route := _route(method)) is None:
                    continue
                contract.bound[method.input_type] = route.bound
                operation = _operation(contract, service.name, method, route)
                paths.setdefault(route.path, {})[route.verb] = operation
                wanted += [
                    method.output_type,
                    *_body(contract, method, route),
                    *_choices(contract, method, route),
                ]
    schemas = dict(sorted(_schemas(contract, wanted)))
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Tidemark",
                "version": tidemark.__version__,
                "summary": "Events and metrics in, answers out.",
                "description": INTRODUCTION,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "http://127.0.0.1:8080", "description": "the local stack"}],
            "security": [{"key": []}, {"session": []}],
            "tags": [tag for tag in tags if _tagged(paths, tag["name"])],
            "paths": dict(sorted(paths.items())),
            "components": {
                "schemas": {"Double": _DOUBLE, "Status": _STATUS, **schemas},
                "responses": {"Error": {"description": "An error.", "content": _content("Status")}},
                "securitySchemes": {
                    "key": {"type": "http", "scheme": "bearer", "description": "The secret of a key."},
                    "session": {"type": "apiKey", "in": "cookie", "name": "tidemark_session"},
                },
            },
        },
        indent=1,
        ensure_ascii=False,
    )


def _read(files: Sequence[FileDescriptorProto]) -> Contract:
    contract = Contract()
    for file in files:
        said = {tuple(each.path): _prose(each.leading_comments) for each in file.source_code_info.location}
        for number, service in enumerate(file.service):
            contract.comments[service.name] = said[_SERVICES, number]
            for index, method in enumerate(service.method):
                contract.comments[f"{service.name}.{method.name}"] = said[_SERVICES, number, _METHODS, index]
        for number, message in enumerate(file.message_type):
            _read_message(contract, said, f"{_PREFIX}{message.name}", message, (_MESSAGES, number))
        for number, enum in enumerate(file.enum_type):
            _read_enum(contract, said, f"{_PREFIX}{enum.name}", enum, (_ENUMS, number))
    return contract


def _read_message(
    contract: Contract, said: dict[Path, str], name: str, message: DescriptorProto, path: Path
) -> None:
    contract.messages[name] = message
    contract.comments[name] = said.get(path, "")
    for number, each in enumerate(message.field):
        contract.comments[f"{name}.{each.name}"] = said.get((*path, _FIELDS, number), "")
    for number, nested in enumerate(message.nested_type):
        _read_message(contract, said, f"{name}.{nested.name}", nested, (*path, _NESTED, number))
    for number, enum in enumerate(message.enum_type):
        _read_enum(contract, said, f"{name}.{enum.name}", enum, (*path, _NESTED_ENUMS, number))


def _read_enum(
    contract: Contract, said: dict[Path, str], name: str, enum: EnumDescriptorProto, path: Path
) -> None:
    contract.enums[name] = enum
    values = (
        f"- `{value.name}`: {said.get((*path, _VALUES, number), '')}"
        for number, value in enumerate(enum.value)
    )
    contract.comments[name] = "\n".join([said.get(path, ""), "", *values])


def _route(method: MethodDescriptorProto) -> Route | None:
    rule = method.options.Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    if not verb:
        return None
    variables: list[str] = []

    def opened(match: re.Match[str]) -> str:
        """`{name=projects/*/keys/*}` as `projects/{project}/keys/{key}`; `{partition}` as it is."""
        if not match[2]:
            return f"{{{_noted(variables, match[1])}}}"
        return re.sub(r"(\w+)s/\*", lambda part: f"{part[1]}s/{{{_noted(variables, part[1])}}}", match[2])

    template = getattr(rule, verb)
    path = re.sub(r"\{([\w.]+)(?:=([^}]+))?\}", opened, template)
    bound = frozenset(re.findall(r"\{([\w.]+)[=}]", template))
    return Route(verb, path, tuple(variables), bound, rule.body)


def _noted(variables: list[str], name: str) -> str:
    variables.append(name)
    return name


def _operation(contract: Contract, service: str, method: MethodDescriptorProto, route: Route) -> Json:
    permission: access_pb2.Permission = method.options.Extensions[access_pb2.permission]  # type: ignore[index]
    roles = sorted(admin_pb2.Role.Name(role).removeprefix("ROLE_").lower() for role in ROLES[permission])
    callers = f"Roles: {', '.join(roles) or 'none, for whoever has the link may open it'}."
    said = contract.comments[f"{service}.{method.name}"]
    of_json = method.output_type != _FILE
    streamed = "\n\nAnswers with a stream: one JSON object on each line, for as long as the caller listens."
    operation: Json = {
        "operationId": method.name,
        "tags": [service],
        "summary": said.partition(". ")[0].partition("\n")[0].rstrip(".:"),
        "description": f"{said}{streamed if of_json and method.server_streaming else ''}\n\n{callers}",
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[^/]+$"}}
            for name in route.variables
        ],
    }
    for body in _body(contract, method, route):
        operation["requestBody"] = {"required": True, "content": _content(_short(body))}
    if route.body != "*":
        taken = route.bound | {route.body}
        operation["parameters"] += _parameters(contract, method.input_type, taken)
    if permission == access_pb2.PERMISSION_HOLD_LINK:
        operation["security"] = []
    answer: Json = {"description": "The file, under its own name.", "content": {"*/*": {}}}
    if of_json:
        content = _content(_short(method.output_type))
        answer = {"description": contract.comments[method.output_type], "content": content}
    operation["responses"] = {"200": answer, "default": {"$ref": "#/components/responses/Error"}}
    return operation


def _body(contract: Contract, method: MethodDescriptorProto, route: Route) -> list[str]:
    """The message in the body of a request, if there is one: the whole request, or one of its fields."""
    if route.body in ("", "*"):
        return [method.input_type] if route.body else []
    fields = contract.messages[method.input_type].field
    return [each.type_name for each in fields if each.name == route.body]


def _parameters(contract: Contract, name: str, taken: frozenset[str], parent: str = "") -> Iterator[Json]:
    """What a request says in its query: each field, those of messages within it behind a dot."""
    for each in contract.messages[name].field:
        if each.name in taken:
            continue
        inner = each.type_name if each.type_name in contract.messages else ""
        if inner:
            yield from _parameters(contract, inner, frozenset(), f"{parent}{each.json_name}.")
        else:
            schema = _schema(contract, each)
            yield {
                "name": f"{parent}{each.json_name}",
                "in": "query",
                "description": contract.comments[f"{name}.{each.name}"],
                "schema": schema,
            }


def _choices(contract: Contract, method: MethodDescriptorProto, route: Route) -> list[str]:
    """The enums that a request names in its query."""
    if route.body == "*":
        return []
    fields = contract.messages[method.input_type].field
    return [each.type_name for each in fields if each.type_name in contract.enums]


def _schemas(contract: Contract, wanted: list[str]) -> Iterator[tuple[str, Json]]:
    """The schemas of these messages and of all that are in them."""
    seen: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in contract.enums:
            values = [value.name for value in contract.enums[name].value]
            yield _short(name), {"type": "string", "enum": values, "description": contract.comments[name]}
        elif name in contract.messages:
            if not contract.messages[name].options.map_entry:
                yield _short(name), _message(contract, name)
            wanted += [each.type_name for each in contract.messages[name].field if each.type_name]


def _message(contract: Contract, name: str) -> Json:
    message, bound = contract.messages[name], contract.bound.get(name, frozenset())
    fields = [each for each in message.field if each.name not in bound]
    said = [contract.comments[name]]
    for number, oneof in enumerate(message.oneof_decl):
        names = [
            f"`{each.json_name}`" for each in fields
            if each.HasField("oneof_index") and each.oneof_index == number and not each.proto3_optional
        ]  # fmt: skip
        if names:
            said.append(f"At most one of these, its {oneof.name}: {', '.join(names)}.")
    schema: Json = {
        "type": "object",
        "description": "\n\n".join(said),
        "properties": {
            each.json_name: {
                "description": contract.comments[f"{name}.{each.name}"],
                **_schema(contract, each),
                **({"readOnly": True} if _behaves(each, field_behavior_pb2.OUTPUT_ONLY) else {}),
            }
            for each in fields
        },
        "additionalProperties": False,
    }
    required = [each.json_name for each in fields if _behaves(each, field_behavior_pb2.REQUIRED)]
    return schema | ({"required": required} if required else {})


def _schema(contract: Contract, each: FieldDescriptorProto) -> Json:
    entry = contract.messages.get(each.type_name)
    if entry is not None and entry.options.map_entry:
        return {"type": "object", "additionalProperties": _schema(contract, entry.field[1])}
    if each.type_name in _WELL_KNOWN:
        one = _WELL_KNOWN[each.type_name]
    elif each.type_name:
        one = {"$ref": f"#/components/schemas/{_short(each.type_name)}"}
    else:
        one = _SCALARS[each.type]
    return {"type": "array", "items": one} if each.label == FieldDescriptorProto.LABEL_REPEATED else one


def _behaves(each: FieldDescriptorProto, behaviour: int) -> bool:
    return behaviour in each.options.Extensions[field_behavior_pb2.field_behavior]


def _content(schema: str) -> Json:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _tagged(paths: dict[str, Json], name: str) -> bool:
    return any(name in operation["tags"] for verbs in paths.values() for operation in verbs.values())


def _short(name: str) -> str:
    return name.removeprefix(_PREFIX)


def _prose(text: str) -> str:
    """Lines joined to paragraphs."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))
