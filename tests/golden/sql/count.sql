SELECT slot, place, sum(count)::bigint
FROM (
SELECT rows.*, 0 AS place
FROM (
SELECT width_bucket(bucket, %(p1)s::timestamptz[]) - 1 AS slot, count AS count
FROM rollups_1h
WHERE project_id = %(p0)s AND bucket >= %(p2)s::timestamptz AND bucket < %(p3)s::timestamptz AND source = 1
) AS rows
) AS rows
GROUP BY slot, place
-- p0: 7
-- p1: [2026-03-02T00:00:00+00:00, 2026-03-02T01:00:00+00:00, … 2026-03-03T23:00:00+00:00] (48)
-- p2: 2026-03-02T00:00:00+00:00
-- p3: 2026-03-04T00:00:00+00:00
-- column of measure 0: count
