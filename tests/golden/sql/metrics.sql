SELECT slot, place, sum(count)::bigint, sum(sum), sum(count)::bigint, sum(sum), min(min), max(max), sum(sum), array_agg(quantiles) FILTER (WHERE quantiles IS NOT NULL)
FROM (
SELECT rows.*, 0 AS place
FROM (
SELECT width_bucket(bucket, %(p1)s::timestamptz[]) - 1 AS slot, count AS count, sum AS sum, min AS min, max AS max, quantiles AS quantiles
FROM rollups_1h
WHERE project_id = %(p0)s AND bucket >= %(p2)s::timestamptz AND bucket < %(p3)s::timestamptz AND source = 2 AND name = %(p4)s
) AS rows
) AS rows
GROUP BY slot, place
-- p0: 7
-- p1: [2026-03-02T00:00:00+00:00, 2026-03-02T01:00:00+00:00, … 2026-03-03T23:00:00+00:00] (48)
-- p2: 2026-03-02T00:00:00+00:00
-- p3: 2026-03-04T00:00:00+00:00
-- p4: 'latency'
-- column of measure 0: count
-- column of measure 1: sum
-- column of measure 2: count
-- column of measure 2: sum
-- column of measure 3: min
-- column of measure 4: max
-- column of measure 5: sum
-- column of measure 6: quantiles
