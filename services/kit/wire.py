"""Tells what is wrong with a request that protobuf cannot or shall not read: bytes come in, the field at fault goes out to `rpc.py`.

Protobuf itself says only that something is wrong somewhere, and reads 8 MiB of empty messages into a hundred times the room.
Pure; a message of countless fields is not read to its end.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as FieldProto
from google.protobuf.descriptor_pb2 import FileDescriptorProto as FileProto
from google.protobuf.message import DecodeError, Message

MAX_DEPTH = 100
"""Messages within messages that protobuf reads."""
MAX_FIELDS = 200_000
"""Fields that are looked at, which takes a third of a second."""
MAX_REPEATED = 10_000
"""Messages that a field may repeat."""
MAX_MESSAGES = 500_000
"""Messages that a request may repeat in all, where those within others are counted."""
_SHOWN = 200
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class Outline:
    """The outline of a request: its messages as bytes, where they are repeated, to be counted before they are made.

    Within those, so many `levels` down, messages that are repeated are counted as well, together.
    """

    def __init__(self, message: Descriptor, levels: int = 0) -> None:
        file = FileProto(name=f"{message.full_name}.outline", syntax="proto3")
        _draw(message, file, ())
        pool = descriptor_pool.DescriptorPool()
        pool.Add(file)
        self._message = message_factory.GetMessageClass(pool.FindMessageTypeByName(_name(message)))
        self._levels = levels
        self._within = dict(_outlines(message, levels - 1, ())) if levels else {}

    def crowd(self, data: bytes) -> tuple[str, str] | None:
        """Path and description of a field that repeats more messages than it may; None for data without one."""
        try:
            if not self._levels:
                return _crowd(self._message.FromString(data), "")
            self._count(data, "", MAX_MESSAGES)
        except DecodeError:
            return None
        except _FoundFault as found:
            path, description = found.args
            return path, description
        return None

    def _count(self, data: bytes, path: str, left: int) -> int:
        """How many of `left` messages remain once those in `data` are counted."""
        for inner, elements in _repeated(self._message.FromString(data), ""):
            here = f"{path}.{inner}" if path else inner
            left -= len(elements)
            if left < 0:
                raise _FoundFault(here, f"is one too many of {MAX_MESSAGES} messages; send less at once")
            if (outline := self._within.get(inner)) is not None:
                for element in elements:
                    left = outline._count(element, here, left)
        return left


def _outlines(
    message: Descriptor, levels: int, above: tuple[Descriptor, ...]
) -> Iterator[tuple[str, Outline]]:
    """By its path, the outline of each message that `message` repeats."""
    for field in message.fields:
        inner = field.message_type
        if inner is None or inner in (*above, message):
            continue
        if field.is_repeated:
            yield field.name, Outline(inner, levels)
        else:
            for path, outline in _outlines(inner, levels, (*above, message)):
                yield f"{field.name}.{path}", outline


def _repeated(outline: Message, path: str) -> Iterator[tuple[str, Sequence[bytes]]]:
    """By its path, what each field repeats."""
    for field, value in outline.ListFields():
        here = f"{path}{field.name}"
        if field.is_repeated:
            yield here, value
        elif field.message_type is not None:
            yield from _repeated(value, f"{here}.")


def _draw(message: Descriptor, file: FileProto, above: tuple[Descriptor, ...]) -> None:
    """Puts the outline of a message into `file`; whatever holds itself is left out."""
    drawn = file.message_type.add(name=_name(message))
    within = (*above, message)
    for field in message.fields:
        inner = field.message_type
        if inner is None or (inner in within and not field.is_repeated):
            continue
        made = drawn.field.add(name=field.name, number=field.number)
        if field.is_repeated:
            made.label, made.type = FieldProto.LABEL_REPEATED, FieldProto.TYPE_BYTES
            continue
        made.label, made.type = FieldProto.LABEL_OPTIONAL, FieldProto.TYPE_MESSAGE
        made.type_name = f".{_name(inner)}"
        if _name(inner) not in [each.name for each in file.message_type]:
            _draw(inner, file, within)


def _name(message: Descriptor) -> str:
    return message.full_name.replace(".", "_")


def _crowd(outline: Message, path: str) -> tuple[str, str] | None:
    for field, value in outline.ListFields():
        here = f"{path}.{field.name}" if path else field.name
        if field.is_repeated:
            if len(value) > MAX_REPEATED:
                return here, f"has {len(value)}; send at most {MAX_REPEATED}"
        elif field.message_type is not None and (found := _crowd(value, here)):
            return found
    return None


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
