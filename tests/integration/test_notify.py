"""What people are told of incidents: once by each channel, by signed webhooks and by mail, through a real outbox."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from aiosmtpd.controller import UnthreadedController
from standardwebhooks import Webhook

from services.admin.service import admin
from services.insights.alerts.store import end_for_insight, open_for_insight
from services.insights.notify.store import Store as Channels
from services.query.service import query
from tests.conftest import Served, Suite, refusal
from tests.integration.alerting import DEMO, Alerting, alerting, happen, receiving
from tests.integration.history import Happened
from tests.polling import until
from tidemark.v1 import alert_pb2 as pb
from tidemark.v1 import insight_pb2
from tidemark.v1 import question_pb2 as q

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SOON = timedelta(seconds=20)
DELIVERED, FAILED, PENDING = (
    pb.Notification.STATE_DELIVERED,
    pb.Notification.STATE_FAILED,
    pb.Notification.STATE_PENDING,
)


async def webhook(
    alerts: Alerting, url: str, channel_id: str = "hook", **fields: Any
) -> pb.CreateChannelResponse:
    channel = pb.Channel(webhook=pb.WebhookTarget(url=url), **fields)
    return await alerts.CreateChannel(parent=DEMO, channel_id=channel_id, channel=channel)


async def watched(alerts: Alerting, *group_by: str, window: int = 0) -> None:
    """A rule against more than 2 failures in a minute."""
    series = q.SeriesQuestion(
        measures=[q.Measure(name="failed", aggregation=q.AGGREGATION_COUNT)],
        interval=q.Interval(unit=q.Interval.UNIT_MINUTE),
        group_by=group_by,
    )
    limit = pb.ThresholdCondition(operator=q.OPERATOR_GREATER, value=2)
    rule = pb.AlertRule(display_name="Errors", series=series, threshold=limit)
    rule.group_window.FromTimedelta(timedelta(seconds=window))
    await alerts.CreateAlertRule(parent=DEMO, alert_rule_id="errors", alert_rule=rule)


def failures(served: Served, *per_minute: int, **properties: Any) -> None:
    happen(served, *(
        Happened(NOON + place * MINUTE + timedelta(seconds=second), "failed", "ann", properties)
        for place, count in enumerate(per_minute)
        for second in range(count)
    ))  # fmt: skip


async def notifications(alerts: Alerting) -> list[pb.Notification]:
    return list((await alerts.ListNotifications(parent=DEMO)).notifications)


async def due_now(alerts: Alerting) -> None:
    async with alerts.resources.pool.connection() as connection:
        await connection.execute("UPDATE notifications SET next_at = now() WHERE state = 1")


@asynccontextmanager
async def sending(alerts: Alerting) -> AsyncIterator[None]:
    """The outbox of one replica at work."""
    task = asyncio.create_task(alerts.outbox.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def settled(alerts: Alerting, *states: int) -> list[pb.Notification]:
    """The notifications once they stand like this, newest first."""

    async def found() -> list[pb.Notification] | None:
        seen = await notifications(alerts)
        return seen if [each.state for each in seen] == list(states) else None

    return await until(found)


async def test_an_incident_is_told_once_when_it_opens_and_once_when_it_ends(suite: Suite) -> None:
    async with suite(query, admin) as served, alerting(served) as alerts, receiving() as receiver:
        failures(served, 5, 5, 0)
        made = await webhook(alerts, receiver.url)
        await watched(alerts)
        await alerts.look(NOON + MINUTE + SOON)
        await alerts.look_again(NOON + 2 * MINUTE + SOON)
        async with sending(alerts):
            [opened] = await settled(alerts, DELIVERED)
            await alerts.look_again(NOON + 3 * MINUTE + SOON)
            ended, again = await settled(alerts, DELIVERED, DELIVERED)
        assert again == opened
        assert (ended.resolved, opened.resolved, opened.attempts, opened.outcome) == (
            True,
            False,
            1,
            "204 No Content",
        )
        [incident] = (await alerts.ListIncidents(parent=DEMO)).incidents
        told = [Webhook(made.secret).verify(body, headers) for headers, body in receiver.seen]
        assert [each["type"] for each in told] == ["incident.opened", "incident.resolved"]
        assert [headers["webhook-id"] for headers, _ in receiver.seen] == [
            each.name.rpartition("/")[2] for each in (opened, ended)
        ]
        assert [each["data"]["incidents"][0]["name"] for each in told] == [incident.name] * 2
        assert told[0]["data"]["incidents"][0]["title"] == "Errors: 5, over the limit of 2"
        assert told[1]["data"]["incidents"][0]["state"] == "STATE_RESOLVED"


async def test_a_receiver_that_fails_is_tried_again_under_the_same_id(suite: Suite) -> None:
    async with suite(query, admin) as served, alerting(served) as alerts:
        failures(served, 5)
        async with receiving(500, 204, headers="retry-after: 3600\r\n") as receiver, sending(alerts):
            await webhook(alerts, receiver.url)
            await watched(alerts)
            await alerts.look(NOON + MINUTE + SOON)

            async def tried() -> pb.Notification | None:
                [found] = await notifications(alerts)
                return found if found.outcome else None

            found = await until(tried)
            assert (found.state, found.outcome) == (PENDING, "500 Internal Server Error")
            waits = found.next_time.ToDatetime(UTC) - datetime.now(UTC)
            assert timedelta(minutes=59) < waits <= timedelta(hours=1)
            await due_now(alerts)
            [found] = await settled(alerts, DELIVERED)
            assert [each.outcome for each in found.tries] == ["500 Internal Server Error", "204 No Content"]
            assert len({headers["webhook-id"] for headers, _ in receiver.seen}) == 1


async def test_what_is_tried_for_a_day_is_given_up(suite: Suite) -> None:
    async with suite(query, admin) as served, alerting(served) as alerts:
        failures(served, 5)
        async with receiving(503) as receiver, sending(alerts):
            await webhook(alerts, receiver.url)
            await watched(alerts)
            await alerts.look(NOON + MINUTE + SOON)
            async with served.resources.pool.connection() as connection:
                await connection.execute(
                    "UPDATE notifications SET created_at = now() - INTERVAL '1 day', next_at = now()"
                )
            [found] = await settled(alerts, FAILED)
            assert not found.HasField("next_time")


async def test_a_receiver_that_is_gone_is_left_alone_until_a_test_arrives(suite: Suite) -> None:
    async with suite(query, admin) as served, alerting(served) as alerts:
        failures(served, 5, 5)
        async with receiving(410, 204) as receiver:
            made = await webhook(alerts, receiver.url)
            await watched(alerts, "properties.host")
            await alerts.look(NOON + MINUTE + SOON)
            async with sending(alerts):
                await settled(alerts, FAILED)

                async def at_fault() -> str:
                    [found] = (await alerts.ListChannels(parent=DEMO)).channels
                    return found.fault

                assert await until(at_fault) == "its receiver says 410 Gone"
            tested = await alerts.TestChannel(name=made.channel.name)
            assert (tested.delivered, tested.outcome) == (True, "204 No Content")
            assert not await at_fault()
            body = Webhook(made.secret).verify(receiver.seen[-1][1], receiver.seen[-1][0])
            assert body["type"] == "channel.test"


async def test_two_replicas_and_one_that_was_killed_tell_once(suite: Suite) -> None:
    async with suite(query, admin) as served, alerting(served) as one, alerting(served) as other:
        failures(served, 5)
        async with receiving() as receiver:
            await webhook(one, receiver.url)
            await watched(one)
            # Both look at the same bucket: the first has lost its lease, the other has taken the rule on.
            [lost] = await one.store.claim(10, timedelta(0))
            [taken] = await other.store.claim(10, timedelta(minutes=1))
            await other.watch.look(taken, NOON + MINUTE + SOON)
            await one.watch.look(lost, NOON + MINUTE + SOON)
            # One has taken the notification on and is killed before it says what came of it.
            channels = Channels(served.resources.pool)
            [left] = await channels.claim(10, timedelta(0))
            async with sending(one), sending(other):
                [found] = await settled(one, DELIVERED)
            await channels.settle(left, PENDING, "too late", timedelta(0), datetime.now(UTC))
            [found] = await settled(one, DELIVERED)
            assert (found.attempts, len(found.tries), len(receiver.seen)) == (2, 2, 1)
            assert len((await one.ListIncidents(parent=DEMO)).incidents) == 1


async def test_groups_that_open_together_are_told_together(suite: Suite) -> None:
    async with suite(query, admin) as served, alerting(served) as alerts, receiving() as receiver:
        failures(served, 5, 5, host="a")
        failures(served, 0, 5, host="b")
        await webhook(alerts, receiver.url)
        await watched(alerts, "properties.host", window=3600)
        await alerts.look(NOON + MINUTE + SOON)
        await alerts.look_again(NOON + 2 * MINUTE + SOON)
        [found] = await notifications(alerts)
        assert len(found.incidents) == 2
        await due_now(alerts)
        async with sending(alerts):
            await settled(alerts, DELIVERED)
        assert len(receiver.seen) == 1


async def test_only_channels_that_want_it_are_told_and_deleted_ones_no_more(suite: Suite) -> None:
    async with suite(query, admin) as served, alerting(served) as alerts, receiving() as receiver:
        failures(served, 5)
        await webhook(alerts, receiver.url, "all")
        await webhook(alerts, receiver.url, "worst", least_severity=insight_pb2.SEVERITY_CRITICAL)
        await watched(alerts)
        await alerts.look(NOON + MINUTE + SOON)
        [found] = await notifications(alerts)
        assert found.channel == f"{DEMO}/channels/all"
        await alerts.DeleteChannel(name=f"{DEMO}/channels/all")
        [found] = await settled(alerts, FAILED)
        assert found.outcome == "the channel was deleted"
        [incident] = (await alerts.ListIncidents(parent=DEMO)).incidents
        await alerts.ResolveIncident(name=incident.name)
        assert len(await notifications(alerts)) == 1


async def test_an_insight_opens_one_incident_however_often_it_is_found(suite: Suite) -> None:
    insight = insight_pb2.Insight(
        name=f"{DEMO}/insights/drop", title="Orders fell", severity=insight_pb2.SEVERITY_CRITICAL
    )
    insight.start_time.FromDatetime(NOON)
    line = insight.evidence.series.add(values=[9, 8, 1], expected=[9, 9, 9], marked=[2])
    assert line.marked == [2]
    async with suite(query, admin) as served, alerting(served) as alerts, receiving() as receiver:
        await webhook(alerts, receiver.url)
        for _ in range(2):
            async with served.resources.pool.connection() as connection:
                name = await open_for_insight(connection, 1, insight)
        found = (await alerts.GetIncident(name=name)).incident
        assert (found.insight, found.value, found.expected) == (insight.name, 1, 9)
        async with served.resources.pool.connection() as connection:
            await end_for_insight(connection, 1, insight.name)
        assert [each.resolved for each in await notifications(alerts)] == [True, False]


async def test_a_webhook_to_a_private_address_is_refused_unless_allowed(suite: Suite) -> None:
    async with (
        suite(query, admin) as served,
        alerting(served, outbound_private=False) as alerts,
        receiving() as receiver,
    ):
        refused = await refusal(webhook(alerts, receiver.url))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", ["channel.webhook.url"])
        assert "private" in refused.message


class Mailbox:
    """Keeps what it is sent, and refuses one address."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("nobody"):
            return "550 no such box"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(envelope.content)
        return "250 taken"


@pytest.fixture
def free_smtp_port() -> int:
    from deploy.local.ports import free_port

    return free_port()


async def test_mail_is_sent_as_text_and_html_and_the_end_answers_the_beginning(
    suite: Suite, free_smtp_port: int
) -> None:
    mailbox = Mailbox()
    server = UnthreadedController(mailbox, "127.0.0.1", free_smtp_port, loop=asyncio.get_running_loop())
    smtp = {
        "smtp_host": "127.0.0.1",
        "smtp_port": free_smtp_port,
        "smtp_tls": "none",
        "smtp_from": "Tidemark <tm@example.com>",
    }
    async with suite(query, admin) as served, alerting(served, **smtp) as alerts:
        listener = await asyncio.get_running_loop().create_server(server.factory, "127.0.0.1", free_smtp_port)
        async with listener:
            failures(served, 5, 0, host="<b>\nX: y")
            to = pb.EmailTarget(to=["ann@example.com", "nobody@example.com"])
            await alerts.CreateChannel(parent=DEMO, channel=pb.Channel(display_name="Ops", email=to))
            await watched(alerts, "properties.host")
            await alerts.look(NOON + MINUTE + SOON)
            async with sending(alerts):
                await settled(alerts, DELIVERED)
                await alerts.look_again(NOON + 2 * MINUTE + SOON)
                _, opened = await settled(alerts, DELIVERED, DELIVERED)
    first, second = (message_from_bytes(each, policy=policy.default) for each in mailbox.mails)
    assert first["Subject"] == "[high] Errors (<b> X: y): 5, over the limit of 2"
    assert second["Subject"].startswith("[Resolved] ")
    assert first["Message-ID"] == f"<{opened.name.rpartition('/')[2]}@example.com>"
    assert second["In-Reply-To"] == first["Message-ID"]
    assert opened.outcome.endswith("but not for nobody@example.com")
    assert "X: y" in first.get_body(("plain",)).get_content()
    assert "&lt;b&gt;" in first.get_body(("html",)).get_content()


async def test_without_a_mail_server_a_test_says_so(suite: Suite) -> None:
    async with suite(query, admin) as served, alerting(served) as alerts:
        channel = pb.Channel(display_name="Ops", email=pb.EmailTarget(to=["ann@example.com"]))
        made = await alerts.CreateChannel(parent=DEMO, channel=channel)
        assert made.secret == ""
        tested = await alerts.TestChannel(name=made.channel.name)
        assert not tested.delivered
        assert "TIDEMARK_SMTP_HOST" in tested.outcome
