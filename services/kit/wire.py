"""Tells what is wrong with a message that protobuf cannot read: its bytes come in, the first field at fault goes out to `rpc.py`.

Protobuf itself says only that something is wrong somewhere. Pure; a message of countless fields is not read to its end.
"""

from collections import Counter

from google.protobuf.descriptor import Descriptor, FieldDescriptor

MAX_DEPTH = 100
"""Messages within messages that protobuf reads."""
MAX_FIELDS = 200_000
"""Fields that are looked at, which takes a third of a second."""
_SHOWN = 200
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class _FoundFault(Exception):
    """Ends the walk: the path of the field at fault, and what is wrong with it."""


def fault(data: bytes, message: Descriptor) -> tuple[str, str]:
    """Path, as `batch.events[3].name`, and description of the first fault; of the whole `request` when it cannot be told."""
    try:
        _Walk(data).message(0, len(data), message, "")
    except _FoundFault as found:
        path, description = found.args
        return (path if len(path) <= _SHOWN else path[: _SHOWN - 1] + "…") or "request", description
    return "request", f"is no {message.full_name}"


class _Walk:
    """A way through the bytes of one message, depth first."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = MAX_FIELDS

    def message(self, at: int, end: int, message: Descriptor, path: str, depth: int = 1) -> None:
        """Looks at the fields of the message between `at` and `end`."""
        if depth > MAX_DEPTH:
            raise _FoundFault(path, f"is nested deeper than {MAX_DEPTH} messages; send it flatter")
        seen: Counter[int] = Counter()
        while at < end:
            self._left -= 1
            if self._left < 0:
                raise _FoundFault("", "cannot be read; send valid protobuf")
            tag, at = self._varint(at, end, path)
            number, kind = tag >> 3, tag & 7
            length = 0
            if kind == _VARINT:
                _, at = self._varint(at, end, path)
            elif kind == _BYTES:
                length, at = self._varint(at, end, path)
            elif kind in (_FIXED32, _FIXED64):
                length = 4 if kind == _FIXED32 else 8
            if number == 0 or kind not in (_VARINT, _FIXED64, _BYTES, _FIXED32) or at + length > end:
                raise _FoundFault(path, "cannot be read; send valid protobuf")
            field = message.fields_by_number.get(number)
            if field is not None and kind == _BYTES:
                self._field(at, at + length, field, _path(path, field, seen[number]), depth)
                seen[number] += 1
            at += length

    def _field(self, at: int, end: int, field: FieldDescriptor, path: str, depth: int) -> None:
        if field.message_type is not None:
            self.message(at, end, field.message_type, path, depth + 1)
        elif field.type == FieldDescriptor.TYPE_STRING:
            try:
                self._data[at:end].decode()
            except UnicodeDecodeError as error:
                raise _FoundFault(path, f"is not UTF-8 at byte {error.start}; send text in UTF-8") from None

    def _varint(self, at: int, end: int, path: str) -> tuple[int, int]:
        """The number at `at`, and where it ends."""
        value = shift = 0
        while at < end and shift < 70:
            byte = self._data[at]
            value |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if byte < 0x80:
                return value, at
        raise _FoundFault(path, "cannot be read; send valid protobuf")


def _path(path: str, field: FieldDescriptor, index: int) -> str:
    name = f"{field.name}[{index}]" if field.is_repeated else field.name
    return f"{path}.{name}" if path else name
