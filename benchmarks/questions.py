"""The questions of `bench_query`: each as Tidemark is asked, in plain SQL on the hypertable, and in DuckDB on one Parquet file.

The rivals' SQL is what somebody who knows both well would write. `{start}` and `{end}` stand for the span. Every statement, and
every answer, ends in a figure that all three must agree on: the control.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from benchmarks.shop import END
from tidemark.v1 import question_pb2 as pb

EVENTS = "events WHERE project_id = {project} AND occurred_at >= '{start}' AND occurred_at < '{end}'"
SHOP = "shop WHERE occurred_at >= '{start}' AND occurred_at < '{end}'"


@dataclass(frozen=True)
class Asked:
    """One question."""

    name: str
    kind: str
    """What answers it: `rollup`, `raw` or `people`."""
    days: float
    question: dict[str, Any]
    """The fields of its `Query`, in the JSON form of the contract."""
    sql: str
    duck: str
    control: Callable[[Any], float]
    """The figure of the answer that the others must give as well."""
    tolerance: float = 1e-6
    """How far figures may be apart, as a share: sketches are not exact."""

    def query(self, shift: timedelta = timedelta()) -> pb.Query:
        """The question about its span, moved back by `shift`, so that no answer is in the cache."""
        from google.protobuf.json_format import ParseDict

        query = ParseDict(self.question, pb.Query())
        start, end = self.span(shift)
        query.time_range.start.FromDatetime(start)
        query.time_range.end.FromDatetime(end)
        return query

    def span(self, shift: timedelta = timedelta()) -> tuple[datetime, datetime]:
        """The span asked about."""
        end = END - shift
        return end - timedelta(days=self.days), end

    def written(self, text: str, project: int) -> str:
        """A rival's statement with its span."""
        start, end = self.span()
        # Braces of JSON paths do not occur in these statements.
        return text.format(project=project, start=start.isoformat(), end=end.isoformat())


def count(name: str = "", **more: Any) -> dict[str, Any]:
    """A measure that counts."""
    return {"name": name, "aggregation": "AGGREGATION_COUNT", **more}


def of(field: str, aggregation: str, name: str = "", **more: Any) -> dict[str, Any]:
    """A measure of a property."""
    return {"name": name, "field": field, "aggregation": f"AGGREGATION_{aggregation}", **more}


def compare(field: str, operator: str, *values: Any) -> dict[str, Any]:
    """One comparison."""
    return {"comparison": {"field": field, "operator": f"OPERATOR_{operator}", "values": list(values)}}


def series(unit: str, *measures: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A question for series."""
    return {"series": {"interval": {"unit": f"UNIT_{unit}"}, "measures": list(measures), **more}}


def table(*measures: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A question for a table."""
    return {"table": {"measures": list(measures), **more}}


def totals(line: int | None = None) -> Callable[[Any], float]:
    """The totals of all lines of a series, or of one."""
    return lambda answer: sum(
        each.total for i, each in enumerate(answer.series.series) if line is None or i == line
    )


def values(line: int = 0) -> Callable[[Any], float]:
    """All values of a line together."""
    return lambda answer: sum(answer.series.series[line].values)


def rows(column: int = 0) -> Callable[[Any], float]:
    """A column of the rows of a table, those that are not shown apart included."""
    return lambda answer: sum(row.values[column] for row in answer.table.rows)


def steps(place: int = -1) -> Callable[[Any], float]:
    """People at a step of a funnel."""
    return lambda answer: float(answer.funnel.groups[0].steps[place].people)


COUNTRY, PAGE = "properties.country", "properties.path"
CHECKOUT = [{"name": name} for name in ("product_view", "add_to_cart", "checkout", "purchase")]
DE_OR_US = compare(COUNTRY, "IN", "DE", "US")


def _bucketed(unit: str, aggregate: str = "count(*)", limit: str = "", key: str = "1") -> tuple[str, str]:
    """The usual GROUP BY of a time series in both dialects; the control is the sum of all cells."""

    def written(source: str, by: str) -> str:
        return (
            f"SELECT sum(n) FROM (SELECT date_trunc('{unit}', occurred_at) AS at, {by} AS k, {aggregate} AS n "
            f"FROM {source}{limit} GROUP BY 1, 2) AS t"
        )

    return written(EVENTS, key), written(SHOP, key)


def _json(text: str) -> str:
    """A statement on the flat file as it is on the hypertable: properties are inside `properties` there."""
    for key in ("path", "country", "browser", "plan"):
        text = text.replace(f"[{key}]", f"properties->>'{key}'")
    for key in ("ms", "amount"):
        text = text.replace(f"[{key}]", f"(properties->'{key}')::float8")
    return text.replace("[events]", EVENTS)


def _flat(text: str) -> str:
    for key in ("path", "country", "browser", "plan", "ms", "amount"):
        text = text.replace(f"[{key}]", key)
    return text.replace("[events]", SHOP)


def both(text: str) -> tuple[str, str]:
    """A statement in both dialects; `[country]` stands for a property, `[events]` for the events of the span."""
    return _json(text), _flat(text)


_FUNNEL = """
WITH e AS (SELECT user_id, occurred_at AS ts, name{more} FROM [events] AND name IN ('product_view', 'add_to_cart', 'checkout', 'purchase')),
s1 AS (SELECT user_id, ts FROM e WHERE name = 'product_view'),
s2 AS (SELECT s1.user_id, s1.ts AS began, min(e.ts) AS ts FROM s1 JOIN e ON e.user_id = s1.user_id AND e.name = 'add_to_cart'
    AND e.ts > s1.ts AND e.ts <= s1.ts + interval '1 day' GROUP BY 1, 2),
s3 AS (SELECT s2.user_id, began, min(e.ts) AS ts FROM s2 JOIN e ON e.user_id = s2.user_id AND e.name = 'checkout'
    AND e.ts > s2.ts AND e.ts <= began + interval '1 day' GROUP BY 1, 2),
s4 AS (SELECT s3.user_id, began, min(e.ts) AS ts FROM s3 JOIN e ON e.user_id = s3.user_id AND e.name = 'purchase'
    AND e.ts > s3.ts AND e.ts <= began + interval '1 day' GROUP BY 1, 2)
SELECT count(DISTINCT user_id) FROM s4"""
_RETENTION = """
WITH a AS (SELECT DISTINCT user_id, date_trunc('{unit}', occurred_at) AS p FROM [events]),
f AS (SELECT user_id, min(p) AS p FROM a GROUP BY 1)
SELECT count(*) FROM a JOIN f USING (user_id) WHERE a.p = f.p + interval '1 {unit}'"""
_LIFECYCLE = """
WITH a AS (SELECT DISTINCT user_id, date_trunc('week', occurred_at) AS p FROM [events]),
l AS (SELECT user_id, p, lag(p) OVER (PARTITION BY user_id ORDER BY p) AS q FROM a)
SELECT count(*) FILTER (WHERE p = q + interval '1 week') FROM l"""
_SESSIONS = """
WITH s AS (SELECT session_id, min(occurred_at) AS a, max(occurred_at) AS b, count(*) AS n FROM [events] GROUP BY 1)
SELECT count(*) FROM s"""
_PATHS = """
WITH o AS (SELECT user_id, occurred_at AS ts, name, lag(occurred_at) OVER w AS before FROM [events] WINDOW w AS (PARTITION BY user_id ORDER BY occurred_at)),
g AS (SELECT user_id, ts, name, sum(CASE WHEN before IS NULL OR ts - before > interval '30 minutes' THEN 1 ELSE 0 END)
    OVER (PARTITION BY user_id ORDER BY ts) AS visit FROM o),
p AS (SELECT user_id, visit, string_agg(name, '>' ORDER BY ts) AS path FROM g GROUP BY 1, 2)
SELECT count(*) FROM p"""
_COHORT = """
SELECT count(*) FROM [events] AND name = 'page_view' AND user_id IN
    (SELECT user_id FROM [events] AND name = 'purchase' GROUP BY 1 HAVING count(*) >= 3)"""

QUESTIONS = (
    Asked("events by hour, a month", "rollup", 30, series("HOUR", count()), *_bucketed("hour"), values()),
    Asked(
        "events by day and name, 90 days", "rollup", 90, series("DAY", count(), groupBy=["name"]),
        *_bucketed("day", key="name"), totals(),
    ),
    Asked(
        "page views by minute, a day", "rollup", 1, series("MINUTE", count("page_view")),
        *_bucketed("minute", limit=" AND name = 'page_view'"), values(),
    ),
    Asked(
        "active people by day, 90 days", "rollup", 90, series("DAY", of("", "UNIQUES")),
        *_bucketed("day", "count(DISTINCT user_id)"), values(), 0.05,
    ),
    Asked(
        "active people, a month", "rollup", 30, table(of("", "UNIQUES")),
        *both("SELECT count(DISTINCT user_id) FROM [events]"), lambda answer: answer.table.total.values[0], 0.05,
    ),
    Asked(
        "events by name, a month", "rollup", 30, table(count(), of("", "UNIQUES"), groupBy=["name"], top=20),
        *both("SELECT sum(n) FROM (SELECT name, count(*) AS n, count(DISTINCT user_id) AS u FROM [events] GROUP BY 1) AS t"), rows(),
    ),
    Asked(
        "conversion by day with a formula, a month", "rollup", 30,
        series("DAY", count("product_view", id="A"), count("purchase", id="B"), formulas=[{"expression": "B / A * 100"}]),
        *both(
            "SELECT sum(b) FROM (SELECT date_trunc('day', occurred_at) AS at, count(*) FILTER (WHERE name = 'product_view') AS a,"
            " count(*) FILTER (WHERE name = 'purchase') AS b FROM [events] AND name IN ('product_view', 'purchase') GROUP BY 1) AS t"
        ),
        totals(1),
    ),
    Asked(
        "purchases by day against the month before", "rollup", 30, series("DAY", count("purchase"), compare="COMPARE_PREVIOUS_PERIOD"),
        *_bucketed("day", limit=" AND name = 'purchase'"), values(),
    ),
    Asked(
        "revenue by day, 90 days", "raw", 90, series("DAY", of("properties.amount", "SUM", "purchase")),
        *both("SELECT sum(n) FROM (SELECT date_trunc('day', occurred_at) AS at, sum([amount]) AS n FROM [events] AND name = 'purchase' GROUP BY 1) AS t"),
        values(),
    ),
    Asked(
        "page views by day and country, 90 days", "raw", 90, series("DAY", count("page_view"), groupBy=[COUNTRY]),
        *both(
            "SELECT sum(n) FROM (SELECT date_trunc('day', occurred_at) AS at, [country] AS k, count(*) AS n FROM [events]"
            " AND name = 'page_view' GROUP BY 1, 2) AS t"
        ),
        totals(),
    ),
    Asked(
        "events by country and browser, 90 days", "raw", 90,
        table(count(), of("", "UNIQUES"), groupBy=[COUNTRY, "properties.browser"], top=1000),
        *both(
            "SELECT sum(n) FROM (SELECT [country] AS a, [browser] AS b, count(*) AS n, count(DISTINCT user_id) AS u FROM [events]"
            " GROUP BY 1, 2) AS t"
        ),
        rows(),
    ),
    Asked(
        "top pages, a month", "raw", 30, table(count("page_view"), groupBy=[PAGE], top=20),
        *both(
            "SELECT sum(n) FROM (SELECT [path] AS k, count(*) AS n FROM [events] AND name = 'page_view' GROUP BY 1) AS t"
        ),
        rows(),
    ),
    Asked(
        "95th percentile of response times by hour, a week", "raw", 7,
        series("HOUR", of("properties.ms", "QUANTILE", "page_view", quantile=0.95)),
        *both(
            "SELECT sum(n) FROM (SELECT date_trunc('hour', occurred_at) AS at, percentile_cont(0.95) WITHIN GROUP (ORDER BY [ms]) AS n"
            " FROM [events] AND name = 'page_view' GROUP BY 1) AS t"
        ),
        values(),
    ),
    Asked(
        "mean response time by browser, 90 days", "raw", 90, table(of("properties.ms", "AVG"), count(), groupBy=["properties.browser"]),
        *both("SELECT sum(n) FROM (SELECT [browser] AS k, avg([ms]) AS m, count(*) AS n FROM [events] GROUP BY 1) AS t"),
        rows(1),
    ),
    Asked(
        "page views of two countries below a path by day, a month", "raw", 30,
        series("DAY", count("page_view"), filter={"all": {"filters": [DE_OR_US, compare(PAGE, "STARTS_WITH", "/shop/page-1")]}}),
        *both(
            "SELECT count(*) FROM [events] AND name = 'page_view' AND [country] IN ('DE', 'US') AND starts_with([path], '/shop/page-1')"
        ),
        values(),
    ),
    Asked(
        "events of a text in the path, 90 days", "raw", 90, series("WEEK", count(), filter=compare(PAGE, "CONTAINS", "99")),
        *both("SELECT count(*) FROM [events] AND strpos(lower([path]), '99') > 0"), totals(),
    ),
    Asked(
        "people by country, 90 days", "raw", 90, table(of("", "UNIQUES"), groupBy=[COUNTRY], top=100),
        *both("SELECT sum(n) FROM (SELECT [country] AS k, count(DISTINCT user_id) AS n FROM [events] GROUP BY 1) AS t"), rows(),
    ),
    Asked(
        "revenue by plan and week with or without discount, 90 days", "raw", 90,
        series(
            "WEEK", of("properties.amount", "SUM", "purchase"), groupBy=["properties.plan"],
            filter={"any": {"filters": [compare("properties.amount", "GREATER", 100), compare(COUNTRY, "EQUAL", "DE")]}},
        ),
        *both(
            "SELECT sum(n) FROM (SELECT date_trunc('week', occurred_at) AS at, [plan] AS k, sum([amount]) AS n FROM [events]"
            " AND name = 'purchase' AND ([amount] > 100 OR [country] = 'DE') GROUP BY 1, 2) AS t"
        ),
        totals(),
    ),
    Asked(
        "the newest events of a country", "raw", 7, {"events": {"filter": compare(COUNTRY, "EQUAL", "NZ")}},
        *both("SELECT count(*) FROM (SELECT * FROM [events] AND [country] = 'NZ' ORDER BY occurred_at DESC LIMIT 100) AS t"),
        lambda answer: float(len(answer.events.events)),
    ),
    Asked(
        "a funnel of four steps, a month", "people", 30, {"funnel": {"steps": CHECKOUT, "window": "86400s"}},
        *both(_FUNNEL.replace("{more}", "")), steps(), 0.02,
    ),
    Asked(
        "the same by country", "people", 30,
        {"funnel": {"steps": CHECKOUT, "window": "86400s", "groupBy": COUNTRY, "top": 25}},
        *both(_FUNNEL.replace("{more}", ", [country] AS country")), steps(), 0.02,
    ),
    Asked(
        "retention by week, 90 days", "people", 90, {"retention": {"period": "UNIT_WEEK", "periods": 8}},
        *both(_RETENTION.replace("{unit}", "week")), lambda answer: _back(answer, 1), 0.02,
    ),
    Asked(
        "retention by day, a month", "people", 30, {"retention": {"period": "UNIT_DAY", "periods": 14}},
        *both(_RETENTION.replace("{unit}", "day")), lambda answer: _back(answer, 1), 0.02,
    ),
    Asked(
        "lifecycle by week, 90 days", "people", 90, {"lifecycle": {"period": "UNIT_WEEK"}},
        *both(_LIFECYCLE), lambda answer: float(sum(answer.lifecycle.returning)), 0.02,
    ),
    Asked(
        "sessions by day, a month", "people", 30, {"sessions": {"interval": {"unit": "UNIT_DAY"}}},
        *both(_SESSIONS), lambda answer: float(answer.sessions.total.sessions), 0.001,
    ),
    Asked("paths of four steps, a week", "people", 7, {"paths": {"depth": 4}}, *both(_PATHS), lambda answer: float(answer.paths.paths), 0.001),
    Asked(
        "page views by people who bought thrice, a month", "people", 30,
        series("DAY", count("page_view"), filter={"cohort": "projects/demo/cohorts/bought-thrice"}),
        *both(_COHORT), values(), 0.001,
    ),
    Asked(
        "the people who bought, a month", "people", 30,
        {"people": {"funnel": {"funnel": {"steps": CHECKOUT, "window": "86400s"}, "step": 3}}},
        *both(_FUNNEL.replace("{more}", "")), lambda answer: float(answer.people.total), 0.02,
    ),
)  # fmt: skip
"""What `make bench-query` asks."""


def _back(answer: Any, offset: int) -> float:
    rows = answer.retention.groups[0].rows
    return float(sum(row.back[offset] for row in rows if len(row.back) > offset))
