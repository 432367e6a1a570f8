"""AlertService through gRPC: rules, previews, incidents and their states, on a real database and answers of query."""

from datetime import UTC, datetime, timedelta

from psycopg import AsyncConnection

from services.admin.service import admin
from services.ingest.erasure.worker import Eraser
from services.insights.alerts.standing import Standing
from services.insights.notify.store import Store as Channels
from services.insights.worker import Keeper
from services.kit.postgres import connect
from services.query.service import query
from tests.conftest import Suite, refusal
from tests.integration.alerting import DEMO, Alerting, alerting, happen
from tests.integration.history import Happened
from tidemark.v1 import alert_pb2 as pb
from tidemark.v1 import insight_pb2
from tidemark.v1 import question_pb2 as q

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULE = f"{DEMO}/alertRules/errors"
ERASURE = """
INSERT INTO erasures (erasure_id, project_id, user_id, user_sha256, requested_by, waits_for)
VALUES ('e0123', 1, %s, '', 'me', '{}')
"""
WEBHOOK = pb.WebhookTarget(url="http://127.0.0.1:9/hook")


def rule(limit: float = 2, **fields) -> pb.AlertRule:
    """More than `limit` errors in a minute."""
    return pb.AlertRule(
        display_name="Errors",
        series=q.SeriesQuestion(
            measures=[q.Measure(name="failed", aggregation=q.AGGREGATION_COUNT)],
            interval=q.Interval(unit=q.Interval.UNIT_MINUTE),
            group_by=fields.pop("group_by", []),
        ),
        threshold=fields.pop("threshold", pb.ThresholdCondition(operator=q.OPERATOR_GREATER, value=limit)),
        **fields,
    )


def failed(*per_minute: int, **properties) -> list[Happened]:
    """So many errors in the minutes from noon on."""
    return [
        Happened(NOON + place * MINUTE + timedelta(seconds=second), "failed", "ann", properties)
        for place, count in enumerate(per_minute)
        for second in range(count)
    ]


async def made(alerts: Alerting, asked: pb.AlertRule, rule_id: str = "errors") -> pb.AlertRule:
    return (await alerts.CreateAlertRule(parent=DEMO, alert_rule_id=rule_id, alert_rule=asked)).alert_rule


async def incidents(alerts: Alerting, *states: int) -> list[pb.Incident]:
    return list((await alerts.ListIncidents(parent=DEMO, states=states)).incidents)


async def test_a_rule_is_made_read_changed_and_deleted(suite: Suite) -> None:
    async with suite(query, admin) as served, alerting(served) as alerts:
        first = await made(alerts, rule(for_buckets=2))
        assert (first.name, first.severity, first.fault) == (RULE, insight_pb2.SEVERITY_HIGH, "")
        assert (await alerts.GetAlertRule(name=RULE)).alert_rule == first
        assert list((await alerts.ListAlertRules(parent=DEMO)).alert_rules) == [first]
        changed = pb.AlertRule()
        changed.CopyFrom(first)
        changed.disabled = True
        second = (await alerts.UpdateAlertRule(alert_rule=changed)).alert_rule
        assert (second.disabled, second.etag) == (True, "2")
        assert (await refusal(alerts.UpdateAlertRule(alert_rule=changed))).reason == "ETAG_MISMATCH"
        await alerts.DeleteAlertRule(name=RULE)
        assert (await refusal(alerts.GetAlertRule(name=RULE))).reason == "ALERT_RULE_NOT_FOUND"


async def test_a_series_that_query_does_not_understand_is_refused_with_its_field(suite: Suite) -> None:
    async with suite(query, admin) as served, alerting(served) as alerts:
        bad = rule(group_by=["nonsense"])
        refused = await refusal(made(alerts, bad))
        assert (refused.code, refused.violations) == ("INVALID_ARGUMENT", ["alert_rule.series.group_by[0]"])
        unknown = rule(channels=[f"{DEMO}/channels/nobody"])
        assert (await refusal(made(alerts, unknown))).violations == ["alert_rule.channels[0]"]


async def test_an_incident_opens_after_enough_buckets_and_ends_by_itself(suite: Suite) -> None:
    async with suite(query, admin) as served, alerting(served) as alerts:
        happen(served, *failed(5, 1, 4, 6, 7, 0, 0, 0))
        await made(alerts, rule(for_buckets=2, clear_buckets=2))
        assert await alerts.look(NOON + 3 * MINUTE + timedelta(seconds=20)) == 1
        assert await incidents(alerts) == []
        await alerts.look_again(NOON + 4 * MINUTE + timedelta(seconds=20))
        [found] = await incidents(alerts)
        assert found.title == "Errors: 6, over the limit of 2"
        assert (found.state, found.value, found.expected) == (pb.Incident.STATE_OPEN, 6, 2)
        assert found.start_time.ToDatetime(UTC) == NOON + 2 * MINUTE
        await alerts.look_again(NOON + 5 * MINUTE + timedelta(seconds=20))
        await alerts.look_again(NOON + 6 * MINUTE + timedelta(seconds=20))
        assert [each.latest_value for each in await incidents(alerts, pb.Incident.STATE_OPEN)] == [7]
        await alerts.look_again(NOON + 7 * MINUTE + timedelta(seconds=20))
        [ended] = await incidents(alerts)
        assert (ended.name, ended.state) == (found.name, pb.Incident.STATE_RESOLVED)
        assert ended.end_time.ToDatetime(UTC) == NOON + 5 * MINUTE


async def test_what_happened_while_nobody_looked_is_found_once(suite: Suite) -> None:
    async with suite(query, admin) as served, alerting(served) as alerts:
        happen(served, *failed(0, 5, 0, 0, 5, 5, 0, 0))
        await made(alerts, rule())
        await alerts.look(NOON + MINUTE + timedelta(seconds=20))
        for _ in range(2):
            await alerts.look_again(NOON + 8 * MINUTE + timedelta(seconds=20))
        spans = {
            (each.start_time.ToDatetime(UTC) - NOON) // MINUTE: each.state for each in await incidents(alerts)
        }
        assert spans == {1: pb.Incident.STATE_RESOLVED, 4: pb.Incident.STATE_RESOLVED}


async def test_a_first_look_that_comes_late_begins_when_the_rule_was_made(suite: Suite) -> None:
    async with suite(query, admin) as served, alerting(served) as alerts:
        happen(served, *failed(5, 0, 5, 0, 0))
        await made(alerts, rule())
        async with served.resources.pool.connection() as connection:
            await connection.execute("UPDATE alert_rules SET updated_at = %s", (NOON + MINUTE,))
        await alerts.look(NOON + 5 * MINUTE + timedelta(seconds=20))
        assert [each.start_time.ToDatetime(UTC) for each in await incidents(alerts)] == [NOON + 2 * MINUTE]


async def test_each_group_has_incidents_of_its_own_and_a_silent_one_is_absent(suite: Suite) -> None:
    async with suite(query, admin) as served, alerting(served) as alerts:
        happen(served, *failed(1, 1, 1, 1, 1, host="a"), *failed(1, 1, host="b"))
        asked = rule(group_by=["properties.host"])
        asked.absence.SetInParent()
        await made(alerts, asked)
        await alerts.look(NOON + 2 * MINUTE + timedelta(seconds=20))
        assert await incidents(alerts) == []
        await alerts.look_again(NOON + 4 * MINUTE + timedelta(seconds=20))
        [found] = await incidents(alerts)
        assert list(found.group) == ["b"]
        assert found.title == "Errors (b): nothing came since 2026-03-02 12:02 UTC"
        # Then nothing comes of anybody, and no line is in the answer.
        await alerts.look_again(NOON + 7 * MINUTE + timedelta(seconds=20))
        assert sorted(list(each.group) for each in await incidents(alerts)) == [["a"], ["b"]]


async def test_an_incident_ended_by_hand_comes_back_only_after_the_series_was_well(suite: Suite) -> None:
    async with suite(query, admin) as served, alerting(served) as alerts:
        happen(served, *failed(5, 5, 5, 0, 5))
        await made(alerts, rule())
        await alerts.look(NOON + MINUTE + timedelta(seconds=20))
        [found] = await incidents(alerts)
        taken = (await alerts.AcknowledgeIncident(name=found.name)).incident
        assert taken.state == pb.Incident.STATE_ACKNOWLEDGED
        assert taken.acknowledged_by.startswith(f"{DEMO}/keys/")
        assert (await alerts.ResolveIncident(name=found.name)).incident.state == pb.Incident.STATE_RESOLVED
        await alerts.look_again(NOON + 3 * MINUTE + timedelta(seconds=20))
        assert len(await incidents(alerts)) == 1
        await alerts.look_again(NOON + 5 * MINUTE + timedelta(seconds=20))
        assert [each.state for each in await incidents(alerts)] == [
            pb.Incident.STATE_OPEN,
            pb.Incident.STATE_RESOLVED,
        ]


async def test_a_snoozed_rule_opens_nothing_and_a_changed_one_begins_anew(suite: Suite) -> None:
    async with suite(query, admin) as served, alerting(served) as alerts:
        happen(served, *failed(5, 5, 5, 5))
        asked = rule()
        asked.snooze_until.FromDatetime(NOON + 2 * MINUTE)
        await made(alerts, asked)
        await alerts.look(NOON + MINUTE + timedelta(seconds=20))
        assert await incidents(alerts) == []
        await alerts.look_again(NOON + 2 * MINUTE + timedelta(seconds=20))
        assert [each.start_time.ToDatetime(UTC) for each in await incidents(alerts)] == [NOON]
        other = rule(limit=100)
        other.name = RULE
        await alerts.UpdateAlertRule(alert_rule=other)
        assert [each.state for each in await incidents(alerts)] == [pb.Incident.STATE_RESOLVED]


async def test_a_preview_says_what_looking_would_have_found(suite: Suite) -> None:
    async with suite(query, admin) as served, alerting(served, "viewer") as alerts:
        happen(served, *failed(0, 5, 7, 0, 0, 5, 0))
        span = q.TimeRange()
        span.start.FromDatetime(NOON)
        span.end.FromDatetime(NOON + 7 * MINUTE)
        seen = await alerts.PreviewAlertRule(parent=DEMO, alert_rule=rule(), time_range=span)
        found = [
            ((each.start_time.ToDatetime(UTC) - NOON) // MINUTE, each.latest_value) for each in seen.incidents
        ]
        assert found == [(1, 7), (5, 5)]
        assert (seen.bucket_count, seen.fault_count, len(seen.bucket_starts)) == (7, 3, 7)
        assert list(seen.evidence[0].marked) == [1, 2, 5]
        assert list(seen.evidence[0].upper) == [2.0] * 7


async def test_a_rule_that_cannot_be_looked_at_says_why(suite: Suite) -> None:
    async with suite(query, admin) as served, alerting(served) as alerts:
        await made(alerts, rule())
        async with served.resources.pool.connection() as connection:
            broken = rule(group_by=["nonsense"]).SerializeToString()
            await connection.execute("UPDATE alert_rules SET definition = %s", (broken,))
        await alerts.look(NOON)
        assert "nonsense" in (await alerts.GetAlertRule(name=RULE)).alert_rule.fault


async def standing(connection: AsyncConnection) -> Standing:
    """Where the groups of the only rule stand."""
    [(state,)] = await (await connection.execute("SELECT state FROM alert_rules")).fetchall()
    return Standing.decode(state)


async def test_an_incident_of_a_person_who_is_erased_goes_and_does_not_come_back(suite: Suite) -> None:
    async with suite(query, admin) as served, alerting(served) as alerts:
        happen(served, *failed(5, 5), Happened(NOON, "failed", "bob"))
        await alerts.CreateChannel(parent=DEMO, channel=pb.Channel(display_name="Hook", webhook=WEBHOOK))
        await made(alerts, rule(group_by=["user_id"]))
        await alerts.look(NOON + 2 * MINUTE + timedelta(seconds=20))
        [found] = await incidents(alerts)
        assert list(found.group) == ["ann"]
        [told] = (await alerts.ListNotifications(parent=DEMO)).notifications
        assert told.state == pb.Notification.STATE_PENDING
        url = served.resources.settings.database_url
        async with await connect(url) as connection:
            before = await standing(connection)
            assert before.places.keys() == {("ann",), ("bob",)}
            await connection.execute(ERASURE, ("ann",))
            while await Eraser(connection, served.resources.redis).step():
                pass
            cursor = await connection.execute("SELECT state FROM erasures")
            assert await cursor.fetchall() == [(3,)]
            bob = ("bob",)
            assert await standing(connection) == Standing(before.until, {bob: before.places[bob]})
        assert await incidents(alerts) == []
        [told] = (await alerts.ListNotifications(parent=DEMO)).notifications
        assert (told.state, list(told.incidents)) == (pb.Notification.STATE_FAILED, [])
        await alerts.look_again(NOON + 3 * MINUTE + timedelta(seconds=20))
        assert await incidents(alerts) == []


async def test_what_has_ended_is_kept_for_long_enough_and_no_longer(suite: Suite) -> None:
    async with suite(query, admin) as served, alerting(served) as alerts:
        happen(served, *failed(5, 0, 5))
        await alerts.CreateChannel(parent=DEMO, channel=pb.Channel(display_name="Hook", webhook=WEBHOOK))
        await made(alerts, rule())
        await alerts.look(NOON + MINUTE + timedelta(seconds=20))
        await alerts.look_again(NOON + 3 * MINUTE + timedelta(seconds=20))
        ended, going_on = sorted(await incidents(alerts), key=lambda each: -each.state)
        resources = served.resources
        kept = Keeper(resources.pool, timedelta(days=400), resources.draining)
        assert not await kept.forget()
        assert len(await incidents(alerts)) == 2
        assert len(await Channels(resources.pool).claim(9, MINUTE)) == 3
        async with resources.pool.connection() as connection:
            await connection.execute("UPDATE incidents SET end_at = end_at - interval '2 years'")
            await connection.execute(
                "UPDATE notifications SET state = 3, created_at = now() - interval '2 years'"
            )
        while await kept.forget():
            pass
        assert await incidents(alerts) == [going_on]
        left = (await alerts.ListNotifications(parent=DEMO)).notifications
        assert {name for each in left for name in each.incidents} == {going_on.name}
        assert [len(each.tries) for each in left] == [1]
        assert ended.name != going_on.name
