SELECT slot, place, count(*)
FROM (
SELECT rows.*, 0 AS place
FROM (
SELECT width_bucket(occurred_at, ARRAY(SELECT generate_series(%(p1)s::timestamptz, %(p2)s::timestamptz, %(p3)s::interval))) - 1 AS slot
FROM events
WHERE project_id = %(p0)s AND occurred_at >= %(p4)s::timestamptz AND occurred_at < %(p5)s::timestamptz AND (batch_id >> 12) < coalesce((%(p6)s::bigint[])[(batch_id & 4095) + 1], 0)
) AS rows
) AS rows
GROUP BY slot, place
-- p0: 7
-- p1: 2026-03-02T00:00:00+00:00
-- p2: 2026-03-03T23:00:00+00:00
-- p3: datetime.timedelta(seconds=3600)
-- p4: 2026-03-02T00:00:00+00:00
-- p5: 2026-03-04T00:00:00+00:00
-- p6: [3, 4]
-- column of measure 0: count
