SELECT slot, place, sum(v0), count(v0), sum(v0), min(v0), max(v0), percentile_cont(%(p0)s::float8) WITHIN GROUP (ORDER BY v0), nullif(count(DISTINCT v1), 0)::float8
FROM (
SELECT rows.*, chosen.place - 1 AS place
FROM (
SELECT width_bucket(occurred_at, ARRAY(SELECT generate_series(%(p2)s::timestamptz, %(p3)s::timestamptz, %(p4)s::interval))) - 1 AS slot, coalesce(coalesce(properties ->> %(p5)s::text, properties #>> %(p6)s::text[]), '') AS g0, coalesce(user_id, '') AS g1, CASE WHEN jsonb_typeof((properties -> %(p7)s::text)) = 'number' AND abs((properties -> %(p7)s::text)::numeric) < 1e300 THEN CASE WHEN abs((properties -> %(p7)s::text)::numeric) > 1e-300 THEN (properties -> %(p7)s::text)::float8 ELSE 0 END END AS v0, nullif((properties -> %(p8)s::text), 'null'::jsonb) AS v1
FROM events
WHERE project_id = %(p1)s AND occurred_at >= %(p9)s::timestamptz AND occurred_at < %(p10)s::timestamptz AND name = %(p11)s
) AS rows
LEFT JOIN unnest(%(p12)s::text[], %(p13)s::text[]) WITH ORDINALITY AS chosen(g0, g1, place) ON chosen.g0 = rows.g0 AND chosen.g1 = rows.g1
) AS rows
GROUP BY GROUPING SETS ((slot, place), (place))
-- p0: 0.5
-- p1: 7
-- p2: 2026-03-02T00:00:00+00:00
-- p3: 2026-03-03T23:00:00+00:00
-- p4: datetime.timedelta(seconds=3600)
-- p5: 'geo.country'
-- p6: ['geo', 'country']
-- p7: 'amount'
-- p8: 'amount'
-- p9: 2026-03-02T00:00:00+00:00
-- p10: 2026-03-04T00:00:00+00:00
-- p11: 'order'
-- p12: ['de', 'fr']
-- p13: ['ann', '']
-- column of measure 0: sum
-- column of measure 1: count
-- column of measure 1: sum
-- column of measure 2: min
-- column of measure 3: max
-- column of measure 4: exact
-- column of measure 5: exact
