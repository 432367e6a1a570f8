SELECT slot, place, sum(v0), count(v0), sum(v0), min(v0), max(v0), percentile_cont(%(p0)s::float8) WITHIN GROUP (ORDER BY v0), nullif(count(DISTINCT v1), 0)::float8
FROM (
SELECT rows.*, chosen.place - 1 AS place
FROM (
SELECT width_bucket(occurred_at, %(p2)s::timestamptz[]) - 1 AS slot, coalesce(coalesce(properties ->> %(p3)s::text, properties #>> %(p4)s::text[]), '') AS g0, coalesce(user_id, '') AS g1, CASE WHEN jsonb_typeof((properties -> %(p5)s::text)) = 'number' AND abs((properties -> %(p5)s::text)::numeric) < 1e300 THEN CASE WHEN abs((properties -> %(p5)s::text)::numeric) > 1e-300 THEN (properties -> %(p5)s::text)::float8 ELSE 0 END END AS v0, nullif((properties -> %(p6)s::text), 'null'::jsonb) AS v1
FROM events
WHERE project_id = %(p1)s AND occurred_at >= %(p7)s::timestamptz AND occurred_at < %(p8)s::timestamptz AND name = %(p9)s
) AS rows
LEFT JOIN unnest(%(p10)s::text[], %(p11)s::text[]) WITH ORDINALITY AS chosen(g0, g1, place) ON chosen.g0 = rows.g0 AND chosen.g1 = rows.g1
) AS rows
GROUP BY GROUPING SETS ((slot, place), (place))
-- p0: 0.5
-- p1: 7
-- p2: [2026-03-02T00:00:00+00:00, 2026-03-02T01:00:00+00:00, … 2026-03-03T23:00:00+00:00] (48)
-- p3: 'geo.country'
-- p4: ['geo', 'country']
-- p5: 'amount'
-- p6: 'amount'
-- p7: 2026-03-02T00:00:00+00:00
-- p8: 2026-03-04T00:00:00+00:00
-- p9: 'order'
-- p10: ['de', 'fr']
-- p11: ['ann', '']
-- column of measure 0: sum
-- column of measure 1: count
-- column of measure 1: sum
-- column of measure 2: min
-- column of measure 3: max
-- column of measure 4: exact
-- column of measure 5: exact
