"""Writes what opens and ends incidents, each with what people are told of it, in the transaction of whoever has found it out.

Rules come from `store`, insights from `services/insights/watch`; the outbox of `services/insights/notify` goes on from here.
"""

# ruff: noqa: S608  (statements are made of constants of this package; values are always parameters)

import secrets
from typing import Any

import psycopg
from psycopg.rows import class_row

from services.insights.alerts import wording
from services.insights.alerts.evaluation import Change
from services.insights.alerts.record import Look
from services.insights.alerts.rule import Rule
from services.insights.notify.incident import COLUMNS as INCIDENT
from services.insights.notify.incident import IncidentRecord
from services.insights.notify.store import announce
from services.kit.instant import at
from tidemark.v1.alert_pb2 import Incident
from tidemark.v1.insight_pb2 import Insight

_OPEN = """
    INSERT INTO incidents (incident_id, project_id, rule_number, rule_id, insight, labels, title, description, severity,
        start_at, end_at, value, latest_value, expected)
    VALUES (%(incident_id)s, %(project_id)s, %(rule)s, %(rule_id)s, %(insight)s, %(labels)s, %(title)s, %(description)s, %(severity)s,
        %(start_at)s, NULL, %(value)s, %(value)s, %(expected)s)
    ON CONFLICT DO NOTHING
"""
_END_GROUP = """
    UPDATE incidents SET state = 3, end_at = greatest(%(end_at)s, start_at),
        latest_value = CASE WHEN %(latest)s = 'NaN'::float8 THEN latest_value ELSE %(latest)s END
    WHERE rule_number = %(rule)s AND labels = %(labels)s AND end_at IS NULL RETURNING incident_id, severity
"""
_END_RULE = """
    UPDATE incidents SET state = 3, end_at = greatest(now(), start_at)
    WHERE rule_number = %s AND end_at IS NULL RETURNING incident_id, severity
"""
_END_INSIGHT = """
    UPDATE incidents SET state = 3, end_at = greatest(now(), start_at)
    WHERE project_id = %s AND insight = %s AND end_at IS NULL RETURNING incident_id, severity
"""
_OF_INSIGHT = f"""
    SELECT {INCIDENT} FROM incidents JOIN projects USING (project_id) WHERE project_id = %s AND insight = %s
"""
Connection = psycopg.AsyncConnection[Any]


async def open_for_insight(connection: Connection, project_id: int, insight: Insight) -> str:
    """The name of the incident that an insight has opened, now or before, in the caller's transaction.

    People are told of it by all channels of the project that want its severity, once, however often this is called.
    """
    incident_id = _id()
    about = wording.of_insight(insight)
    values = _columns(about) | {
        "incident_id": incident_id,
        "project_id": project_id,
        "rule": None,
        "rule_id": "",
    }
    if (await connection.execute(_OPEN, values)).rowcount:
        await announce(connection, project_id, incident_id, severity=insight.severity)
    cursor = connection.cursor(row_factory=class_row(IncidentRecord))
    await cursor.execute(_OF_INSIGHT, (project_id, insight.name))
    found = await cursor.fetchone()
    assert found is not None, "the insight has opened an incident, now or before"
    return found.name


async def end_for_insight(connection: Connection, project_id: int, insight: str) -> None:
    """Ends the incident of an insight, told by its name, in the caller's transaction; without effect where there is none."""
    ended = await connection.execute(_END_INSIGHT, (project_id, insight))
    for incident_id, severity in await ended.fetchall():
        await announce(connection, project_id, incident_id, severity=severity, resolved=True)


async def open_by_rule(connection: Connection, look: Look, rule: Rule, change: Change) -> None:
    """Opens the incident of a group of a rule, unless one goes on."""
    incident_id, incident = _id(), wording.incident(rule, change)
    values = _columns(incident) | {
        "incident_id": incident_id,
        "project_id": look.project_id,
        "rule": look.rule_number,
        "rule_id": look.rule_id,
    }
    if (await connection.execute(_OPEN, values)).rowcount:
        await announce(
            connection,
            look.project_id,
            incident_id,
            severity=incident.severity,
            channels=rule.channels,
            rule=look.rule_number,
            window=rule.window,
        )


async def end_by_rule(connection: Connection, look: Look, rule: Rule, change: Change) -> None:
    """Ends the incident of a group of a rule, unless somebody has."""
    values = {
        "rule": look.rule_number,
        "labels": list(change.group),
        "end_at": change.at,
        "latest": change.value,
    }
    ended = await connection.execute(_END_GROUP, values)
    for incident_id, severity in await ended.fetchall():
        await announce(
            connection,
            look.project_id,
            incident_id,
            severity=severity,
            resolved=True,
            rule=look.rule_number,
            window=rule.window,
        )


async def end_all(connection: Connection, project_id: int, number: int) -> None:
    """Ends all incidents of a rule that looks at them no more."""
    ended = await connection.execute(_END_RULE, (number,))
    for incident_id, severity in await ended.fetchall():
        await announce(connection, project_id, incident_id, severity=severity, resolved=True, rule=number)


def _columns(incident: Incident) -> dict[str, Any]:
    return {
        "insight": incident.insight,
        "labels": list(incident.group),
        "title": incident.title,
        "description": incident.description,
        "severity": incident.severity,
        "start_at": at(incident.start_time.ToMicroseconds()),
        "value": incident.value,
        "expected": incident.expected,
    }


def _id() -> str:
    """Short enough to be typed off a table, long enough to be the only one."""
    return f"i{secrets.token_hex(8)}"
