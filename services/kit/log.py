"""Logs: one JSON object a line on stderr, with the ids of the call's request and trace, and never a secret."""

import json
import logging
import re
import sys
from datetime import UTC, datetime

from services.kit import tracing
from services.kit.call import current
from services.kit.errors import BadSetting

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
# The secret part of our keys, and passwords in URLs.
_SECRETS = re.compile(r"(?<=\btmk_)([a-z0-9]{1,32})_[A-Za-z0-9_-]{20,}|(?<=://)([^\s:/@]*):[^\s@/]+(?=@)")


def start(target: str, level: str) -> None:
    """Sends every logger's records to stderr from now on."""
    if level.upper() not in _LEVELS:
        raise BadSetting(f"TIDEMARK_LOG_LEVEL is {level!r}; write one of {', '.join(_LEVELS)}")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(target))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


class JsonLines(logging.Formatter):
    """A record as one line of JSON."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self._target = target

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "target": self._target,
            "logger": record.name,
            "message": redacted(record.getMessage()),
        }
        call = current.get(None)
        if call is not None:
            line |= {"request_id": call.request_id, "method": call.method.full_name}
        if trace_id := tracing.trace_id():
            line["trace_id"] = trace_id
        if record.exc_info:
            line["traceback"] = redacted(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def redacted(text: str) -> str:
    """The text without the secrets in it."""
    return _SECRETS.sub(lambda match: f"{match[1] or match[2]}{'_' if match[1] else ':'}***", text)
