"""What there is to tell of an edition: a `Parcel` comes in, the body of a webhook, a mail or a message of a chat goes out to `writer`. Pure."""

import html
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

import orjson
from google.protobuf.json_format import MessageToDict

from services.kit.calendar import Span
from services.reports.delivery.record import File, Parcel
from services.reports.document import Form, Kind
from services.reports.words import Words
from tidemark.v1.edition_pb2 import Edition, Manifest
from tidemark.v1.report_pb2 import ReportFormat

CONTENT_TYPE = "application/cloudevents+json"
MADE, TEST = "dev.tidemark.edition.made", "dev.tidemark.destination.test"
MAX_SUBJECT, MAX_CHAT = 200, 10_000
_TOLD = ("reportVersion", "timeRange", "dataVersion", "watermark", "figures")
"""What a webhook says of the manifest; all of it is read by `GetEdition`."""
_SIZE = Form(Kind.NUMBER, unit="B")


def envelope(parcel: Parcel) -> bytes:
    """A CloudEvent in its JSON form, as docs/reports.md has it."""
    edition = parcel.edition
    event: dict[str, object] = {
        "specversion": "1.0",
        "id": parcel.delivery_id,
        "source": f"/{parcel.project}" if edition is None else f"/{_report(edition)}",
        "type": TEST if edition is None else MADE,
        "time": _rfc3339(parcel.made_at),
        "datacontenttype": "application/json",
    }
    data: dict[str, object] = {
        "project": parcel.project,
        "delivery": f"{parcel.project}/deliveries/{parcel.delivery_id}",
    }
    if edition is not None:
        event["subject"] = edition.name
        told = MessageToDict(edition.manifest, always_print_fields_with_no_presence=True)
        files = [_file(each) | _links(each, parcel) for each in parcel.files]
        data |= {
            "edition": edition.name,
            "report": _report(edition),
            "run": edition.run,
            "displayName": edition.display_name,
            "files": files,
        }
        data |= {name: told[name] for name in _TOLD if name in told}
    return orjson.dumps(event | {"data": data})


def manifest(edition: Edition) -> bytes:
    """The manifest as a file: where it stands, all files stand beside it."""
    told = MessageToDict(edition, always_print_fields_with_no_presence=True)
    return orjson.dumps(told, option=orjson.OPT_INDENT_2)


def mail(
    parcel: Parcel,
    sender: str,
    to: Sequence[str],
    now: datetime,
    attached: Sequence[tuple[File, bytes]] = (),
) -> EmailMessage:
    """The same as a mail, in plain text and as HTML, with files or links to them."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, ", ".join(to), subject(parcel)
    made["Date"] = format_datetime(now)
    made["Message-ID"] = f"<{parcel.delivery_id}@{sender.rpartition('@')[2].rstrip('>') or 'tidemark'}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(_text(parcel))
    made.add_alternative(_html(parcel), subtype="html")
    for file, content in attached:
        kind, _, subtype = file.content_type.partition(";")[0].partition("/")
        made.add_attachment(content, kind, subtype, filename=file.about.file_name)
    return made


def subject(parcel: Parcel) -> str:
    """What it is about, in a line."""
    if parcel.edition is None:
        return "Tidemark: a test"
    text = f"{parcel.edition.display_name}, {_span(parcel.edition.manifest)}"
    return "".join(each if each.isprintable() else " " for each in text)[:MAX_SUBJECT]


def chat(parcel: Parcel) -> bytes:
    """The key figures and links; what chats take for marks of their own are escaped."""
    lines = [_test(parcel)]
    if parcel.edition is not None:
        lines = [subject(parcel), *_figures(parcel.edition.manifest), *_addresses(parcel), _origin(parcel)]
    text = "\n".join(lines)[:MAX_CHAT]
    return orjson.dumps({"text": html.escape(text, quote=False)})


def _text(parcel: Parcel) -> str:
    if parcel.edition is None:
        return f"{_test(parcel)}\n"
    about, figures = parcel.edition.manifest, list(_figures(parcel.edition.manifest))
    parts = [f"{parcel.edition.display_name}\n{_span(about)}", "\n".join(figures), *_notices(parcel)]
    if parcel.links_expire_at is not None:
        parts.append("\n".join(_addresses(parcel)))
    return "\n\n".join(each for each in (*parts, _origin(parcel)) if each) + "\n"


def _html(parcel: Parcel) -> str:
    if parcel.edition is None:
        return f"<p>{html.escape(_test(parcel))}</p>"
    about = parcel.edition.manifest
    rows = "".join(
        f'<tr><td style="padding:2px 16px 2px 0">{html.escape(each.title or each.id)}</td>'
        f'<td style="padding:2px 16px 2px 0;text-align:right"><b>{html.escape(each.value)}</b></td>'
        f'<td style="padding:2px 0;text-align:right">{html.escape(each.change)}</td></tr>'
        for each in about.figures
    )
    parts = [
        f"<h2>{html.escape(parcel.edition.display_name)}</h2>",
        f"<p>{html.escape(_span(about))}</p>",
        f"<table>{rows}</table>" if rows else "",
        *(f"<p>{html.escape(each)}</p>" for each in _notices(parcel)),
    ]
    if parcel.links_expire_at is not None:
        parts += [
            f'<p><a href="{html.escape(each.url)}">{html.escape(each.about.file_name)}</a> '
            f"({html.escape(_size(each, about))})</p>"
            for each in parcel.files
        ]
    return "".join([*parts, f"<p><small>{html.escape(_origin(parcel))}</small></p>"])


def _figures(about: Manifest) -> Iterator[str]:
    for each in about.figures:
        yield f"{each.title or each.id}: {each.value}" + (f" ({each.change})" if each.change else "")


def _notices(parcel: Parcel) -> Iterator[str]:
    assert parcel.edition is not None
    about = parcel.edition.manifest
    words = Words(about.locale, about.time_zone)
    if about.HasField("watermark"):
        yield f"Data are complete up to {words.instant(about.watermark.ToDatetime(UTC))}."
    if parcel.links_expire_at is not None:
        yield f"The links hold until {words.instant(parcel.links_expire_at)}."
    elif parcel.files:
        yield f"Attached: {', '.join(each.about.file_name for each in parcel.files)}."


def _addresses(parcel: Parcel) -> Iterator[str]:
    assert parcel.edition is not None
    for each in parcel.files:
        if each.url:
            yield f"{each.about.file_name} ({_size(each, parcel.edition.manifest)}): {each.url}"


def _origin(parcel: Parcel) -> str:
    assert parcel.edition is not None
    return f"{parcel.edition.name}, brought by Tidemark as {parcel.delivery_id}."


def _test(parcel: Parcel) -> str:
    return f"This is a test of a destination of {parcel.project}. It has arrived."


def _span(about: Manifest) -> str:
    span = Span(about.time_range.start.ToDatetime(UTC), about.time_range.end.ToDatetime(UTC))
    return Words(about.locale, about.time_zone).span(span)


def _size(file: File, about: Manifest) -> str:
    return Words(about.locale, about.time_zone).value(file.about.size_bytes, _SIZE)


def _file(file: File) -> dict[str, object]:
    return {
        "format": ReportFormat.Name(file.about.format),
        "fileName": file.about.file_name,
        "contentType": file.content_type,
        "sizeBytes": file.about.size_bytes,
        "sha256": file.about.sha256,
    }


def _links(file: File, parcel: Parcel) -> dict[str, object]:
    """The path of a link at the edge; the whole address where it is known."""
    found: dict[str, object] = {"path": file.path}
    if file.url:
        found["url"] = file.url
    if parcel.links_expire_at is not None:
        found["expireTime"] = _rfc3339(parcel.links_expire_at)
    return found


def _report(edition: Edition) -> str:
    return edition.name.rpartition("/editions/")[0]


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
