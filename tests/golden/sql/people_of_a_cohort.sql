SELECT slot, place, sum(v0)
FROM (
SELECT rows.*, 0 AS place
FROM (
SELECT width_bucket(occurred_at, ARRAY(SELECT generate_series(%(p1)s::timestamptz, %(p2)s::timestamptz, %(p3)s::interval))) - 1 AS slot, CASE WHEN jsonb_typeof((properties -> %(p4)s::text)) = 'number' AND abs((properties -> %(p4)s::text)::numeric) < 1e300 THEN CASE WHEN abs((properties -> %(p4)s::text)::numeric) > 1e-300 THEN (properties -> %(p4)s::text)::float8 ELSE 0 END END AS v0
FROM events
WHERE project_id = %(p0)s AND occurred_at >= %(p5)s::timestamptz AND occurred_at < %(p6)s::timestamptz AND name = %(p7)s AND user_id = ANY(%(p8)s::text[])
) AS rows
) AS rows
GROUP BY slot, place
-- p0: 7
-- p1: 2026-03-02T00:00:00+00:00
-- p2: 2026-03-03T23:00:00+00:00
-- p3: datetime.timedelta(seconds=3600)
-- p4: 'amount'
-- p5: 2026-03-02T00:00:00+00:00
-- p6: 2026-03-04T00:00:00+00:00
-- p7: 'order'
-- p8: ['ann', 'bob']
-- column of measure 0: sum
