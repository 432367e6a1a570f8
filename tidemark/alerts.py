"""Alerts: rules that watch series, incidents, and the channels by which people hear of them; reached as `client.alerts`, answered by
`AlertService`.

made = await client.alerts.create_channel("Ops", url="https://hooks.example.com/tidemark")   # made.secret signs; it is told only here
await client.alerts.create("Failed payments", questions.series("payment_failed", interval="minute", by=["properties.country"]),
                           when="> 20", for_buckets=3, severity="critical")
await client.alerts.create("Orders", questions.series("order_placed", interval="hour"), when="down 30%", buckets_ago=168)
async for incident in client.alerts.incidents(states=["open"]):
    await client.alerts.acknowledge(incident.name)

Conditions are spelt `> 20`, `>= 20`, `< 5`, `<= 5`; `change 20%`, `up 20%`, `down 20%`; `unusual`, `unusual up`, `unusual down`; `absent`.
Rules, incidents, channels and notifications are the contract's own messages.
"""

import re
from collections.abc import AsyncIterator, Iterable
from uuid import uuid4

from tidemark.scope import Scope
from tidemark.spelling import Instant, Span, any_range, chosen, duration, timestamp
from tidemark.v1 import alert_pb2 as pb
from tidemark.v1 import alert_pb2_grpc, insight_pb2, question_pb2

SEVERITIES = {
    "low": insight_pb2.SEVERITY_LOW,
    "medium": insight_pb2.SEVERITY_MEDIUM,
    "high": insight_pb2.SEVERITY_HIGH,
    "critical": insight_pb2.SEVERITY_CRITICAL,
}
STATES = {
    "open": pb.Incident.STATE_OPEN,
    "acknowledged": pb.Incident.STATE_ACKNOWLEDGED,
    "resolved": pb.Incident.STATE_RESOLVED,
}
_OPERATORS = {
    ">": question_pb2.OPERATOR_GREATER,
    ">=": question_pb2.OPERATOR_GREATER_OR_EQUAL,
    "<": question_pb2.OPERATOR_LESS,
    "<=": question_pb2.OPERATOR_LESS_OR_EQUAL,
}
_DIRECTIONS = {"": 0, "up": insight_pb2.DIRECTION_UP, "down": insight_pb2.DIRECTION_DOWN}
_LIMIT = re.compile(r"(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)")
_CHANGE = re.compile(r"(change|up|down)\s+(\d+(?:\.\d+)?)\s*%")
_UNUSUAL = re.compile(r"unusual(?:\s+(up|down))?")

Question = question_pb2.Query | question_pb2.SeriesQuestion


class Alerts(Scope):
    """The alerts of the client's project; needs a key of role analyst or admin to change rules and incidents, of role admin to change
    channels. What has a name is told by its id or its name.
    """

    _service = alert_pb2_grpc.AlertServiceStub

    async def create(
        self,
        display_name: str,
        series: Question,
        when: str,
        *,
        for_buckets: int = 0,
        clear_buckets: int = 0,
        severity: str = "high",
        channels: Iterable[str] = (),
        group_window: Span | None = None,
        buckets_ago: int = 0,
        least: float = 0.0,
        false_alarm_rate: float = 0.0,
        rule_id: str = "",
    ) -> pb.AlertRule:
        """Makes a rule: `when` is the condition of a bucket at fault.

        A change is compared with the value `buckets_ago`, and counts where one of both is `least` or more. What is unusual is so by
        chance in one of 1 / `false_alarm_rate` buckets.
        """
        rule = rule_of(
            display_name,
            series,
            when,
            buckets_ago=buckets_ago,
            least=least,
            false_alarm_rate=false_alarm_rate,
        )
        rule.for_buckets, rule.clear_buckets = for_buckets, clear_buckets
        rule.severity = chosen("severity", severity, SEVERITIES)  # type: ignore[assignment]
        for channel in channels:
            rule.channels.append(await self._named("channels", channel))
        if group_window is not None:
            rule.group_window.CopyFrom(duration(group_window))
        request = pb.CreateAlertRuleRequest(
            parent=await self._parent(), alert_rule_id=rule_id, alert_rule=rule, request_id=str(uuid4())
        )
        return (await self._ask(self._stub.CreateAlertRule, request)).alert_rule  # type: ignore[no-any-return]

    async def get(self, rule: str) -> pb.AlertRule:
        """Reads a rule."""
        request = pb.GetAlertRuleRequest(name=await self._named("alertRules", rule))
        return (await self._ask(self._stub.GetAlertRule, request)).alert_rule  # type: ignore[no-any-return]

    async def all(self) -> AsyncIterator[pb.AlertRule]:
        """The rules of the project, by name."""
        request = pb.ListAlertRulesRequest(parent=await self._parent())
        async for page in self._pages(self._stub.ListAlertRules, request):
            for rule in page.alert_rules:
                yield rule

    async def update(self, rule: pb.AlertRule) -> pb.AlertRule:
        """Changes a rule that was read, whole; fails where somebody else has changed it since, unless its etag is taken out."""
        request = pb.UpdateAlertRuleRequest(alert_rule=rule)
        return (await self._ask(self._stub.UpdateAlertRule, request)).alert_rule  # type: ignore[no-any-return]

    async def snooze(self, rule: str, until: Instant | None) -> pb.AlertRule:
        """Lets a rule open no incident until then; None ends that."""
        found = await self.get(rule)
        found.ClearField("snooze_until")
        if until is not None:
            found.snooze_until.CopyFrom(timestamp(until))
        return await self.update(found)

    async def delete(self, rule: str) -> None:
        """Deletes a rule; its incidents end."""
        request = pb.DeleteAlertRuleRequest(name=await self._named("alertRules", rule))
        await self._ask(self._stub.DeleteAlertRule, request)

    async def preview(
        self,
        rule: pb.AlertRule,
        *,
        last: Span | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        during: str | None = None,
    ) -> pb.PreviewAlertRuleResponse:
        """What a rule would have done in the past, the last 7 days if nothing is given; `rule_of` makes one to try."""
        request = pb.PreviewAlertRuleRequest(parent=await self._parent(), alert_rule=rule)
        if asked := any_range(last, start, end, during):
            request.time_range.CopyFrom(asked)
        return await self._ask(self._stub.PreviewAlertRule, request)  # type: ignore[no-any-return]

    async def incidents(self, *, states: Iterable[str] = (), rule: str = "") -> AsyncIterator[pb.Incident]:
        """Incidents, newest first: those `open`, `acknowledged` or `resolved`, of one rule."""
        request = pb.ListIncidentsRequest(
            parent=await self._parent(),
            states=[chosen("states", state, STATES) for state in states],  # type: ignore[misc]
            alert_rule=await self._named("alertRules", rule) if rule else "",
        )
        async for page in self._pages(self._stub.ListIncidents, request):
            for incident in page.incidents:
                yield incident

    async def incident(self, incident: str) -> pb.Incident:
        """Reads an incident."""
        request = pb.GetIncidentRequest(name=await self._named("incidents", incident))
        return (await self._ask(self._stub.GetIncident, request)).incident  # type: ignore[no-any-return]

    async def acknowledge(self, incident: str) -> pb.Incident:
        """Says that the holder of the client's key looks after an incident."""
        request = pb.AcknowledgeIncidentRequest(name=await self._named("incidents", incident))
        return (await self._ask(self._stub.AcknowledgeIncident, request)).incident  # type: ignore[no-any-return]

    async def resolve(self, incident: str) -> pb.Incident:
        """Ends an incident."""
        request = pb.ResolveIncidentRequest(name=await self._named("incidents", incident))
        return (await self._ask(self._stub.ResolveIncident, request)).incident  # type: ignore[no-any-return]

    async def create_channel(
        self,
        display_name: str,
        *,
        url: str = "",
        email: Iterable[str] = (),
        least_severity: str = "low",
        channel_id: str = "",
    ) -> pb.CreateChannelResponse:
        """Makes a channel to a web server or to mail boxes; the answer holds the secret that signs webhooks, told only here."""
        addresses = [email] if isinstance(email, str) else list(email)
        if bool(url) == bool(addresses):
            raise ValueError("url: give it, or email")
        channel = pb.Channel(
            display_name=display_name,
            least_severity=chosen("least_severity", least_severity, SEVERITIES),  # type: ignore[arg-type]
            webhook=pb.WebhookTarget(url=url) if url else None,
            email=pb.EmailTarget(to=addresses) if addresses else None,
        )
        request = pb.CreateChannelRequest(parent=await self._parent(), channel_id=channel_id, channel=channel)
        return await self._ask(self._stub.CreateChannel, request)  # type: ignore[no-any-return]

    async def channels(self) -> list[pb.Channel]:
        """The channels of the project, by name."""
        request = pb.ListChannelsRequest(parent=await self._parent())
        return list((await self._ask(self._stub.ListChannels, request)).channels)

    async def test_channel(self, channel: str) -> pb.TestChannelResponse:
        """Sends a test by a channel, and tells what came of it."""
        request = pb.TestChannelRequest(name=await self._named("channels", channel))
        return await self._ask(self._stub.TestChannel, request)  # type: ignore[no-any-return]

    async def delete_channel(self, channel: str) -> None:
        """Deletes a channel; what it has not delivered is given up."""
        request = pb.DeleteChannelRequest(name=await self._named("channels", channel))
        await self._ask(self._stub.DeleteChannel, request)

    async def notifications(self, *, incident: str = "") -> AsyncIterator[pb.Notification]:
        """Notifications, newest first, with every try; those of one incident."""
        request = pb.ListNotificationsRequest(
            parent=await self._parent(),
            incident=await self._named("incidents", incident) if incident else "",
        )
        async for page in self._pages(self._stub.ListNotifications, request):
            for notification in page.notifications:
                yield notification


def rule_of(
    display_name: str,
    series: Question,
    when: str,
    *,
    buckets_ago: int = 0,
    least: float = 0.0,
    false_alarm_rate: float = 0.0,
) -> pb.AlertRule:
    """A rule out of a question of series and a condition, to be tried or made."""
    asked = series.series if isinstance(series, question_pb2.Query) else series
    rule = pb.AlertRule(display_name=display_name, series=asked)
    text = when.strip()
    if match := _LIMIT.fullmatch(text):
        rule.threshold.operator, rule.threshold.value = _OPERATORS[match[1]], float(match[2])
    elif match := _CHANGE.fullmatch(text):
        direction = _DIRECTIONS["" if match[1] == "change" else match[1]]
        rule.change.share, rule.change.direction = float(match[2]) / 100, direction  # type: ignore[assignment]
        rule.change.buckets_ago, rule.change.least = buckets_ago, least
    elif match := _UNUSUAL.fullmatch(text):
        rule.anomaly.direction = _DIRECTIONS[match[1] or ""]  # type: ignore[assignment]
        rule.anomaly.false_alarm_rate = false_alarm_rate
    elif text == "absent":
        rule.absence.SetInParent()
    else:
        raise ValueError(
            f"when: {when!r} is no condition; write as in '> 20', 'change 20%', 'up 20%', 'down 20%', 'unusual' or 'absent'"
        )
    return rule
