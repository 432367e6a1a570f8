SELECT slot, place, sum(v0)
FROM (
SELECT rows.*, 0 AS place
FROM (
SELECT width_bucket(occurred_at, %(p1)s::timestamptz[]) - 1 AS slot, CASE WHEN jsonb_typeof((properties -> %(p2)s::text)) = 'number' AND abs((properties -> %(p2)s::text)::numeric) < 1e300 THEN CASE WHEN abs((properties -> %(p2)s::text)::numeric) > 1e-300 THEN (properties -> %(p2)s::text)::float8 ELSE 0 END END AS v0
FROM events
WHERE project_id = %(p0)s AND occurred_at >= %(p3)s::timestamptz AND occurred_at < %(p4)s::timestamptz AND name = %(p5)s AND user_id = ANY(%(p6)s::text[])
) AS rows
) AS rows
GROUP BY slot, place
-- p0: 7
-- p1: [2026-03-02T00:00:00+00:00, 2026-03-02T01:00:00+00:00, … 2026-03-03T23:00:00+00:00] (48)
-- p2: 'amount'
-- p3: 2026-03-02T00:00:00+00:00
-- p4: 2026-03-04T00:00:00+00:00
-- p5: 'order'
-- p6: ['ann', 'bob']
-- column of measure 0: sum
