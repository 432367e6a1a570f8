"""AlertService: each method reads the request (`rule.py`), asks the store, and builds the answer; channels are in `notify`."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.insights.alerts import preview
from services.insights.alerts import rule as read
from services.insights.alerts.evaluation import evaluated, ready, settled
from services.insights.alerts.rule import Rule
from services.insights.alerts.source import asked
from services.insights.alerts.standing import Standing
from services.insights.alerts.store import Store
from services.insights.notify.servicer import LARGEST_PAGE, PAGE, Notify
from services.insights.notify.store import Store as Channels
from services.insights.notify.writer import Writer
from services.insights.source import Query
from services.kit import audit, page, resource
from services.kit.calendar import Span, edges
from services.kit.call import Project
from services.kit.errors import Invalid
from services.kit.identity import caller, named, parent_of
from services.kit.instant import us_of
from services.kit.period import span
from tidemark.v1 import alert_pb2 as pb
from tidemark.v1.question_pb2 import TimeRange

WEEK = timedelta(days=7)


class Alerts(Notify):
    """The RPCs of AlertService."""

    def __init__(self, store: Store, channels: Channels, writer: Writer, query: Query) -> None:
        super().__init__(channels, writer)
        self._store, self._query = store, query

    async def CreateAlertRule(
        self, request: pb.CreateAlertRuleRequest, context: Any
    ) -> pb.CreateAlertRuleResponse:
        """Makes a rule."""
        parent = await parent_of(request.parent)
        rule_id = resource.new_id(request.alert_rule_id, "alert_rule_id") if request.alert_rule_id else ""
        if rule_id:
            audit.note(f"{parent.name}/alertRules/{rule_id}")
        rule, again = read.read(request.alert_rule, parent.name), resource.request_id(request.request_id)
        await self._require_askable(parent, read.compiled(rule))
        made = await self._store.create(parent, rule_id, rule, again)
        audit.note(made.name)
        return pb.CreateAlertRuleResponse(alert_rule=made.message())

    async def GetAlertRule(self, request: pb.GetAlertRuleRequest, context: Any) -> pb.GetAlertRuleResponse:
        """Reads a rule."""
        parent, rule_id = await named(request.name, "alertRules", "name")
        found = await self._store.rule(parent, rule_id)
        return pb.GetAlertRuleResponse(alert_rule=found.message())

    async def ListAlertRules(
        self, request: pb.ListAlertRulesRequest, context: Any
    ) -> pb.ListAlertRulesResponse:
        """Lists rules by id."""
        parent = await parent_of(request.parent)
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        (after,) = page.position(request, str) or ("",)
        rows = await self._store.rules(parent, after, limit + 1)
        return pb.ListAlertRulesResponse(
            alert_rules=[row.message() for row in rows[:limit]],
            next_page_token=page.token(request, rows[limit - 1].rule_id) if len(rows) > limit else "",
        )

    async def UpdateAlertRule(
        self, request: pb.UpdateAlertRuleRequest, context: Any
    ) -> pb.UpdateAlertRuleResponse:
        """Changes a rule, whole."""
        given = request.alert_rule
        parent, rule_id = await named(given.name, "alertRules", "alert_rule.name")
        rule, revision = read.read(given, parent.name), resource.revision(given.etag, "alert_rule.etag")
        await self._require_askable(parent, read.compiled(rule))
        changed = await self._store.update(parent, rule_id, rule, revision)
        return pb.UpdateAlertRuleResponse(alert_rule=changed.message())

    async def DeleteAlertRule(
        self, request: pb.DeleteAlertRuleRequest, context: Any
    ) -> pb.DeleteAlertRuleResponse:
        """Deletes a rule."""
        parent, rule_id = await named(request.name, "alertRules", "name")
        await self._store.delete(parent, rule_id)
        return pb.DeleteAlertRuleResponse()

    async def PreviewAlertRule(
        self, request: pb.PreviewAlertRuleRequest, context: Any
    ) -> pb.PreviewAlertRuleResponse:
        """Tries a rule on the past."""
        parent = await parent_of(request.parent)
        zone, now = ZoneInfo(parent.time_zone), datetime.now(UTC)
        rule = read.compiled(read.read(request.alert_rule, parent.name))
        within = _past(request, rule, zone, now)
        try:
            about, lines, starts = await asked(self._query, parent.name, rule, within, rule.first_past, zone)
        except Invalid as error:
            raise _ours(error) from error
        if rule.kind == "anomaly" and len(lines) * len(starts) > preview.MAX_LEARNT:
            raise Invalid(
                "time_range",
                f"holds {len(lines) * len(starts)} values of {len(lines)} groups; anomalies are looked for in at most "
                f"{preview.MAX_LEARNT} at once, so give a shorter one",
            )
        judged, until = ready(starts, within.start, within.end, settled(about, now))
        found = await asyncio.to_thread(evaluated, rule, Standing(), lines, starts, judged, until)
        return preview.shown(rule, found, starts, judged)

    async def GetIncident(self, request: pb.GetIncidentRequest, context: Any) -> pb.GetIncidentResponse:
        """Reads an incident."""
        parent, incident_id = await named(request.name, "incidents", "name")
        found = await self._store.incident(parent, incident_id)
        return pb.GetIncidentResponse(incident=found.message())

    async def ListIncidents(self, request: pb.ListIncidentsRequest, context: Any) -> pb.ListIncidentsResponse:
        """Lists incidents, newest first."""
        parent = await parent_of(request.parent)
        for i, state in enumerate(request.states):
            if state not in pb.Incident.State.values() or not state:
                raise Invalid(f"states[{i}]", f"is {state}; give one, as in STATE_OPEN")
        rule_id = ""
        if request.alert_rule:
            owner, rule_id = resource.parted(request.alert_rule, "alertRules", "alert_rule")
            if owner != parent.name:
                raise Invalid("alert_rule", f"is {request.alert_rule[:100]!r}, not of {parent.name}")
        limit, after = page.size(request.page_size, PAGE, LARGEST_PAGE), page.newest(request)
        rows = await self._store.incidents(parent, request.states, rule_id, after, limit + 1)
        last = rows[limit - 1] if len(rows) > limit else None
        return pb.ListIncidentsResponse(
            incidents=[row.message() for row in rows[:limit]],
            next_page_token=page.token(request, us_of(last.open_at), last.incident_id) if last else "",
        )

    async def AcknowledgeIncident(
        self, request: pb.AcknowledgeIncidentRequest, context: Any
    ) -> pb.AcknowledgeIncidentResponse:
        """Says that the caller looks after an incident."""
        parent, incident_id = await named(request.name, "incidents", "name")
        found = await self._store.acknowledge(parent, incident_id, caller().name)
        return pb.AcknowledgeIncidentResponse(incident=found.message())

    async def ResolveIncident(
        self, request: pb.ResolveIncidentRequest, context: Any
    ) -> pb.ResolveIncidentResponse:
        """Ends an incident."""
        parent, incident_id = await named(request.name, "incidents", "name")
        found = await self._store.resolve(parent, incident_id)
        return pb.ResolveIncidentResponse(incident=found.message())

    async def _require_askable(self, parent: Project, rule: Rule) -> None:
        """Raises `Invalid` where query does not understand the series; it is asked for the last finished bucket."""
        zone, end = (
            ZoneInfo(parent.time_zone),
            read.finished(datetime.now(UTC), rule.step, ZoneInfo(parent.time_zone)),
        )
        try:
            await asked(
                self._query, parent.name, rule, Span(read.back(end, 1, rule.step, zone), end), 0, zone
            )
        except Invalid as error:
            raise _ours(error) from error


def _past(request: pb.PreviewAlertRuleRequest, rule: Rule, zone: ZoneInfo, now: datetime) -> Span:
    """The span of whole finished buckets that a preview is about."""
    asked = request.time_range if request.HasField("time_range") else TimeRange()
    if not request.HasField("time_range"):
        asked.last.FromTimedelta(WEEK)
    within = span(asked, zone, now, "time_range", 1)
    found = edges(within, rule.step, zone, preview.MAX_BUCKETS + 2)
    if len(found) - 1 > preview.MAX_BUCKETS:
        raise Invalid("time_range", f"holds more than {preview.MAX_BUCKETS} buckets; give a shorter one")
    end = min(found[-1], read.finished(now, rule.step, zone))
    if end <= found[0]:
        raise Invalid("time_range", "holds no finished bucket; give an earlier start")
    return Span(found[0], end)


def _ours(error: Invalid) -> Invalid:
    """What query says of the question, as it is said of the rule."""
    field = error.field.replace("query.series", "alert_rule.series", 1)
    return Invalid(field, error.description, reason=error.reason)
