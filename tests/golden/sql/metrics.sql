SELECT slot, place, sum(count)::bigint, sum(sum), sum(count)::bigint, sum(sum), min(min), max(max), sum(sum), array_agg(quantiles) FILTER (WHERE quantiles IS NOT NULL)
FROM (
SELECT rows.*, 0 AS place
FROM (
SELECT width_bucket(bucket, ARRAY(SELECT generate_series(%(p1)s::timestamptz, %(p2)s::timestamptz, %(p3)s::interval))) - 1 AS slot, count AS count, sum AS sum, min AS min, max AS max, quantiles AS quantiles
FROM rollups_1h
WHERE project_id = %(p0)s AND bucket >= %(p4)s::timestamptz AND bucket < %(p5)s::timestamptz AND source = 2 AND name = %(p6)s
) AS rows
) AS rows
GROUP BY slot, place
-- p0: 7
-- p1: 2026-03-02T00:00:00+00:00
-- p2: 2026-03-03T23:00:00+00:00
-- p3: datetime.timedelta(seconds=3600)
-- p4: 2026-03-02T00:00:00+00:00
-- p5: 2026-03-04T00:00:00+00:00
-- p6: 'latency'
-- column of measure 0: count
-- column of measure 1: sum
-- column of measure 2: count
-- column of measure 2: sum
-- column of measure 3: min
-- column of measure 4: max
-- column of measure 5: sum
-- column of measure 6: quantiles
