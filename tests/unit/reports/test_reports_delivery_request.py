"""What is a destination, and what deliveries are asked for: each fault names its field, and secrets stand beside what is kept."""

import pytest

from services.kit.errors import Invalid
from services.reports.delivery import request
from tidemark.v1 import delivery_pb2 as pb
from tidemark.v1.alert_pb2 import EmailTarget, WebhookTarget

STORE = {
    "endpoint": "https://s3.example.com/",
    "bucket": "reports",
    "access_key_id": "AK",
    "secret_access_key": "secret-part",
}


def stored(**changes: str) -> pb.Destination:
    return pb.Destination(s3=pb.S3Target(**STORE | changes))


@pytest.mark.parametrize(
    ("destination", "field"),
    [
        (pb.Destination(), "webhook"),
        (pb.Destination(display_name="x" * 101, folder=pb.FolderTarget()), "display_name"),
        (pb.Destination(webhook=WebhookTarget()), "webhook.url"),
        (pb.Destination(email=EmailTarget()), "email.to"),
        (pb.Destination(email=EmailTarget(to=["ann"])), "email.to[0]"),
        (pb.Destination(chat=pb.ChatTarget()), "chat.url"),
        (pb.Destination(chat=pb.ChatTarget(url="ftp://x")), "chat.url"),
        (stored(endpoint="s3.example.com"), "s3.endpoint"),
        (stored(endpoint="https://s3.example.com/a?b"), "s3.endpoint"),
        (stored(endpoint="https://ann:pw@s3.example.com"), "s3.endpoint"),
        (stored(region="eu central"), "s3.region"),
        (stored(bucket="../etc"), "s3.bucket"),
        (stored(prefix="a/../b"), "s3.prefix"),
        (stored(prefix="/a"), "s3.prefix"),
        (stored(access_key_id=""), "s3.access_key_id"),
        (stored(secret_access_key=""), "s3.secret_access_key"),
        (stored(secret_access_key="a b"), "s3.secret_access_key"),
        *(
            (pb.Destination(folder=pb.FolderTarget(path=path)), "folder.path")
            for path in ("..", "../out", "/etc", "a/", "a//b", "a/..", "a/.hidden", "a\\b", "a\0", "x" * 201)
        ),
    ],
)
def test_what_is_no_destination_is_refused_by_field(destination: pb.Destination, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        request.destination(destination)
    assert caught.value.field == f"destination.{field}"


def test_secrets_stand_beside_what_is_kept() -> None:
    found, secret = request.destination(stored())
    assert (found.s3.endpoint, found.s3.region, secret) == (
        "https://s3.example.com",
        "us-east-1",
        "secret-part",
    )
    assert b"secret-part" not in found.SerializeToString()
    address = "https://hooks.example.com/services/T0/secret-part"
    found, secret = request.destination(pb.Destination(chat=pb.ChatTarget(url=address)))
    assert (found.WhichOneof("target"), found.chat.url, secret) == ("chat", "", address)


def test_what_is_wrong_with_the_address_of_a_chat_is_told_without_it() -> None:
    with pytest.raises(Invalid) as caught:
        request.destination(pb.Destination(chat=pb.ChatTarget(url="https://hooks.example.com/secret part")))
    assert "secret" not in str(caught.value)


def test_deliveries_are_asked_for_by_report_edition_or_run() -> None:
    report = "projects/demo/reports/weekly"
    assert request.of("", "projects/demo") == ("", "", "")
    assert request.of(report, "projects/demo") == ("weekly", "", "")
    assert request.of(f"{report}/editions/e12", "projects/demo") == ("weekly", "e12", "")
    assert request.of(f"{report}/runs/r12", "projects/demo") == ("weekly", "", "r12")
    for name in ("projects/other/reports/weekly", f"{report}/schedules/s12", "weekly"):
        with pytest.raises(Invalid, match="of: "):
            request.of(name, "projects/demo")
