"""Alert rules and incidents in the database: what is asked and changed by people, and what `worker` takes on and has found."""

# ruff: noqa: S608  (statements are made of constants of this package; values are always parameters)

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row

from services.insights.alerts.evaluation import Evaluation
from services.insights.alerts.record import Look, RuleRecord
from services.insights.alerts.rule import compiled
from services.insights.alerts.writer import (
    end_all,
    end_by_rule,
    end_for_insight,
    open_by_rule,
    open_for_insight,
)
from services.insights.notify.incident import COLUMNS as INCIDENT
from services.insights.notify.incident import IncidentRecord
from services.insights.notify.store import announce, existing
from services.kit.call import Project
from services.kit.errors import AlreadyExists, Conflict, Exhausted, Invalid, NotFound
from services.kit.repetition import remember
from services.kit.resource import made_id
from services.kit.service import Pool
from tidemark.v1.alert_pb2 import AlertRule

MAX_RULES = 200
__all__ = ["MAX_RULES", "Store", "end_for_insight", "open_for_insight"]

_RULE = "slug AS project, rule_id, definition, alert_rules.revision, alert_rules.created_at, alert_rules.updated_at, evaluated_at, fault"
_READ = f"""
    SELECT {_RULE} FROM alert_rules JOIN projects USING (project_id)
    WHERE project_id = %(project_id)s AND rule_id = %(rule_id)s
"""
_LIST = f"""
    SELECT {_RULE} FROM alert_rules JOIN projects USING (project_id)
    WHERE project_id = %(project_id)s AND rule_id > %(after)s ORDER BY rule_id LIMIT %(limit)s
"""
_LOCK = "SELECT FROM projects WHERE project_id = %s FOR NO KEY UPDATE"
_TAKEN = "SELECT rule_id FROM alert_rules WHERE project_id = %s"
_INSERT = """
    INSERT INTO alert_rules (project_id, rule_id, definition, disabled)
    VALUES (%(project_id)s, %(rule_id)s, %(definition)s, %(disabled)s)
"""
_HELD = """
    SELECT rule_number, definition, revision FROM alert_rules WHERE project_id = %(project_id)s AND rule_id = %(rule_id)s FOR UPDATE
"""
# A look under way notices by the revision that it was at another rule.
_UPDATE = """
    UPDATE alert_rules SET definition = %(definition)s, disabled = %(disabled)s, revision = revision + 1, updated_at = now(),
        state = CASE WHEN %(anew)s THEN '' ELSE state END, fault = '', due_at = now()
    WHERE rule_number = %(rule)s
"""
_DELETE = "DELETE FROM alert_rules WHERE rule_number = %s"

_CLAIM = """
    WITH due AS (
        SELECT rule_number, due_at FROM alert_rules WHERE due_at <= now() AND NOT disabled
        ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE alert_rules SET claims = claims + 1, due_at = now() + %(lease)s FROM due
        WHERE alert_rules.rule_number = due.rule_number RETURNING alert_rules.*, due.due_at AS was_due_at
    )
    SELECT rule_number, project_id, 'projects/' || slug AS project, time_zone, rule_id, definition, claimed.revision, claims, state, claimed.updated_at,
        extract(epoch FROM now() - was_due_at)::float8 AS waited,
        ARRAY(SELECT to_json(labels) FROM incidents WHERE incidents.rule_number = claimed.rule_number AND end_at IS NULL) AS going_on
    FROM claimed JOIN projects USING (project_id)
"""
_MINE = "SELECT FROM alert_rules WHERE rule_number = %s AND claims = %s AND revision = %s AND NOT disabled FOR UPDATE"
_LOOKED = """
    UPDATE alert_rules SET state = %(state)s, due_at = %(due_at)s, evaluated_at = now(), fault = '' WHERE rule_number = %(rule)s
"""
_FAULTY = """
    UPDATE alert_rules SET due_at = %(due_at)s, fault = %(fault)s,
        evaluated_at = CASE WHEN %(looked)s THEN now() ELSE evaluated_at END
    WHERE rule_number = %(rule)s AND claims = %(claims)s AND revision = %(revision)s
"""

_LATEST = """
    UPDATE incidents SET latest_value = %s WHERE rule_number = %s AND labels = %s AND end_at IS NULL
"""
_INCIDENT = f"""
    SELECT {INCIDENT} FROM incidents JOIN projects USING (project_id)
    WHERE project_id = %(project_id)s AND incident_id = %(incident_id)s
"""
_INCIDENTS = f"""
    SELECT {INCIDENT} FROM incidents JOIN projects USING (project_id)
    WHERE project_id = %(project_id)s
      AND (%(states)s::smallint[] = '{{}}' OR state = ANY (%(states)s))
      AND (%(rule_id)s = '' OR rule_id = %(rule_id)s)
      AND (%(at)s::timestamptz IS NULL OR (open_at, incident_id) < (%(at)s, %(id)s))
    ORDER BY open_at DESC, incident_id DESC LIMIT %(limit)s
"""
_ACKNOWLEDGE = """
    UPDATE incidents SET state = 2, acknowledged_by = %(who)s, acknowledged_at = now()
    WHERE project_id = %(project_id)s AND incident_id = %(incident_id)s AND state = 1
"""
_RESOLVE = """
    UPDATE incidents SET state = 3, end_at = greatest(now(), start_at)
    WHERE project_id = %(project_id)s AND incident_id = %(incident_id)s AND end_at IS NULL RETURNING incident_id, severity, rule_number
"""

Connection = psycopg.AsyncConnection[Any]


class Store:
    """The tables `alert_rules` and `incidents`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(
        self, project: Project, rule_id: str, rule: AlertRule, request_id: uuid.UUID | None
    ) -> RuleRecord:
        """The rule made now, or by an earlier request of the same id; its id is made up unless it is given."""
        async with self._pool.connection() as connection:
            # Two at once must neither choose the same id nor both be the last that fits.
            await connection.execute(_LOCK, (project.project_id,))
            await _known_channels(connection, project, rule)
            cursor = await connection.execute(_TAKEN, (project.project_id,))
            taken = {row[0] for row in await cursor.fetchall()}
            chosen = rule_id or made_id(rule.display_name, "rule", taken)
            made = await remember(connection, request_id, f"CreateAlertRule {project.project_id}", chosen)
            if made is not None:
                if rule_id not in ("", made):
                    raise Invalid(
                        "request_id", f"has made {project.name}/alertRules/{made} before; write a new one"
                    )
                return await _rule(connection, project, made)
            if chosen in taken:
                raise AlreadyExists(
                    f"there is a rule {project.name}/alertRules/{chosen} already", reason="ALERT_RULE_EXISTS"
                )
            if len(taken) >= MAX_RULES:
                raise Exhausted(
                    f"{project.name} has {MAX_RULES} alert rules, which is the limit: delete one",
                    retry_after=60.0,
                    reason="TOO_MANY_ALERT_RULES",
                )
            await connection.execute(_INSERT, _place(project, chosen) | _content(rule))
            return await _rule(connection, project, chosen)

    async def rule(self, project: Project, rule_id: str) -> RuleRecord:
        """The rule; raises `NotFound`."""
        async with self._pool.connection() as connection:
            return await _rule(connection, project, rule_id)

    async def rules(self, project: Project, after: str, limit: int) -> list[RuleRecord]:
        """Rules by id behind `after`."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(RuleRecord))
            await cursor.execute(_LIST, {"project_id": project.project_id, "after": after, "limit": limit})
            return await cursor.fetchall()

    async def update(
        self, project: Project, rule_id: str, rule: AlertRule, revision: int | None
    ) -> RuleRecord:
        """The rule as changed; raises `Conflict` unless it still has that revision.

        Where it looks at something else from now on, it begins anew and its incidents end.
        """
        async with self._pool.connection() as connection, connection.transaction():
            await _known_channels(connection, project, rule)
            number, before, held = await _held(connection, project, rule_id)
            if revision not in (None, held):
                raise Conflict(
                    f"{project.name}/alertRules/{rule_id} was changed since it was read: read it again"
                )
            anew = _looks_at(before) != _looks_at(rule)
            await connection.execute(_UPDATE, _content(rule) | {"rule": number, "anew": anew})
            if anew:
                await end_all(connection, project.project_id, number)
            return await _rule(connection, project, rule_id)

    async def delete(self, project: Project, rule_id: str) -> None:
        """Deletes the rule, and ends its incidents; raises `NotFound`."""
        async with self._pool.connection() as connection, connection.transaction():
            number, _, _ = await _held(connection, project, rule_id)
            await end_all(connection, project.project_id, number)
            await connection.execute(_DELETE, (number,))

    async def claim(self, limit: int, lease: timedelta) -> list[Look]:
        """Takes on rules that are due; what is not finished within the lease is due again."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(Look))
            await cursor.execute(_CLAIM, {"limit": limit, "lease": lease})
            return await cursor.fetchall()

    async def finish(self, look: Look, found: Evaluation, due_at: datetime) -> bool:
        """Writes what a look has found, with what people are to be told of it, in one transaction.

        False, and nothing is written, where others have taken the rule on since, or it was changed.
        """
        rule = compiled(AlertRule.FromString(look.definition))
        async with self._pool.connection() as connection, connection.transaction():
            mine = await connection.execute(_MINE, (look.rule_number, look.claims, look.revision))
            if not mine.rowcount:
                return False
            for group, value in found.latest.items():
                await connection.execute(_LATEST, (value, look.rule_number, list(group)))
            for change in found.changes:
                await (open_by_rule if change.opened else end_by_rule)(connection, look, rule, change)
            values = {"rule": look.rule_number, "state": found.standing.encode(), "due_at": due_at}
            await connection.execute(_LOOKED, values)
            return True

    async def postpone(self, look: Look, due_at: datetime, fault: str, *, looked: bool) -> None:
        """Says why a rule could not be judged, and when that is tried again."""
        values = {
            "rule": look.rule_number, "claims": look.claims, "revision": look.revision, "due_at": due_at, "fault": fault,
            "looked": looked,
        }  # fmt: skip
        async with self._pool.connection() as connection:
            await connection.execute(_FAULTY, values)

    async def incident(self, project: Project, incident_id: str) -> IncidentRecord:
        """The incident; raises `NotFound`."""
        async with self._pool.connection() as connection:
            return await _incident(connection, project, incident_id)

    async def incidents(
        self,
        project: Project,
        states: Sequence[int],
        rule_id: str,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> list[IncidentRecord]:
        """Incidents, newest first, behind `after`."""
        opened_at, incident_id = after or (None, "")
        values = {
            "project_id": project.project_id, "states": list(states), "rule_id": rule_id, "at": opened_at, "id": incident_id,
            "limit": limit,
        }  # fmt: skip
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(IncidentRecord))
            await cursor.execute(_INCIDENTS, values)
            return await cursor.fetchall()

    async def acknowledge(self, project: Project, incident_id: str, who: str) -> IncidentRecord:
        """The incident, which somebody looks after; the first who says so, until it ends."""
        async with self._pool.connection() as connection:
            place = {"project_id": project.project_id, "incident_id": incident_id}
            await connection.execute(_ACKNOWLEDGE, place | {"who": who})
            return await _incident(connection, project, incident_id)

    async def resolve(self, project: Project, incident_id: str) -> IncidentRecord:
        """The incident, ended; people are told once."""
        async with self._pool.connection() as connection, connection.transaction():
            place = {"project_id": project.project_id, "incident_id": incident_id}
            ended = await connection.execute(_RESOLVE, place)
            for ended_id, severity, number in await ended.fetchall():
                await announce(
                    connection, project.project_id, ended_id, severity=severity, resolved=True, rule=number
                )
            return await _incident(connection, project, incident_id)


async def _held(connection: Connection, project: Project, rule_id: str) -> tuple[int, AlertRule, int]:
    """The number, the definition and the revision of a rule that nobody else changes now."""
    row = await (await connection.execute(_HELD, _place(project, rule_id))).fetchone()
    if row is None:
        raise _unknown(project, rule_id)
    return row[0], AlertRule.FromString(row[1]), row[2]


async def _rule(connection: Connection, project: Project, rule_id: str) -> RuleRecord:
    cursor = connection.cursor(row_factory=class_row(RuleRecord))
    await cursor.execute(_READ, _place(project, rule_id))
    found = await cursor.fetchone()
    if found is None:
        raise _unknown(project, rule_id)
    return found


async def _incident(connection: Connection, project: Project, incident_id: str) -> IncidentRecord:
    cursor = connection.cursor(row_factory=class_row(IncidentRecord))
    await cursor.execute(_INCIDENT, {"project_id": project.project_id, "incident_id": incident_id})
    found = await cursor.fetchone()
    if found is None:
        raise NotFound(
            f"there is no incident {project.name}/incidents/{incident_id}", reason="INCIDENT_NOT_FOUND"
        )
    return found


async def _known_channels(connection: Connection, project: Project, rule: AlertRule) -> None:
    known = await existing(connection, project.project_id)
    for i, name in enumerate(rule.channels):
        if name.rpartition("/")[2] not in known:
            raise Invalid(
                f"alert_rule.channels[{i}]", f"is {name[:100]!r}, which is not there; create it first"
            )


def _unknown(project: Project, rule_id: str) -> NotFound:
    return NotFound(f"there is no rule {project.name}/alertRules/{rule_id}", reason="ALERT_RULE_NOT_FOUND")


def _place(project: Project, rule_id: str) -> dict[str, Any]:
    return {"project_id": project.project_id, "rule_id": rule_id}


def _content(rule: AlertRule) -> dict[str, Any]:
    return {"definition": rule.SerializeToString(deterministic=True), "disabled": rule.disabled}


def _looks_at(rule: AlertRule) -> bytes:
    """What a rule is about: its series and its condition."""
    kept = AlertRule(series=rule.series, for_buckets=rule.for_buckets, clear_buckets=rule.clear_buckets)
    kind = rule.WhichOneof("condition")
    if kind is not None:
        getattr(kept, kind).CopyFrom(getattr(rule, kind))
        getattr(kept, kind).SetInParent()
    return kept.SerializeToString(deterministic=True)
