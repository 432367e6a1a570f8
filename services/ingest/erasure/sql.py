"""A day of events of a person who is removed, and the statements that remove it, which `store` executes. Pure."""

# ruff: noqa: S608 - the statements are put together from each other

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

OF_PERSON = """
user_id = %(user)s AND (batch_id >> 12) < coalesce((%(batches)s::bigint[])[(batch_id & 4095) + 1], 0)
"""
RAW_BEFORE = "SELECT raw_before FROM retention WHERE project_id = %(project)s FOR NO KEY UPDATE"
OF_DAY = """
project_id = %(project)s AND name = ANY (%(names)s) AND occurred_at >= %(start)s AND occurred_at < %(end)s
"""
GROUP = "type, name, (batch_id & 4095)::smallint AS partition, date_trunc('minute', occurred_at) AS minute"
TOUCHED = f"SELECT DISTINCT {GROUP} FROM events WHERE {OF_DAY} AND {OF_PERSON}"
LEFT = f"""
SELECT type, name, partition, minute, count(*), array_agg(DISTINCT user_id) FILTER (WHERE user_id IS NOT NULL)
FROM (SELECT {GROUP}, user_id FROM events WHERE {OF_DAY} AND ({OF_PERSON}) IS NOT TRUE) AS rows
JOIN unnest(%(types)s::smallint[], %(group_names)s::text[], %(partitions)s::smallint[]) AS wanted(type, name, partition)
    USING (type, name, partition)
GROUP BY type, name, partition, minute
"""
VERSIONS = "SELECT partition, version FROM partitions WHERE partition = ANY (%(held)s) ORDER BY partition"
LOCKED = f"{VERSIONS} FOR NO KEY UPDATE"
DISTURBED = """
SELECT EXISTS (
    SELECT FROM unnest(%(held)s::smallint[], %(versions)s::bigint[]) AS seen(partition, version)
    JOIN commits ON commits.partition = seen.partition AND commits.version > seen.version
    WHERE project_id = %(project)s AND touched && tstzmultirange(tstzrange(%(start)s, %(end)s)))
"""
DELETE = f"""
WITH gone AS (DELETE FROM events WHERE {OF_DAY} AND {OF_PERSON} RETURNING batch_id),
counted AS (
    INSERT INTO removed_rows AS had (batch_id, project_id, rows)
    SELECT batch_id, %(project)s, count(*) FROM gone GROUP BY batch_id ORDER BY batch_id
    ON CONFLICT (batch_id) DO UPDATE SET rows = had.rows + excluded.rows)
SELECT count(*) FROM gone
"""
# Buckets that retention has removed do not come back.
PUT = """
UPDATE rollups_{width} AS had SET count = new.count, uniques = new.uniques
FROM unnest(%b::smallint[], %b::text[], %b::timestamptz[], %b::smallint[], %b::bigint[], %b::bytea[])
    AS new (type, name, bucket, partition, count, uniques)
WHERE had.project_id = %b AND had.source = %b AND had.bucket >= %b AND had.bucket < %b
    AND (had.type, had.name, had.bucket, had.partition) = (new.type, new.name, new.bucket, new.partition)
"""
CLEAR = """
DELETE FROM rollups_{width}
WHERE project_id = %b AND source = %b AND bucket >= %b AND bucket < %b AND count = 0
"""
FENCE = """
UPDATE partitions SET epoch = epoch + 1, version = version + 1 WHERE partition = ANY (%(held)s)
RETURNING partition, version, last_id
"""
COMMIT = """
INSERT INTO commits (partition, version, project_id, touched)
VALUES (%(partition)s, %(version)s, %(project)s, tstzmultirange(tstzrange(%(start)s, %(end)s)))
"""
# What rules found of the person by name, and where the rules remember them: as `services/insights/alerts/standing.py` encodes it.
# A rule that is being looked at meanwhile looks again.
INCIDENTS = """
WITH theirs AS (SELECT incident_id FROM incidents WHERE project_id = %(project)s AND %(user)s = ANY (labels) FOR UPDATE),
told AS (DELETE FROM notified USING theirs WHERE notified.incident_id = theirs.incident_id)
DELETE FROM incidents USING theirs WHERE incidents.incident_id = theirs.incident_id
"""
# What was still to be sent of them alone would tell of nothing.
NOTIFICATIONS = """
UPDATE notifications SET state = 3, next_at = NULL, outcome = 'the person whom it was about has been erased'
WHERE project_id = %(project)s AND state = 1
    AND NOT EXISTS (SELECT FROM notified WHERE notified.notification_id = notifications.notification_id)
"""
RULES = """
WITH remembered AS (
    SELECT rule_number, convert_from(state, 'UTF8')::jsonb AS state FROM alert_rules
    WHERE project_id = %(project)s AND state <> '' FOR UPDATE)
UPDATE alert_rules SET claims = claims + 1, state = convert_to(jsonb_set(remembered.state, '{places}', (
    SELECT coalesce(jsonb_agg(place), '[]') FROM jsonb_array_elements(remembered.state->'places') AS place
    WHERE NOT place->0 ? %(user)s))::text, 'UTF8')
FROM remembered
WHERE alert_rules.rule_number = remembered.rule_number
    AND EXISTS (SELECT FROM jsonb_array_elements(remembered.state->'places') AS place WHERE place->0 ? %(user)s)
"""


@dataclass(frozen=True, slots=True)
class Day:
    """A day of UTC with events of the person, and their names."""

    day: date
    names: Sequence[str]

    @property
    def start(self) -> datetime:
        """When it begins."""
        return datetime.combine(self.day, time(), UTC)

    @property
    def end(self) -> datetime:
        """When the next begins."""
        return self.start + timedelta(days=1)
