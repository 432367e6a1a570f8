SELECT slot, place, sum(count)::bigint
FROM (
SELECT rows.*, 0 AS place
FROM (
SELECT width_bucket(bucket, ARRAY(SELECT generate_series(%(p1)s::timestamptz, %(p2)s::timestamptz, %(p3)s::interval))) - 1 AS slot, count AS count
FROM rollups_1h
WHERE project_id = %(p0)s AND bucket >= %(p4)s::timestamptz AND bucket < %(p5)s::timestamptz AND source = 1
) AS rows
) AS rows
GROUP BY slot, place
-- p0: 7
-- p1: 2026-03-02T00:00:00+00:00
-- p2: 2026-03-03T23:00:00+00:00
-- p3: datetime.timedelta(seconds=3600)
-- p4: 2026-03-02T00:00:00+00:00
-- p5: 2026-03-04T00:00:00+00:00
-- column of measure 0: count
