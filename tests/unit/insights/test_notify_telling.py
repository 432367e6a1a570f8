"""What is sent, how it is signed, where to, and when it is tried again."""

from datetime import UTC, datetime, timedelta
from email import policy
from email.parser import BytesParser

import orjson
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from services.insights.notify import channel, message
from services.insights.notify.message import Message
from services.kit import signature
from services.kit.errors import Invalid
from services.kit.retry import next_try, retry_after
from tidemark.v1 import alert_pb2 as pb
from tidemark.v1 import insight_pb2

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def told(*titles: str, kind: str = "incident.opened", answers: tuple[str, ...] = ()) -> Message:
    incidents = [
        pb.Incident(name=f"projects/demo/incidents/i{place}", title=title, severity=insight_pb2.SEVERITY_HIGH)
        for place, title in enumerate(titles)
    ]
    return Message("n1", kind, "projects/demo", NOON, incidents, answers)


def test_receivers_can_check_a_signature_by_the_secret_they_were_told() -> None:
    secret = signature.secret("", b"s" * 32)
    body = message.body(told("Fällt"))
    headers = signature.headers([secret], "n1", int(datetime.now(UTC).timestamp()), body)
    assert Webhook(signature.shown(secret)).verify(body, headers)["type"] == "incident.opened"


def test_while_a_key_is_replaced_either_secret_checks_a_signature() -> None:
    secrets = [signature.secret(key, b"s" * 32) for key in ("new", "old", "older")]
    body = message.body(told("Fällt"))
    headers = signature.headers(secrets[:2], "n1", int(datetime.now(UTC).timestamp()), body)
    for secret in secrets[:2]:
        assert Webhook(signature.shown(secret)).verify(body, headers)["type"] == "incident.opened"
    with pytest.raises(WebhookVerificationError):
        Webhook(signature.shown(secrets[2])).verify(body, headers)


def test_a_secret_needs_both_the_seed_and_the_key() -> None:
    secrets = {signature.secret(key, seed) for key in ("", "a") for seed in (b"1", b"2")}
    assert len(secrets) == 4
    assert signature.secret("a", b"1") in secrets


def test_the_body_of_a_webhook_is_plain_json_in_the_words_of_rest() -> None:
    body = orjson.loads(message.body(told("Errors: 5")))
    assert (body["type"], body["timestamp"]) == ("incident.opened", "2026-03-02T12:00:00.000000Z")
    assert body["data"]["notification"] == "projects/demo/notifications/n1"
    assert body["data"]["incidents"][0]["severity"] == "SEVERITY_HIGH"
    test = orjson.loads(message.body(Message("n2", "channel.test", "projects/demo", NOON)))
    assert test["data"].keys() == {"project", "notification"}


def test_a_mail_of_many_incidents_tells_some_and_how_many_more() -> None:
    mail = message.mail(told(*(f"T{n}" for n in range(25))), "tm@example.com", ["a@example.com"], NOON)
    parsed = BytesParser(policy=policy.default).parsebytes(bytes(mail))
    assert parsed["Subject"] == "[high] T0 and 24 more"
    assert "and 5 more" in parsed.get_body(("plain",)).get_content()


def test_no_title_can_write_headers_or_html() -> None:
    mail = message.mail(told("a\r\nBcc: x@example.com <i>"), "tm@example.com", ["a@example.com"], NOON)
    assert mail["Bcc"] is None
    assert "<i>" not in mail.get_body(("html",)).get_content()


def test_mails_of_one_incident_make_a_thread() -> None:
    mail = message.mail(
        told("A", kind="incident.resolved", answers=("n0",)), "T <tm@example.com>", ["a@b.de"], NOON
    )
    assert (mail["Message-ID"], mail["References"]) == ("<n1@example.com>", "<n0@example.com>")
    assert mail["Subject"] == "[Resolved] A"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (pb.Channel(), "webhook"),
        (pb.Channel(webhook=pb.WebhookTarget()), "webhook.url"),
        (pb.Channel(email=pb.EmailTarget()), "email.to"),
        (pb.Channel(email=pb.EmailTarget(to=[f"a{n}@b.de" for n in range(21)])), "email.to"),
        (pb.Channel(email=pb.EmailTarget(to=["a@b.de", "a@b.de\r\nBcc: c@d.de"])), "email.to[1]"),
        (pb.Channel(email=pb.EmailTarget(to=["a b@c.de"])), "email.to[0]"),
        (pb.Channel(least_severity=9), "least_severity"),  # type: ignore[arg-type]
        (pb.Channel(display_name="x" * 101), "display_name"),
    ],
)
def test_what_is_wrong_with_a_channel_is_told_by_its_field(given: pb.Channel, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        channel.read(given)
    assert caught.value.field == f"channel.{field}"


def test_tries_get_rarer_and_end_after_a_day() -> None:
    def waits(attempts: int, jitter: float = 0.0) -> timedelta | None:
        at = next_try(NOON, NOON, attempts, jitter)
        return at - NOON if at else None

    assert [waits(each) for each in (1, 2, 3)] == [timedelta(seconds=each) for each in (5, 10, 20)]
    assert waits(1, 1.0) == timedelta(seconds=2.5)
    assert waits(10**6) == timedelta(hours=1)
    assert next_try(NOON, NOON + timedelta(hours=23, minutes=59), 20, 0.0) is None


def test_what_a_receiver_asks_for_is_waited_for() -> None:
    assert retry_after({"retry-after": "120"}, NOON) == timedelta(minutes=2)
    assert retry_after({"retry-after": "Mon, 02 Mar 2026 12:01:00 GMT"}, NOON) == timedelta(minutes=1)
    assert retry_after({"retry-after": "Mon, 02 Mar 2026 11:00:00 GMT"}, NOON) == timedelta(0)
    assert [retry_after({"retry-after": text}, NOON) for text in ("", "soon", "nan", "inf")] == [None] * 4
    assert next_try(NOON, NOON, 1, 0.0, timedelta(minutes=2)) == NOON + timedelta(minutes=2)
    assert next_try(NOON, NOON, 1, 0.0, retry_after({"retry-after": "1e300"}, NOON)) is None
