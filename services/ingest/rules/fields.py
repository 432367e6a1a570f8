"""Actions that put, move and take fields: messages of the contract come in, what they do to a table goes out to `program`. Pure."""

from collections.abc import Callable, Sequence

from services.ingest.rules.expression import Expression
from services.ingest.rules.path import OBJECTS, Fault, Json, Path, removable, writable
from services.ingest.rules.table import Table
from services.ingest.rules.values import value_of
from services.kit.errors import Invalid
from tidemark.v1.rule_pb2 import DropField, RenameField, SetField

Action = Callable[[Table, Sequence[int]], None]


def set_field(message: SetField, at: str, _: bytes) -> Action:
    """Sets a field to a value, or to what an expression gives."""
    path, only_missing = writable(message.field, f"{at}.field"), message.only_missing
    if message.WhichOneof("to") == "expression":
        expression = Expression(message.expression, f"{at}.expression", path.text)

        def compute(table: Table, rows: Sequence[int]) -> None:
            for row, value in expression.values(table, _missing(table, path, rows) if only_missing else rows):
                _put(table, row, path, value)

        return compute
    if not message.HasField("value"):
        raise Invalid(at, "says not to what; write value or expression")
    value = value_of(message.value, f"{at}.value")

    def put(table: Table, rows: Sequence[int]) -> None:
        for row in _missing(table, path, rows) if only_missing else rows:
            _put(table, row, path, value)

    return put


def rename_field(message: RenameField, at: str, _: bytes) -> Action:
    """Moves a field to another name."""
    source, target = removable(message.field, f"{at}.field"), writable(message.to, f"{at}.to")

    def move(table: Table, rows: Sequence[int]) -> None:
        for row, value in zip(rows, table.values(source, rows)):
            there = value is not None
            if not there and source.column in OBJECTS:
                there = source.is_in(table.object(source.column, row))
            if there and source != target:
                try:
                    table.move(row, source, target, value)
                except Fault as fault:
                    table.failed[row] = fault

    return move


def drop_field(message: DropField, at: str, _: bytes) -> Action:
    """Takes a field away."""
    path = removable(message.field, f"{at}.field")

    def take(table: Table, rows: Sequence[int]) -> None:
        for row in rows:
            table.take(row, path)

    return take


def _missing(table: Table, path: Path, rows: Sequence[int]) -> list[int]:
    return [row for row, value in zip(rows, table.values(path, rows)) if value is None]


def _put(table: Table, row: int, path: Path, value: Json) -> None:
    try:
        table.put(row, path, value)
    except Fault as fault:
        table.failed[row] = fault
