"""The action that sets a field to what a table holds for another. Pure."""

from collections.abc import Callable, Sequence

from services.ingest.rules.path import Fault, readable, writable
from services.ingest.rules.table import Table
from services.ingest.rules.values import text_of, value_of
from services.kit.errors import Invalid
from tidemark.v1.rule_pb2 import LookUpField

MAX_ROWS = 10_000


def look_up_field(message: LookUpField, at: str, _: bytes) -> Callable[[Table, Sequence[int]], None]:
    """Sets a field to what the table holds for another."""
    source, target = readable(message.field, f"{at}.field"), writable(message.to, f"{at}.to")
    if len(message.table) > MAX_ROWS:
        raise Invalid(f"{at}.table", f"has {len(message.table)} rows; write at most {MAX_ROWS}")
    held = {key: value_of(value, f"{at}.table[{key[:50]!r}]") for key, value in message.table.items()}
    # Absent where the table holds nothing and nothing is said for that case: the field is then left alone.
    rest = (value_of(message.otherwise, f"{at}.otherwise"),) if message.HasField("otherwise") else ()

    def look_up(table: Table, rows: Sequence[int]) -> None:
        for row, value in zip(rows, table.values(source, rows)):
            key = None if value is None or isinstance(value, dict | list) else text_of(value)
            if key in held:
                found = held[key]
            elif rest:
                found = rest[0]
            else:
                continue
            try:
                table.put(row, target, found)
            except Fault as fault:
                table.failed[row] = fault

    return look_up
