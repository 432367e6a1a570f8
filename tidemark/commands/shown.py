"""How commands show messages of the contract: as a table of some of their fields, or whole as JSON lines."""

from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from tidemark.commands.ask import written
from tidemark.plain import instant
from tidemark.terminal.console import Console
from tidemark.terminal.table import table

Columns = Mapping[str, Callable[[Any], object]]
"""The titles of a table, and what stands below each of a message."""
T = TypeVar("T")


def add_format(command: ArgumentParser) -> None:
    """How it is shown."""
    command.add_argument("--format", choices=["table", "json"], default="table")


def show(messages: Sequence[Message], columns: Columns, arguments: Namespace, console: Console) -> None:
    """Messages as a table of `columns`, or as JSON lines."""
    if arguments.format == "json":
        rows = [MessageToDict(message, preserving_proto_field_name=True) for message in messages]
        console.say(*written(rows, "json"))
    elif not messages:
        console.say("none")
    else:
        cells = [[cell(message) for cell in columns.values()] for message in messages]
        console.say(*table(list(columns), cells, console.width))


def told(enumeration: Any, number: int) -> str:
    """The word for a value of an enumeration, without what all of its names begin with."""
    prefix = enumeration.Name(0).removesuffix("UNSPECIFIED")
    word = str(enumeration.Name(number)).removeprefix(prefix).lower()
    return "" if word == "unspecified" else word.replace("_", " ")


def when(message: Timestamp) -> object:
    """An instant for a cell; None where it is unset."""
    return instant(message)


def last_part(name: str) -> str:
    """The id in a name."""
    return name.rpartition("/")[2]


def read(file: str) -> str:
    """The text of a file."""
    return Path(file).read_text(encoding="utf-8")


def joined(texts: Iterable[str]) -> str:
    """Texts in one cell."""
    return ", ".join(texts)


async def first(items: AsyncIterator[T], limit: int) -> list[T]:
    """So many of a listing, and no page more than that takes."""
    found: list[T] = []
    async for item in items:
        if len(found) == limit:
            break
        found.append(item)
    return found
