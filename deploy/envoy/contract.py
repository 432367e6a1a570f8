"""The contract as the edge needs it: which services there are, which of their RPCs stream, and all of it as a descriptor set.

Comes in: the generated modules of `tidemark.v1`. Goes out: descriptors for `filters` and `routes`.
"""

import importlib
import pkgutil
from collections.abc import Iterator

from google.protobuf.descriptor import FileDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.rpc import error_details_pb2, status_pb2

import tidemark.v1


def files() -> list[FileDescriptor]:
    """Every file of the contract."""
    names = sorted(module.name for module in pkgutil.iter_modules(tidemark.v1.__path__))
    return [
        importlib.import_module(f"tidemark.v1.{name}").DESCRIPTOR for name in names if name.endswith("_pb2")
    ]


def services() -> list[ServiceDescriptor]:
    """Every service of the contract."""
    return [service for file in files() for service in file.services_by_name.values()]


def descriptor_set() -> bytes:
    """The contract, what it imports, and the messages of errors; each file behind those that it imports."""
    wanted = [*files(), status_pb2.DESCRIPTOR, error_details_pb2.DESCRIPTOR]
    found: dict[str, FileDescriptor] = {}
    for file in wanted:
        found |= {each.name: each for each in _behind_imports(file)}
    protos = [FileDescriptorProto.FromString(file.serialized_pb) for file in found.values()]
    return FileDescriptorSet(file=protos).SerializeToString()


def _behind_imports(file: FileDescriptor) -> Iterator[FileDescriptor]:
    for imported in file.dependencies:
        yield from _behind_imports(imported)
    yield file
