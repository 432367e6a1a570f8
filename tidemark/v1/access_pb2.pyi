from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class Permission(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PERMISSION_UNSPECIFIED: _ClassVar[Permission]
    PERMISSION_WRITE: _ClassVar[Permission]
    PERMISSION_READ: _ClassVar[Permission]
    PERMISSION_AUTHOR: _ClassVar[Permission]
    PERMISSION_ADMINISTER: _ClassVar[Permission]
    PERMISSION_OPERATE: _ClassVar[Permission]
    PERMISSION_HOLD_LINK: _ClassVar[Permission]
PERMISSION_UNSPECIFIED: Permission
PERMISSION_WRITE: Permission
PERMISSION_READ: Permission
PERMISSION_AUTHOR: Permission
PERMISSION_ADMINISTER: Permission
PERMISSION_OPERATE: Permission
PERMISSION_HOLD_LINK: Permission
PERMISSION_FIELD_NUMBER: _ClassVar[int]
permission: _descriptor.FieldDescriptor
