SELECT slot, place, sum(v0), count(v0), sum(v0), min(v0), max(v0), percentile_cont(%(p0)s::float8) WITHIN GROUP (ORDER BY v0), nullif(count(DISTINCT v1), 0)::float8
FROM (
SELECT rows.*, chosen.place - 1 AS place
FROM (
SELECT width_bucket(occurred_at, %(p2)s::timestamptz[]) - 1 AS slot, coalesce((properties ->> %(p3)s::text), '') AS g0, CASE WHEN jsonb_typeof((properties -> %(p4)s::text)) = 'number' AND abs((properties -> %(p4)s::text)::numeric) < 1e300 THEN CASE WHEN abs((properties -> %(p4)s::text)::numeric) > 1e-300 THEN (properties -> %(p4)s::text)::float8 ELSE 0 END END AS v0, nullif((properties -> %(p5)s::text), 'null'::jsonb) AS v1
FROM events
WHERE project_id = %(p1)s AND occurred_at >= %(p6)s::timestamptz AND occurred_at < %(p7)s::timestamptz AND name = %(p8)s
) AS rows
LEFT JOIN unnest(%(p9)s::text[]) WITH ORDINALITY AS chosen(g0, place) ON chosen.g0 = rows.g0
) AS rows
GROUP BY GROUPING SETS ((slot, place), ())
-- p0: 0.5
-- p1: 7
-- p2: [2026-03-02T00:00:00+00:00]
-- p3: 'country'
-- p4: 'amount'
-- p5: 'amount'
-- p6: 2026-03-02T00:00:00+00:00
-- p7: 2026-03-04T00:00:00+00:00
-- p8: 'order'
-- p9: ['de', 'fr']
-- column of measure 0: sum
-- column of measure 1: count
-- column of measure 1: sum
-- column of measure 2: min
-- column of measure 3: max
-- column of measure 4: exact
-- column of measure 5: exact
