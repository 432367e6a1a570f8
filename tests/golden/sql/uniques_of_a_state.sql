SELECT slot, place, array_agg(uniques) FILTER (WHERE uniques IS NOT NULL), array_agg(DISTINCT users) FILTER (WHERE users IS NOT NULL)
FROM (
SELECT rows.*, 0 AS place
FROM (
SELECT width_bucket(bucket, ARRAY(SELECT generate_series(%(p1)s::timestamptz, %(p2)s::timestamptz, %(p3)s::interval))) - 1 AS slot, count AS count, uniques AS uniques, NULL::text AS users
FROM rollups_1h
WHERE project_id = %(p0)s AND bucket >= %(p4)s::timestamptz AND bucket < %(p5)s::timestamptz AND (bucket >= %(p6)s::timestamptz AND bucket < %(p7)s::timestamptz OR bucket >= %(p8)s::timestamptz AND bucket < %(p9)s::timestamptz) AND source = 1
UNION ALL
SELECT width_bucket(bucket, ARRAY(SELECT generate_series(%(p1)s::timestamptz, %(p2)s::timestamptz, %(p3)s::interval))) - 1 AS slot, count AS count, uniques AS uniques, NULL::text AS users
FROM rollups_1m
WHERE project_id = %(p0)s AND bucket >= %(p10)s::timestamptz AND bucket < %(p11)s::timestamptz AND (bucket >= %(p12)s::timestamptz AND bucket < %(p13)s::timestamptz OR bucket >= %(p14)s::timestamptz AND bucket < %(p15)s::timestamptz) AND source = 1
UNION ALL
SELECT width_bucket(occurred_at, ARRAY(SELECT generate_series(%(p1)s::timestamptz, %(p2)s::timestamptz, %(p3)s::interval))) - 1 AS slot, 1 AS count, NULL::bytea AS uniques, user_id AS users
FROM events
WHERE project_id = %(p0)s AND occurred_at >= %(p16)s::timestamptz AND occurred_at < %(p17)s::timestamptz AND name = ANY(ARRAY(SELECT DISTINCT name FROM rollups_1d WHERE project_id = %(p0)s AND source = 1 AND bucket >= date_trunc('day', %(p18)s::timestamptz, 'UTC') AND bucket < %(p19)s::timestamptz)) AND (batch_id >> 12) < coalesce((%(p20)s::bigint[])[(batch_id & 4095) + 1], 0)
) AS rows
) AS rows
GROUP BY slot, place
-- p0: 7
-- p1: 2026-03-02T00:00:00+00:00
-- p2: 2026-03-03T23:00:00+00:00
-- p3: datetime.timedelta(seconds=3600)
-- p4: 2026-03-02T00:00:00+00:00
-- p5: 2026-03-04T00:00:00+00:00
-- p6: 2026-03-02T00:00:00+00:00
-- p7: 2026-03-02T01:00:00+00:00
-- p8: 2026-03-02T02:00:00+00:00
-- p9: 2026-03-04T00:00:00+00:00
-- p10: 2026-03-02T01:00:00+00:00
-- p11: 2026-03-02T02:00:00+00:00
-- p12: 2026-03-02T01:00:00+00:00
-- p13: 2026-03-02T01:10:00+00:00
-- p14: 2026-03-02T01:11:00+00:00
-- p15: 2026-03-02T02:00:00+00:00
-- p16: 2026-03-02T01:10:00+00:00
-- p17: 2026-03-02T01:11:00+00:00
-- p18: 2026-03-02T01:10:00+00:00
-- p19: 2026-03-02T01:11:00+00:00
-- p20: [3, 4]
-- column of measure 0: uniques
-- column of measure 0: users
