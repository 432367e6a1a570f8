"""Writes the documents that repeat the code: `api.md`, `cli.md`, `metrics.md`, `openapi.json` and `settings.md`.

The contract, the parser of the command line, the list of metrics and the dataclass of settings come in; Markdown and JSON go out. `make docs` runs this, and
`tests/unit/test_docs.py` fails while a file differs from what comes out here.
"""

import ast
import inspect
import tempfile
from argparse import ArgumentParser, RawDescriptionHelpFormatter, _SubParsersAction
from collections.abc import Iterator, Sequence
from dataclasses import fields
from importlib.resources import files
from pathlib import Path

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto
from grpc_tools import protoc  # type: ignore[import-untyped]
from prometheus_client.metrics import MetricWrapperBase

from docs.openapi import document
from services.kit import errors, metrics
from services.kit.access import ROLES
from services.kit.settings import Settings
from tidemark import cli
from tidemark.v1 import access_pb2, admin_pb2

ROOT = Path(__file__).parents[1]
_SERVICE, _METHOD = FileDescriptorProto.SERVICE_FIELD_NUMBER, 2
_NOTE = "<!-- Written by `make docs`; change the code instead. -->"


class _Lines(RawDescriptionHelpFormatter):
    """Help of one width, whatever the terminal's."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=110)


def documents() -> dict[Path, str]:
    """Every generated file with its text."""
    made = {
        "api.md": api(),
        "cli.md": command_line(),
        "metrics.md": measurements(),
        "openapi.json": iter([document(_files())]),
        "settings.md": settings(),
    }
    return {ROOT / "docs" / name: "\n".join(lines) + "\n" for name, lines in made.items()}


def settings() -> Iterator[str]:
    """Every field of `Settings`."""
    meanings = dict(_docstrings(Settings))
    yield from ("# Settings", "", _NOTE, "")
    yield "Every target reads these variables once, when it starts; a value that cannot be used ends it with one sentence."
    yield "They are the fields of `services/kit/settings.py`."
    yield from ("", *_table("variable", "default", "meaning"))
    for field in fields(Settings):
        yield _row(f"`TIDEMARK_{field.name.upper()}`", _default(field.default), meanings[field.name])


def measurements() -> Iterator[str]:
    """Every metric that any target exposes."""
    source = inspect.getsource(metrics).splitlines()
    yield from ("# Metrics", "", _NOTE, "")
    yield "Each target serves Prometheus on its metrics port: 9101 ingest, 9102 writer, 9103 query, 9104 gateway, 9105 mirror,"
    yield "9106 insights, 9107 reports."
    yield "Counters end in `_total`, histograms in `_bucket`, `_sum` and `_count`. All of them are declared in"
    yield "`services/kit/metrics.py`. The second paragraph of each says what to do when it moves."
    for node in ast.parse("\n".join(source)).body:
        metric = getattr(metrics, _target(node), None)
        if not isinstance(metric, MetricWrapperBase):
            continue
        above = _comment(source, node.lineno - 1)
        (family,) = metric.describe()
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = ", ".join(f"`{label}`" for label in metric._labelnames)
        yield from ("", f"## `{name}`", "")
        yield f"{family.type.capitalize()}{f' by {labels}' if labels else ''}. {family.documentation}"
        yield from ("", above)


def command_line() -> Iterator[str]:
    """Every command with its options."""
    yield from ("# The command line", "", _NOTE, "")
    yield "`tidemark`, or `python -m tidemark`; both come with the client. Exit codes: 0 all is well, 1 the answer is no, 2 the"
    yield "arguments or the request are wrong."
    for parser in _parsers(cli.parser()):
        yield from ("", f"## `{parser.prog}`", "", "```text", parser.format_help().strip(), "```")


def api() -> Iterator[str]:
    """Every RPC with who may call it, and every error."""
    yield from ("# The API", "", _NOTE, "")
    yield "The contract is `protos/tidemark/v1`; its comments are the reference of every message and field. Each call carries"
    yield "metadata `authorization: Bearer <secret>`; the secret's role says what it may do. Health and reflection alone are open."
    for file in _files():
        comments = {
            tuple(location.path): location.leading_comments for location in file.source_code_info.location
        }
        for number, service in enumerate(file.service):
            yield from ("", f"## {service.name}", "", _prose(comments[_SERVICE, number]))
            yield from ("", *_table("RPC", "HTTP", "permission", "roles"))
            for method in service.method:
                permission = _permission(method)
                roles = ", ".join(sorted(_word(admin_pb2.Role.Name(role)) for role in ROLES[permission]))
                yield _row(
                    _call(method), _route(method), _word(access_pb2.Permission.Name(permission)), roles
                )
            for index, method in enumerate(service.method):
                yield from ("", f"**{method.name}.** {_prose(comments[_SERVICE, number, _METHOD, index])}")
    yield from ("", "## Errors", "")
    yield "Every error is a `google.rpc.Status` with one `ErrorInfo` of domain `tidemark`. Bad input adds `BadRequest` with the"
    yield "field, exhaustion adds `RetryInfo`. The reason may be narrower than the one shown here."
    yield from ("", *_table("status", "reason", "default message"))
    for error in errors.Error.__subclasses__():
        yield _row(error.code.name, error.reason, inspect.getdoc(error) or "")


def _parsers(parser: ArgumentParser) -> Iterator[ArgumentParser]:
    """The parser and those of its commands that take options of their own, with lines of a fixed width."""
    parser.formatter_class = _Lines
    below = [action for action in parser._actions if isinstance(action, _SubParsersAction)]
    if not below or parser.prog == "tidemark":
        yield parser
    for action in below:
        for command in action.choices.values():
            yield from _parsers(command)


def _files() -> Sequence[FileDescriptorProto]:
    """The contract with its comments."""
    protos = sorted(path.relative_to(ROOT / "protos") for path in (ROOT / "protos/tidemark").rglob("*.proto"))
    with tempfile.NamedTemporaryFile() as compiled:
        roots = (ROOT / "protos", ROOT / "protos/third_party", files("grpc_tools") / "_proto")
        options = ["--include_source_info", f"--descriptor_set_out={compiled.name}"]
        if protoc.main(["protoc", *(f"-I{root}" for root in roots), *options, *map(str, protos)]):
            raise SystemExit("the contract does not compile; protoc says above why")
        return FileDescriptorSet.FromString(compiled.read()).file


def _permission(method: MethodDescriptorProto) -> access_pb2.Permission:
    permission: access_pb2.Permission = method.options.Extensions[access_pb2.permission]  # type: ignore[index]
    return permission


def _call(method: MethodDescriptorProto) -> str:
    streams = {(True, True): ", streams both ways", (False, True): ", answers with a stream"}
    return f"`{method.name}`{streams.get((method.client_streaming, method.server_streaming), '')}"


def _route(method: MethodDescriptorProto) -> str:
    rule = method.options.Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    return f"`{verb.upper()} {getattr(rule, verb)}`" if verb else ""


def _docstrings(kind: type) -> Iterator[tuple[str, str]]:
    """The fields of a class and the text below each."""
    (declared,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(declared, ast.ClassDef)
    for node, below in zip(declared.body, declared.body[1:], strict=False):
        if isinstance(node, ast.AnnAssign) and isinstance(below, ast.Expr):
            yield ast.unparse(node.target), str(ast.literal_eval(below.value))


def _comment(source: Sequence[str], line: int) -> str:
    """The comment that ends above a line."""
    first = line
    while source[first - 1].startswith("# "):
        first -= 1
    return _prose("\n".join(text[2:] for text in source[first:line]))


def _target(node: ast.stmt) -> str:
    return ast.unparse(node.targets[0]) if isinstance(node, ast.Assign) else ""


def _default(value: object) -> str:
    if value == "":
        return "empty"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _word(name: str) -> str:
    return name.partition("_")[2].lower()


def _prose(text: str) -> str:
    """Lines joined to paragraphs."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _table(*columns: str) -> tuple[str, str]:
    return _row(*columns), _row(*("---" for _ in columns))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def main() -> None:
    """Writes what has changed."""
    for path, text in documents().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"written: {path.relative_to(ROOT)}")  # noqa: T201 - what a command says


if __name__ == "__main__":
    main()
