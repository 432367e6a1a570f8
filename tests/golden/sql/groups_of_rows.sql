SELECT g0, count(v0), sum(v0)
FROM (
SELECT coalesce((properties ->> %(p1)s::text), '') AS g0, CASE WHEN jsonb_typeof((properties -> %(p2)s::text)) = 'number' AND abs((properties -> %(p2)s::text)::numeric) < 1e300 THEN CASE WHEN abs((properties -> %(p2)s::text)::numeric) > 1e-300 THEN (properties -> %(p2)s::text)::float8 ELSE 0 END END AS v0
FROM events
WHERE project_id = %(p0)s AND occurred_at >= %(p3)s::timestamptz AND occurred_at < %(p4)s::timestamptz AND name = %(p5)s
) AS rows
GROUP BY g0
ORDER BY avg(v0) DESC NULLS LAST, g0
LIMIT %(p6)s
-- p0: 7
-- p1: 'country'
-- p2: 'amount'
-- p3: 2026-03-02T00:00:00+00:00
-- p4: 2026-03-04T00:00:00+00:00
-- p5: 'order'
-- p6: 10
-- column of measure 0: count
-- column of measure 0: sum
