"""Editions brought to people and programs: by webhooks, mail, chat, into folders and stores, once under one id."""

import asyncio
import hashlib
import json
import ssl
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import UnthreadedController
from moto.server import ThreadedMotoServer
from standardwebhooks import Webhook

from deploy.local.ports import free_port
from services.admin.service import admin
from services.kit import outbox
from tests.conftest import Suite, refusal
from tests.integration.alerting import receiving
from tests.integration.delivering import DEMO, PDF, REPORT_NAME, delivering
from tests.polling import until
from tidemark.v1 import delivery_pb2 as pb
from tidemark.v1.alert_pb2 import EmailTarget, WebhookTarget
from tidemark.v1.schedule_pb2 import Recipient

PENDING, DELIVERED, FAILED = outbox.PENDING, outbox.DELIVERED, outbox.FAILED
HOUR = timedelta(hours=1)


def archive(megabytes: int = 0) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as written:
        written.writestr(zipfile.ZipInfo("growth.csv"), "day,count\n2026-03-02,3\n" + "#" * (megabytes << 20))
    return made.getvalue()


def to(destination: str, lifetime: timedelta | None = None, formats: list[int] | None = None) -> Recipient:
    found = Recipient(destination=f"{DEMO}/destinations/{destination}", formats=formats)
    if lifetime is not None:
        found.link_lifetime.FromTimedelta(lifetime)
    return found


async def test_a_webhook_gets_a_signed_event_with_links(suite: Suite) -> None:
    async with suite(admin) as served, receiving() as receiver:
        async with delivering(served, edge_url="https://tm.example/") as reports:
            made = await reports.destination("hook", webhook=WebhookTarget(url=receiver.url))
            edition = await reports.edition(to("hook", HOUR), csv=archive())
            async with reports.sending():
                [found] = await reports.settled(DELIVERED)
        [(headers, body)] = receiver.seen
        event = Webhook(made.secret).verify(body, headers)
        assert headers["content-type"] == "application/cloudevents+json"
        assert headers["webhook-id"] == event["id"] == found.name.rpartition("/")[2]
        assert (event["specversion"], event["type"], event["source"], event["subject"]) == (
            "1.0",
            "dev.tidemark.edition.made",
            f"/{REPORT_NAME}",
            edition.name,
        )
        data = event["data"]
        assert (data["edition"], data["run"], data["displayName"]) == (edition.name, edition.run, "Weekly")
        assert data["figures"] == [
            {"id": "signups", "title": "Sign-ups <b>", "value": "1.234", "change": "+12 %"}
        ]
        assert data["timeRange"] == {"start": "2026-03-01T23:00:00Z", "end": "2026-03-08T23:00:00Z"}
        pdf, csv = data["files"]
        assert (pdf["format"], pdf["fileName"], csv["contentType"]) == (
            "REPORT_FORMAT_PDF",
            "weekly.pdf",
            "application/zip",
        )
        assert csv["sha256"] == hashlib.sha256(archive()).hexdigest()
        assert pdf["url"] == f"https://tm.example{pdf['path']}"
        expires = datetime.fromisoformat(pdf["expireTime"])
        assert timedelta(minutes=50) < expires - datetime.now(UTC) <= HOUR


async def test_a_receiver_that_fails_is_tried_again_under_one_id_and_replayed_when_asked(
    suite: Suite,
) -> None:
    async with (
        suite(admin) as served,
        delivering(served) as reports,
        receiving(
            500, 302, 204, headers="retry-after: 1800\r\nlocation: http://127.0.0.1:1/\r\n"
        ) as receiver,
    ):
        await reports.destination("hook", webhook=WebhookTarget(url=receiver.url))
        await reports.edition("hook")
        async with reports.sending():
            found = await reports.tried()
            assert (found.state, found.outcome, found.attempts) == (PENDING, "500 Internal Server Error", 1)
            waits = found.next_time.ToDatetime(UTC) - datetime.now(UTC)
            assert timedelta(minutes=29) < waits <= timedelta(minutes=30)
            refused = await refusal(reports.ReplayDelivery(name=found.name))
            assert refused.code == "FAILED_PRECONDITION"
            for attempts in (2, 3):
                await reports.due_now()

                async def again(attempts: int = attempts) -> bool:
                    [seen] = await reports.deliveries()
                    return seen.attempts == attempts and len([t for t in seen.tries if t.outcome]) == attempts

                await until(again)
            [found] = await reports.settled(DELIVERED)
            assert [each.outcome.partition(";")[0] for each in found.tries] == [
                "500 Internal Server Error",
                "302 Found",
                "204 No Content",
            ]
            assert "redirects are not followed" in found.tries[1].outcome
            replayed = (await reports.ReplayDelivery(name=found.name)).delivery
            assert replayed.state == PENDING
            assert not replayed.HasField("deliver_time")
            await reports.settled(DELIVERED)
        assert len(receiver.seen) == 4
        assert len({headers["webhook-id"] for headers, _ in receiver.seen}) == 1


async def test_a_receiver_that_hangs_is_left_and_told_of(suite: Suite) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with suite(admin) as served, delivering(served, patience=0.2) as reports:
        server = await asyncio.start_server(hang, "127.0.0.1", 0)
        async with server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            await reports.destination("hook", webhook=WebhookTarget(url=url))
            await reports.edition("hook")
            async with reports.sending():
                found = await reports.tried()
        assert (found.state, found.outcome) == (PENDING, "127.0.0.1 gave no whole answer within 0.2 s")


async def test_a_receiver_that_is_gone_is_used_no_more_until_a_test_arrives(suite: Suite) -> None:
    async with suite(admin) as served, delivering(served) as reports, receiving(410, 204) as receiver:
        made = await reports.destination("hook", webhook=WebhookTarget(url=receiver.url))
        await reports.edition("hook")
        async with reports.sending():
            await reports.settled(FAILED)

            async def at_fault() -> str:
                return str((await reports.ListDestinations(parent=DEMO)).destinations[0].fault)

            assert await until(at_fault) == "its receiver says 410 Gone"
            await reports.edition("hook")
            found, before = await reports.settled(FAILED, FAILED)
            assert (found.outcome, found.attempts) == ("its receiver says 410 Gone", 0)
            assert (
                "a test that arrives ends that"
                in (await refusal(reports.ReplayDelivery(name=before.name))).message
            )
            tested = await reports.TestDestination(name=made.destination.name)
            assert (tested.delivered, tested.outcome) == (True, "204 No Content")
            event = Webhook(made.secret).verify(receiver.seen[-1][1], receiver.seen[-1][0])
            assert event["type"] == "dev.tidemark.destination.test"
            assert not await at_fault()
            await reports.ReplayDelivery(name=before.name)
            await reports.settled(FAILED, DELIVERED)


async def test_two_replicas_and_one_that_was_killed_bring_it_once(suite: Suite) -> None:
    async with (
        suite(admin) as served,
        delivering(served) as one,
        delivering(served) as other,
        receiving() as receiver,
    ):
        await one.destination("hook", webhook=WebhookTarget(url=receiver.url))
        await one.edition("hook")
        [left] = await one.store.claim(10, timedelta(0))
        # While it lives it keeps others away, however long it takes.
        await one.store.hold(left, HOUR)
        assert await other.store.claim(10, HOUR) == []
        await one.due_now()
        async with one.sending(), other.sending():
            [found] = await one.settled(DELIVERED)
        await one.store.hold(left, HOUR)
        await one.store.settle(left, PENDING, "too late", timedelta(0), datetime.now(UTC))
        [found] = await one.settled(DELIVERED)
        assert (found.attempts, len(found.tries), len(receiver.seen)) == (2, 2, 1)


async def test_what_is_brought_for_a_day_is_given_up_and_so_is_what_waits_for_a_deleted_destination(
    suite: Suite,
) -> None:
    async with suite(admin) as served, delivering(served) as reports, receiving(503) as receiver:
        await reports.destination("hook", webhook=WebhookTarget(url=receiver.url))
        await reports.destination("other", webhook=WebhookTarget(url=receiver.url))
        edition = await reports.edition("hook")
        async with reports.resources.pool.connection() as connection:
            await connection.execute("UPDATE deliveries SET since = now() - INTERVAL '1 day'")
        async with reports.sending():
            await reports.settled(FAILED)
        await reports.edition("other")
        await reports.DeleteDestination(name=f"{DEMO}/destinations/other")
        newest, oldest = await reports.settled(FAILED, FAILED)
        assert newest.outcome == "the destination was deleted"
        assert "create it first" in (await refusal(reports.ReplayDelivery(name=newest.name))).message
        await reports.edition("other")
        assert (await reports.deliveries())[0].outcome == "the destination is not there"
        assert await reports.deliveries(of=edition.name) == [oldest]
        assert await reports.deliveries(of=edition.run) == [oldest]
        assert await reports.deliveries(destination=f"{DEMO}/destinations/hook") == [oldest]
        assert await reports.deliveries(of=REPORT_NAME, states=[DELIVERED]) == []
        first = await reports.ListDeliveries(parent=DEMO, page_size=2)
        rest = await reports.ListDeliveries(parent=DEMO, page_size=2, page_token=first.next_page_token)
        assert (len(first.deliveries), list(rest.deliveries)) == (2, [oldest])


class Mailbox:
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.encrypted: list[bool] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.encrypted.append(session.ssl is not None)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """The folder of a certificate for loopback."""
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run([*command.split(), *names], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


@asynccontextmanager
async def mailing(served: Any, folder: Path, **changes: Any):
    """The target reports and a mail server that speaks only TLS after STARTTLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    mailbox, port = Mailbox(), free_port()
    server = UnthreadedController(
        mailbox,
        "127.0.0.1",
        port,
        loop=asyncio.get_running_loop(),
        tls_context=context,
        require_starttls=True,
    )
    listener = await asyncio.get_running_loop().create_server(server.factory, "127.0.0.1", port)
    smtp = {
        "smtp_host": "127.0.0.1",
        "smtp_port": port,
        "smtp_from": "Tidemark <tm@example.com>",
        "outbound_roots_file": str(folder / "cert.pem"),
    }
    async with listener, delivering(served, **smtp | changes) as reports:
        yield reports, mailbox


async def test_mail_holds_the_figures_and_the_files(suite: Suite, certificate: Path) -> None:
    async with suite(admin) as served, mailing(served, certificate) as (reports, mailbox):
        await reports.destination("ann", email=EmailTarget(to=["ann@example.com", "bo@example.com"]))
        await reports.edition("ann", csv=archive())
        async with reports.sending():
            [found] = await reports.settled(DELIVERED)
    [mail] = mailbox.mails
    assert mailbox.encrypted == [True]
    assert (mail["To"], mail["Subject"]) == ("ann@example.com, bo@example.com", "Weekly, 2.–8. März 2026")
    assert mail["Message-ID"] == f"<{found.name.rpartition('/')[2]}@example.com>"
    text, page = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "Sign-ups <b>: 1.234 (+12 %)" in text
    assert "Attached: weekly.pdf, weekly.zip." in text
    assert "Sign-ups &lt;b&gt;" in page
    attached = {each.get_filename(): each.get_content() for each in mail.iter_attachments()}
    assert attached == {"weekly.pdf": b"%PDF-1.4 a page", "weekly.zip": archive()}


async def test_mail_holds_links_where_they_are_wanted_or_files_are_large(
    suite: Suite, certificate: Path
) -> None:
    async with suite(admin) as served:
        async with mailing(served, certificate, edge_url="https://tm.example") as (reports, mailbox):
            await reports.destination("ann", email=EmailTarget(to=["ann@example.com"]))
            await reports.edition(to("ann", HOUR, [PDF]), csv=archive())
            await reports.edition("ann", csv=archive(megabytes=11))
            async with reports.sending():
                await reports.settled(DELIVERED, DELIVERED)
        by_size = sorted(mailbox.mails, key=lambda each: len(each.get_body(("plain",)).get_content()))
        small, large = (each.get_body(("plain",)).get_content() for each in by_size)
        assert not [part for each in mailbox.mails for part in each.iter_attachments()]
        assert "weekly.zip" not in small
        assert "https://tm.example/v1/links/" in small
        assert "weekly.zip (11.5 MB): https://" in large.replace("11,5", "11.5")
        assert 'href="https://tm.example/v1/links/' in by_size[0].get_body(("html",)).get_content()
        async with mailing(served, certificate) as (reports, mailbox):
            await reports.edition(to("ann", HOUR))
            async with reports.sending():

                async def told() -> str:
                    return (await reports.deliveries())[0].outcome

                assert "TIDEMARK_EDGE_URL" in await until(told)
        assert mailbox.mails == []


async def test_a_chat_gets_figures_and_links_and_its_address_is_never_told(suite: Suite, caplog: Any) -> None:
    async with (
        suite(admin) as served,
        delivering(served, edge_url="https://tm.example", outbound_private=True) as reports,
        receiving(204) as receiver,
    ):
        secret = f"{receiver.url}/T0/secret-part"
        made = await reports.destination("room", chat=pb.ChatTarget(url=secret))
        await reports.edition("room")
        async with reports.sending():
            [found] = await reports.settled(DELIVERED)
            text = json.loads(receiver.seen[0][1])["text"]
            assert "Weekly, 2.–8. März 2026\nSign-ups &lt;b&gt;: 1.234 (+12 %)\nweekly.pdf" in text
            assert "https://tm.example/v1/links/" in text
            receiver.statuses = [403]
            tested = await reports.TestDestination(name=made.destination.name)
        listed = await reports.ListDestinations(parent=DEMO)
        refused = await refusal(reports.destination("bad", chat=pb.ChatTarget(url=f"{secret} x")))
        async with delivering(served, outbound_http=False) as strict:
            never = await strict.TestDestination(name=made.destination.name)
            not_made = await refusal(strict.destination("never", chat=pb.ChatTarget(url=secret)))
        async with delivering(served, webhook_key="another") as other:
            unread = await other.TestDestination(name=made.destination.name)
        async with reports.resources.pool.connection() as connection:
            rows = await (
                await connection.execute(
                    "SELECT d::text FROM destinations d UNION ALL SELECT a::text FROM audit_log a"
                )
            ).fetchall()
    assert (tested.delivered, tested.outcome) == (False, "403 Forbidden")
    assert "TIDEMARK_OUTBOUND_HTTP" in never.outcome
    assert not_made.violations == ["destination.chat.url"]
    assert "TIDEMARK_WEBHOOK_KEY" in unread.outcome
    assert refused.violations == ["destination.chat.url"]
    told = [made, listed, found, never, refused, not_made, caplog.text, *rows]
    assert not [each for each in told if "secret-part" in str(each)]
    assert not [each for each in rows if secret.encode().hex() in each[0]]


async def test_files_come_into_a_folder_and_nowhere_else(suite: Suite, tmp_path: Path) -> None:
    async with suite(admin) as served:
        async with delivering(served, delivery_folder=str(tmp_path)) as reports:
            made = await reports.destination("files", folder=pb.FolderTarget(path="team/a"))
            assert (await reports.TestDestination(name=made.destination.name)).delivered
            edition = await reports.edition("files", csv=archive())
            async with reports.sending():
                [found] = await reports.settled(DELIVERED)
                await reports.ReplayDelivery(name=found.name)
                await reports.settled(DELIVERED)
            for path in ("../out", "/etc", "a//b", "a/..", "a/.hidden", "a\\b"):
                refused = await refusal(reports.destination("out", folder=pb.FolderTarget(path=path)))
                assert refused.violations == ["destination.folder.path"]
        place = tmp_path / "team/a/weekly" / edition.name.rpartition("/")[2]
        assert sorted(path.name for path in place.iterdir()) == ["manifest.json", "weekly.pdf", "weekly.zip"]
        assert (place / "weekly.zip").read_bytes() == archive()
        assert json.loads((place / "manifest.json").read_text())["manifest"]["dataVersion"] == "v1"
        assert (tmp_path / "team/a/tidemark-test.txt").is_file()
        assert found.outcome == f"3 files written to team/a/weekly/{place.name}"
        async with delivering(served) as closed:
            assert (
                "TIDEMARK_DELIVERY_FOLDER"
                in (await refusal(closed.destination("closed", folder=pb.FolderTarget()))).message
            )
            assert (
                "TIDEMARK_DELIVERY_FOLDER"
                in (await closed.TestDestination(name=made.destination.name)).outcome
            )


@pytest.fixture
def bucket() -> Iterator[tuple[str, Any]]:
    """A store like S3 with the bucket `reports`: its address, and a client of it."""
    import boto3

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="eu-central-1",
        aws_access_key_id="AK",
        aws_secret_access_key="secret-part",
    )
    client.create_bucket(Bucket="reports", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    yield f"http://{host}:{port}", client
    client.close()
    server.stop()


async def test_files_come_into_a_store_like_s3(suite: Suite, bucket: tuple[str, Any], caplog: Any) -> None:
    address, client = bucket
    target = pb.S3Target(
        endpoint=f"{address}/", region="eu-central-1", bucket="reports", prefix="team/", access_key_id="AK",
        secret_access_key="secret-part",
    )  # fmt: skip
    async with suite(admin) as served, delivering(served) as reports:
        made = await reports.destination("store", s3=target)
        assert (await reports.TestDestination(name=made.destination.name)).delivered
        edition = await reports.edition("store", csv=archive(megabytes=3))
        async with reports.sending():
            [found] = await reports.settled(DELIVERED)
            await reports.ReplayDelivery(name=found.name)
            await reports.settled(DELIVERED)
        elsewhere = pb.S3Target()
        elsewhere.CopyFrom(target)
        elsewhere.bucket = "missing"
        missing = await reports.destination("missing", s3=elsewhere)
        tested = await reports.TestDestination(name=missing.destination.name)
        async with delivering(served, outbound_private=False) as closed:
            refused = await refusal(closed.destination("private", s3=target))
            private = await closed.TestDestination(name=made.destination.name)
    inside = f"team/weekly/{edition.name.rpartition('/')[2]}"
    keys = [each["Key"] for each in client.list_objects_v2(Bucket="reports")["Contents"]]
    assert keys == [
        "team/tidemark-test.txt",
        f"{inside}/manifest.json",
        f"{inside}/weekly.pdf",
        f"{inside}/weekly.zip",
    ]
    stored = client.get_object(Bucket="reports", Key=f"{inside}/weekly.zip")
    assert (stored["Body"].read(), stored["ContentType"]) == (archive(megabytes=3), "application/zip")
    assert (tested.delivered, tested.outcome) == (False, "tidemark-test.txt: 404 Not Found (NoSuchBucket)")
    assert refused.violations == ["destination.s3.endpoint"]
    assert "private" in private.outcome
    assert found.outcome == f"3 objects put to reports/{inside}/"
    assert "secret-part" not in f"{made}{found}{refused}{caplog.text}"
