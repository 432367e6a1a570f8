"""The contract breaks no caller, says who may call what, and is what the committed stubs were made from."""

import shutil
import subprocess
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)

from services.kit.access import ROLES, permission_of
from tidemark.v1.access_pb2 import PERMISSION_HOLD_LINK, PERMISSION_UNSPECIFIED

ROOT = Path(__file__).parents[2]
BASELINE = ROOT / "protos/baseline.binpb"
BUF = ROOT / ".venv/bin/buf"


def breaks(old: FileDescriptorProto, new: FileDescriptorProto) -> Iterator[str]:
    """What a caller made with `old` would miss in `new`."""
    for kind in ("message_type", "enum_type", "service"):
        yield from _lost(old.package, getattr(old, kind), getattr(new, kind))


def _lost(parent: str, old: object, new: object) -> Iterator[str]:
    now = {each.name: each for each in new}  # type: ignore[attr-defined]
    for each in old:  # type: ignore[attr-defined]
        name = f"{parent}.{each.name}"
        if each.name not in now:
            yield f"{name} is gone"
        else:
            yield from _changed(name, each, now[each.name])


def _changed(name: str, old: object, new: object) -> Iterator[str]:
    match old, new:
        case DescriptorProto(), DescriptorProto():
            now = {field.number: field for field in new.field}
            for field in old.field:
                kept = now.get(field.number)
                if kept is None:
                    yield f"{name}: field {field.number} {field.name} is gone"
                elif (field.name, field.type, field.label, field.type_name) != (
                    kept.name, kept.type, kept.label, kept.type_name,
                ):  # fmt: skip
                    yield f"{name}: field {field.number} {field.name} has changed"
            yield from _lost(name, old.nested_type, new.nested_type)
            yield from _lost(name, old.enum_type, new.enum_type)
        case EnumDescriptorProto(), EnumDescriptorProto():
            values = {value.number: value.name for value in new.value}
            for value in old.value:
                if values.get(value.number) != value.name:
                    yield f"{name}: value {value.number} {value.name} is gone or has changed"
        case ServiceDescriptorProto(), ServiceDescriptorProto():
            methods = {method.name: method for method in new.method}
            for method in old.method:
                if method.name not in methods:
                    yield f"{name}: {method.name} is gone"
                elif _shape(method) != _shape(methods[method.name]):
                    yield f"{name}: {method.name} has changed"


def _shape(method: object) -> tuple[object, ...]:
    parts = ("input_type", "output_type", "client_streaming", "server_streaming")
    return tuple(getattr(method, part) for part in parts)


def baseline() -> dict[str, FileDescriptorProto]:
    files = FileDescriptorSet.FromString(BASELINE.read_bytes()).file
    return {file.name: file for file in files if file.package.startswith("tidemark")}


def contract() -> dict[str, FileDescriptorProto]:
    """The files that the stubs describe."""
    described = {}
    for path in (ROOT / "tidemark/v1").glob("*_pb2.py"):
        file = FileDescriptorProto()
        import_module(f"tidemark.v1.{path.stem}").DESCRIPTOR.CopyToProto(file)
        described[file.name] = file
    return described


def test_no_caller_of_the_last_release_is_broken() -> None:
    now = contract()
    assert [fault for name, old in baseline().items() for fault in breaks(old, now[name])] == []


def _remove_field(file: FileDescriptorProto) -> None:
    del file.message_type[0].field[0]


def _renumber_field(file: FileDescriptorProto) -> None:
    file.message_type[0].field[0].number = 999


def _rename_field(file: FileDescriptorProto) -> None:
    file.message_type[0].field[0].name = "other"


def _retype_field(file: FileDescriptorProto) -> None:
    file.message_type[0].field[0].type = 3


def _repeat_field(file: FileDescriptorProto) -> None:
    file.message_type[0].field[0].label = 3


def _remove_message(file: FileDescriptorProto) -> None:
    del file.message_type[0]


def _rename_value(file: FileDescriptorProto) -> None:
    file.enum_type[0].value[1].name = "OTHER"


def _remove_rpc(file: FileDescriptorProto) -> None:
    del file.service[0].method[0]


def _make_rpc_stream(file: FileDescriptorProto) -> None:
    file.service[0].method[0].server_streaming = True


@pytest.mark.parametrize(
    "change",
    [
        _remove_field,
        _renumber_field,
        _rename_field,
        _retype_field,
        _repeat_field,
        _remove_message,
        _rename_value,
        _remove_rpc,
        _make_rpc_stream,
    ],
)
def test_a_breaking_change_is_found(change: object) -> None:
    old = baseline()["tidemark/v1/admin.proto"]
    new = FileDescriptorProto.FromString(old.SerializeToString())
    change(new)  # type: ignore[operator]
    assert len(list(breaks(old, new))) == 1


def test_an_addition_breaks_nobody() -> None:
    old = baseline()["tidemark/v1/admin.proto"]
    new = FileDescriptorProto.FromString(old.SerializeToString())
    new.message_type[0].field.add(name="more", number=900, type=9, label=1)
    new.message_type.add(name="More")
    new.service[0].method.add(name="DoMore")
    assert list(breaks(old, new)) == []


def test_every_rpc_says_who_may_call_it() -> None:
    for file in contract().values():
        for service in file.service:
            for method in service.method:
                permission = permission_of(f"{file.package}.{service.name}.{method.name}")
                assert permission != PERMISSION_UNSPECIFIED, f"{service.name}.{method.name}"
                assert ROLES[permission] or permission == PERMISSION_HOLD_LINK, (
                    f"{service.name}.{method.name}"
                )


def test_an_rpc_without_a_permission_is_open_to_nobody() -> None:
    assert permission_of("tidemark.v1.AdminService.Unheard") == PERMISSION_UNSPECIFIED
    assert ROLES[PERMISSION_UNSPECIFIED] == frozenset()


def stale(made: Path, committed: Path) -> list[str]:
    """The names of files that differ between two folders of stubs."""
    names = {path.name for folder in (made, committed) for path in folder.glob("*_pb2*.py*")}
    return sorted(name for name in names if _text(made / name) != _text(committed / name))


def _text(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stubs made from the contract as it is now."""
    folder = tmp_path_factory.mktemp("stubs")
    # `setup` is old: what runs this test is set up.
    assert _run("make", "--old-file=setup", "protos", f"OUT={folder}") == ""
    return folder / "tidemark/v1"


@pytest.mark.parametrize("folder", ["tidemark/v1", "services/insights/scaler/keda"])
def test_stubs_are_what_the_contract_makes(made: Path, folder: str) -> None:
    assert stale(made.parents[1] / folder, ROOT / folder) == [], "run `make protos`"


def test_a_stale_stub_is_found(made: Path, tmp_path: Path) -> None:
    for path in made.glob("*_pb2*.py*"):
        (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / "event_pb2.py").write_text("# by hand\n")
    (tmp_path / "query_pb2_grpc.py").unlink()
    (tmp_path / "old_pb2.py").touch()
    assert stale(made, tmp_path) == ["event_pb2.py", "old_pb2.py", "query_pb2_grpc.py"]


def lint(root: Path) -> str:
    """What buf lint says of the contract in a folder."""
    return _run(BUF, "lint", root=root)


def breaking(root: Path) -> str:
    """What buf breaking says of the contract in a folder, beside the baseline."""
    image = root / "now.binpb"
    made = _run(BUF, "build", "--path", "protos/tidemark", "-o", image, root=root)
    return made or _run(BUF, "breaking", image, "--exclude-imports", "--against", BASELINE, root=root)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with a contract to spoil."""
    shutil.copytree(ROOT / "protos", tmp_path / "protos")
    shutil.copy(ROOT / "buf.yaml", tmp_path)
    return tmp_path


def test_buf_finds_no_fault_and_no_breaking_change(copy: Path) -> None:
    assert lint(copy) == ""
    assert breaking(copy) == ""


def test_buf_finds_what_is_spoilt(copy: Path) -> None:
    file = copy / "protos/tidemark/v1/event.proto"
    file.write_text(
        file.read_text().replace(
            "  // Who did it. At most 200 characters.\n  string user_id", "  string userId"
        )
    )
    assert "comment" in lint(copy)
    assert "lower_snake_case" in lint(copy)
    assert 'name from "user_id" to "userId"' in breaking(copy)


def _run(*command: str | Path, root: Path = ROOT) -> str:
    """What a command says; nothing when it succeeds."""
    done = subprocess.run(command, check=False, cwd=root, capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""
