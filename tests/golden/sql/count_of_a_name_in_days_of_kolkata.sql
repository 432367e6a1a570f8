SELECT slot, place, sum(count)::bigint
FROM (
SELECT rows.*, 0 AS place
FROM (
SELECT width_bucket(bucket, %(p1)s::timestamptz[]) - 1 AS slot, count AS count
FROM rollups_1h
WHERE project_id = %(p0)s AND bucket >= %(p2)s::timestamptz AND bucket < %(p3)s::timestamptz AND (bucket >= %(p4)s::timestamptz AND bucket < %(p5)s::timestamptz OR bucket >= %(p6)s::timestamptz AND bucket < %(p7)s::timestamptz OR bucket >= %(p8)s::timestamptz AND bucket < %(p9)s::timestamptz) AND source = 1 AND name = %(p10)s
UNION ALL
SELECT width_bucket(bucket, %(p1)s::timestamptz[]) - 1 AS slot, count AS count
FROM rollups_1m
WHERE project_id = %(p0)s AND bucket >= %(p11)s::timestamptz AND bucket < %(p12)s::timestamptz AND (bucket >= %(p13)s::timestamptz AND bucket < %(p14)s::timestamptz OR bucket >= %(p15)s::timestamptz AND bucket < %(p16)s::timestamptz) AND source = 1 AND name = %(p17)s
) AS rows
) AS rows
GROUP BY slot, place
-- p0: 7
-- p1: [2026-03-02T00:00:00+00:00, 2026-03-02T18:30:00+00:00, 2026-03-03T18:30:00+00:00]
-- p2: 2026-03-02T00:00:00+00:00
-- p3: 2026-03-04T00:00:00+00:00
-- p4: 2026-03-02T00:00:00+00:00
-- p5: 2026-03-02T18:00:00+00:00
-- p6: 2026-03-02T19:00:00+00:00
-- p7: 2026-03-03T18:00:00+00:00
-- p8: 2026-03-03T19:00:00+00:00
-- p9: 2026-03-04T00:00:00+00:00
-- p10: 'a'
-- p11: 2026-03-02T18:00:00+00:00
-- p12: 2026-03-03T19:00:00+00:00
-- p13: 2026-03-02T18:00:00+00:00
-- p14: 2026-03-02T19:00:00+00:00
-- p15: 2026-03-03T18:00:00+00:00
-- p16: 2026-03-03T19:00:00+00:00
-- p17: 'a'
-- column of measure 0: count
