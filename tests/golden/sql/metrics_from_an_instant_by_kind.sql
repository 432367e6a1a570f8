SELECT slot, place, sum(count)::bigint, sum(sum), sum(count)::bigint, sum(sum), min(min), max(max), sum(sum), array_agg(quantiles) FILTER (WHERE quantiles IS NOT NULL), array_agg(numbers) FILTER (WHERE numbers IS NOT NULL)
FROM (
SELECT rows.*, chosen.place - 1 AS place
FROM (
SELECT width_bucket(bucket, ARRAY(SELECT generate_series(%(p1)s::timestamptz, %(p2)s::timestamptz, %(p3)s::interval))) - 1 AS slot, type::text AS g0, count AS count, sum AS sum, min AS min, max AS max, quantiles AS quantiles, NULL::float8 AS numbers
FROM rollups_1h
WHERE project_id = %(p0)s AND bucket >= %(p4)s::timestamptz AND bucket < %(p5)s::timestamptz AND source = 2 AND name = %(p6)s
UNION ALL
SELECT width_bucket(bucket, ARRAY(SELECT generate_series(%(p1)s::timestamptz, %(p2)s::timestamptz, %(p3)s::interval))) - 1 AS slot, type::text AS g0, count AS count, sum AS sum, min AS min, max AS max, quantiles AS quantiles, NULL::float8 AS numbers
FROM rollups_1m
WHERE project_id = %(p0)s AND bucket >= %(p7)s::timestamptz AND bucket < %(p8)s::timestamptz AND source = 2 AND name = %(p9)s
UNION ALL
SELECT width_bucket(observed_at, ARRAY(SELECT generate_series(%(p1)s::timestamptz, %(p2)s::timestamptz, %(p3)s::interval))) - 1 AS slot, kind::text AS g0, 1 AS count, value AS sum, value AS min, value AS max, NULL::bytea AS quantiles, value AS numbers
FROM metric_points
WHERE project_id = %(p0)s AND observed_at >= %(p10)s::timestamptz AND observed_at < %(p11)s::timestamptz AND name = %(p12)s
) AS rows
LEFT JOIN unnest(%(p13)s::text[]) WITH ORDINALITY AS chosen(g0, place) ON chosen.g0 = rows.g0
) AS rows
GROUP BY slot, place
-- p0: 7
-- p1: 2026-03-02T00:00:00+00:00
-- p2: 2026-03-03T23:00:00+00:00
-- p3: datetime.timedelta(seconds=3600)
-- p4: 2026-03-02T01:00:00+00:00
-- p5: 2026-03-04T00:00:00+00:00
-- p6: 'latency'
-- p7: 2026-03-02T00:02:00+00:00
-- p8: 2026-03-02T01:00:00+00:00
-- p9: 'latency'
-- p10: 2026-03-02T00:01:05+00:00
-- p11: 2026-03-02T00:02:00+00:00
-- p12: 'latency'
-- p13: ['1', '2']
-- column of measure 0: count
-- column of measure 1: sum
-- column of measure 2: count
-- column of measure 2: sum
-- column of measure 3: min
-- column of measure 4: max
-- column of measure 5: sum
-- column of measure 6: quantiles
-- column of measure 6: numbers
