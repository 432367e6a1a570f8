SELECT g0, count(v0), sum(v0), min(v0), max(v0), percentile_cont(%(p0)s::float8) WITHIN GROUP (ORDER BY v0), nullif(count(DISTINCT v1), 0)::float8
FROM (
SELECT coalesce((properties ->> %(p2)s::text), '') AS g0, CASE WHEN jsonb_typeof((properties -> %(p3)s::text)) = 'number' AND abs((properties -> %(p3)s::text)::numeric) < 1e300 THEN CASE WHEN abs((properties -> %(p3)s::text)::numeric) > 1e-300 THEN (properties -> %(p3)s::text)::float8 ELSE 0 END END AS v0, nullif((properties -> %(p4)s::text), 'null'::jsonb) AS v1
FROM events
WHERE project_id = %(p1)s AND occurred_at >= %(p5)s::timestamptz AND occurred_at < %(p6)s::timestamptz AND name = %(p7)s
) AS rows
GROUP BY g0
ORDER BY avg(v0) DESC NULLS LAST, g0
LIMIT %(p8)s
-- p0: 0.5
-- p1: 7
-- p2: 'country'
-- p3: 'amount'
-- p4: 'amount'
-- p5: 2026-03-02T00:00:00+00:00
-- p6: 2026-03-04T00:00:00+00:00
-- p7: 'order'
-- p8: 10
-- column of measure 0: count
-- column of measure 0: sum
-- column of measure 1: min
-- column of measure 2: max
-- column of measure 3: exact
-- column of measure 4: exact
