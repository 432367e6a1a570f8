"""Access logs in the common and the combined format: lines come in, an event `request` for each goes out."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from tidemark.load.draft import BadRow, Draft
from tidemark.records import EventType

_LINE = re.compile(
    r"(?P<host>\S+) \S+ (?P<user>.+?) \[(?P<time>[^\]]+)\] "
    r'"(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}) (?P<bytes>\d+|-)'
    r'(?: "(?P<referrer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)")?'
)
_TIME = "%d/%b/%Y:%H:%M:%S %z"


def drafts(lines: Iterable[bytes], source: str) -> Iterator[Draft | BadRow]:
    """An event for each line; the same line at the same place of the same `source` is the same event."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        identity = f"access-log {source} {number} ".encode() + line.rstrip(b"\r\n")
        yield event(line.decode(errors="replace"), identity) or BadRow(
            f"line {number}", "is not in the common or combined log format"
        )


def event(line: str, identity: bytes) -> Draft | None:
    """The event of one line, or None where it has another form. A failure of the server is an ERROR_EVENT."""
    if not (match := _LINE.match(line)):
        return None
    try:
        occurred_at = datetime.strptime(match["time"], _TIME).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    method, _, target = match["request"].partition(" ")
    target, _, protocol = target.rpartition(" ") if " " in target else (target, "", "")
    path, _, query = target.partition("?")
    status = int(match["status"])
    known = {
        "method": method,
        "path": path,
        "query": query,
        "protocol": protocol,
        "status": status,
        "status_class": f"{status // 100}xx",
        "bytes": int(match["bytes"]) if match["bytes"] != "-" else 0,
        "host": match["host"],
        "referrer": match["referrer"],
        "agent": match["agent"],
    }
    return Draft(
        name="request",
        occurred_at=occurred_at,
        identity=identity,
        user_id=(match["host"] if match["user"] == "-" else match["user"])[:200],
        properties={name: value for name, value in known.items() if value not in ("", "-", None)},
        type=EventType.ERROR_EVENT if status >= 500 else EventType.USER_ACTION,
    )
