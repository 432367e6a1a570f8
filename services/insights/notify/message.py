"""What there is to tell: incidents come in from `worker`, the body of a webhook or a mail goes out to `writer`. Pure."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

import orjson
from google.protobuf.json_format import MessageToDict

from tidemark.v1 import alert_pb2 as pb
from tidemark.v1.insight_pb2 import Severity

MAX_SUBJECT = 200
_SHOWN = 20
"""Incidents told one by one in a mail; of the rest, how many."""


@dataclass(frozen=True, slots=True)
class Message:
    """What goes out by a channel; the same id in every try."""

    message_id: str
    kind: str
    """`incident.opened`, `incident.resolved` or `channel.test`."""
    project: str
    """`projects/{project}`."""
    created_at: datetime
    incidents: Sequence[pb.Incident] = ()
    answers: Sequence[str] = ()
    """Ids of the messages that this one goes on from."""


def body(message: Message) -> bytes:
    """The body of a webhook, as docs/alerts.md has it: instants and names are those of REST."""
    data: dict[str, object] = {
        "project": message.project,
        "notification": f"{message.project}/notifications/{message.message_id}",
    }
    if message.incidents:
        data["incidents"] = [
            MessageToDict(each, always_print_fields_with_no_presence=True) for each in message.incidents
        ]
    timestamp = message.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return orjson.dumps({"type": message.kind, "timestamp": timestamp, "data": data})


def mail(message: Message, sender: str, to: Sequence[str], now: datetime) -> EmailMessage:
    """The same as a mail, in plain text and as HTML."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, ", ".join(to), subject(message)
    made["Date"] = format_datetime(now)
    made["Message-ID"] = _reference(message.message_id, sender)
    if message.answers:
        references = " ".join(_reference(each, sender) for each in message.answers)
        made["In-Reply-To"] = made["References"] = references
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(_text(message))
    made.add_alternative(_html(message), subtype="html")
    return made


def subject(message: Message) -> str:
    """What it is about, in a line."""
    if not message.incidents:
        return "Tidemark: a test"
    worst = max(message.incidents, key=lambda each: each.severity)
    mark = "Resolved" if message.kind == "incident.resolved" else _word(worst.severity)
    more = len(message.incidents) - 1
    text = f"[{mark}] {worst.title}" + (f" and {more} more" if more else "")
    # Titles hold values of events, and no line may begin in a header.
    return "".join(each if each.isprintable() else " " for each in text)[:MAX_SUBJECT]


def _text(message: Message) -> str:
    if not message.incidents:
        return f"This is a test of a channel of {message.project}. It has arrived.\n"
    parts = [
        f"{each.title}\n{each.description}\n{' · '.join(_facts(each))}" for each in message.incidents[:_SHOWN]
    ]
    return "\n\n".join([*parts, *_rest(message), _origin(message)]) + "\n"


def _html(message: Message) -> str:
    if not message.incidents:
        return f"<p>{html.escape(_text(message).strip())}</p>"
    parts = [
        f"<h3>{html.escape(each.title)}</h3><p>{html.escape(each.description)}</p>"
        f"<p><small>{html.escape(' · '.join(_facts(each)))}</small></p>"
        for each in message.incidents[:_SHOWN]
    ]
    return "".join([*parts, *(f"<p>{html.escape(each)}</p>" for each in (*_rest(message), _origin(message)))])


def _facts(incident: pb.Incident) -> list[str]:
    facts = [_word(incident.severity), f"since {_when(incident.start_time)}"]
    if incident.HasField("end_time"):
        facts.append(f"until {_when(incident.end_time)}")
    return [*facts, incident.name]


def _rest(message: Message) -> list[str]:
    more = len(message.incidents) - _SHOWN
    return [f"and {more} more"] if more > 0 else []


def _origin(message: Message) -> str:
    return f"Told by Tidemark, {message.project}, notification {message.message_id}."


def _word(severity: int) -> str:
    return Severity.Name(severity).removeprefix("SEVERITY_").lower()  # type: ignore[arg-type]


def _when(timestamp: object) -> str:
    return f"{timestamp.ToDatetime():%Y-%m-%d %H:%M} UTC"  # type: ignore[attr-defined]


def _reference(message_id: str, sender: str) -> str:
    return f"<{message_id}@{sender.rpartition('@')[2].rstrip('>') or 'tidemark'}>"
