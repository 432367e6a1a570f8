"""What people and programs are told of an edition."""

import hashlib
import hmac
import json
from datetime import UTC, datetime

from services.reports.delivery import message, s3
from services.reports.delivery.record import File, Parcel
from tidemark.v1.delivery_pb2 import S3Target
from tidemark.v1.edition_pb2 import Edition, EditionFigure, EditionFile, Manifest
from tidemark.v1.report_pb2 import REPORT_FORMAT_PDF

NOW = datetime(2026, 3, 9, 6, tzinfo=UTC)


def edition(title: str = "Weekly") -> Edition:
    made = Manifest(time_zone="UTC", locale="en", figures=[EditionFigure(id="orders", value="12")])
    made.time_range.start.FromDatetime(datetime(2026, 3, 2, tzinfo=UTC))
    made.time_range.end.FromDatetime(datetime(2026, 3, 9, tzinfo=UTC))
    return Edition(name="projects/demo/reports/weekly/editions/e1", display_name=title, manifest=made)


def parcel(title: str = "Weekly", **fields: object) -> Parcel:
    about = EditionFile(format=REPORT_FORMAT_PDF, file_name="weekly.pdf", size_bytes=1_500_000)
    file = File(about, "application/pdf", "/v1/links/t", "https://tm.example/v1/links/t")
    return Parcel("d1", "projects/demo", NOW, edition(title), [file], **fields)  # type: ignore[arg-type]


def test_a_title_cannot_begin_a_header_a_mark_or_a_tag() -> None:
    hostile = parcel("Weekly\r\nBcc: all@example.com <script> <!channel>")
    mail = message.mail(hostile, "tm@example.com", ["ann@example.com"], NOW)
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("Weekly  Bcc: all@example.com <script>")
    body = mail.get_body(("html",))
    assert body is not None
    assert "<script>" not in body.get_content()
    assert "<!channel>" not in json.loads(message.chat(hostile))["text"]


def test_links_are_told_with_their_end_and_files_with_their_names() -> None:
    linked = message.mail(parcel(links_expire_at=NOW), "tm@example.com", ["ann@example.com"], NOW)
    text = linked.get_body(("plain",))
    assert text is not None
    assert "The links hold until Mar 9, 2026, 06:00." in text.get_content()
    assert "weekly.pdf (1.5 MB): https://tm.example/v1/links/t" in text.get_content()
    attached = message.mail(parcel(), "tm@example.com", ["ann@example.com"], NOW)
    text = attached.get_body(("plain",))
    assert text is not None
    assert "Attached: weekly.pdf." in text.get_content()


def test_a_test_says_that_it_is_one() -> None:
    test = Parcel("d1", "projects/demo", NOW)
    event = json.loads(message.envelope(test))
    assert (event["type"], event["data"]) == (
        "dev.tidemark.destination.test",
        {"project": "projects/demo", "delivery": "projects/demo/deliveries/d1"},
    )
    assert "subject" not in event
    assert "is a test" in json.loads(message.chat(test))["text"]


def test_an_object_is_signed_by_the_fourth_signature() -> None:
    target = S3Target(
        endpoint="https://s3.amazonaws.com", region="us-east-1", bucket="example", access_key_id="AK"
    )
    content = hashlib.sha256(b"a page").hexdigest()
    made = s3.headers(
        target, "a secret", "a folder/ü.txt", sha256=content, size=6, content_type="text/plain", now=NOW
    )
    path = "/example/a%20folder/%C3%BC.txt"
    assert s3.address(target, "a folder/ü.txt") == f"https://s3.amazonaws.com{path}"
    # By hand, as Amazon describes it.
    names = "content-type;host;x-amz-content-sha256;x-amz-date"
    headers = f"content-type:text/plain\nhost:s3.amazonaws.com\nx-amz-content-sha256:{content}\nx-amz-date:20260309T060000Z\n"
    asked = hashlib.sha256(f"PUT\n{path}\n\n{headers}\n{names}\n{content}".encode()).hexdigest()
    scope, key = "20260309/us-east-1/s3/aws4_request", b"AWS4a secret"
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = f"AWS4-HMAC-SHA256\n20260309T060000Z\n{scope}\n{asked}"
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    assert made["Authorization"] == (
        f"AWS4-HMAC-SHA256 Credential=AK/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    assert made["Content-Length"] == "6"
