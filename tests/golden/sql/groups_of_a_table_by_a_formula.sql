SELECT g0, sum(v0), nullif(count(DISTINCT v1), 0)::float8
FROM (
SELECT coalesce((properties ->> %(p1)s::text), '') AS g0, CASE WHEN jsonb_typeof((properties -> %(p2)s::text)) = 'number' AND abs((properties -> %(p2)s::text)::numeric) < 1e300 THEN CASE WHEN abs((properties -> %(p2)s::text)::numeric) > 1e-300 THEN (properties -> %(p2)s::text)::float8 ELSE 0 END END AS v0, nullif((properties -> %(p3)s::text), 'null'::jsonb) AS v1
FROM events
WHERE project_id = %(p0)s AND occurred_at >= %(p4)s::timestamptz AND occurred_at < %(p5)s::timestamptz AND name = %(p6)s
) AS rows
GROUP BY g0
LIMIT %(p7)s
-- p0: 7
-- p1: 'country'
-- p2: 'amount'
-- p3: 'amount'
-- p4: 2026-03-02T00:00:00+00:00
-- p5: 2026-03-04T00:00:00+00:00
-- p6: 'order'
-- p7: 100001
-- column of measure 0: sum
-- column of measure 5: exact
