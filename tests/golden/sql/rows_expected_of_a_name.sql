SELECT coalesce(sum(count), 0)::bigint
FROM (
SELECT count FROM rollups_1m WHERE project_id = %(p0)s AND source = 1 AND name = ANY(%(p1)s::text[]) AND bucket >= %(p2)s::timestamptz AND bucket < %(p3)s::timestamptz AND (bucket >= %(p4)s::timestamptz AND bucket < %(p5)s::timestamptz OR bucket >= %(p6)s::timestamptz AND bucket < %(p7)s::timestamptz)
UNION ALL
SELECT count FROM rollups_1h WHERE project_id = %(p0)s AND source = 1 AND name = ANY(%(p1)s::text[]) AND bucket >= %(p8)s::timestamptz AND bucket < %(p9)s::timestamptz
UNION ALL
SELECT count FROM rollups_1d WHERE project_id = %(p0)s AND source = 1 AND name = ANY(%(p1)s::text[]) AND bucket >= %(p10)s::timestamptz AND bucket < %(p11)s::timestamptz
) AS buckets
-- p0: 7
-- p1: ['order']
-- p2: 2026-03-02T00:01:00+00:00
-- p3: 2026-03-04T00:05:00+00:00
-- p4: 2026-03-02T00:01:00+00:00
-- p5: 2026-03-02T01:00:00+00:00
-- p6: 2026-03-04T00:00:00+00:00
-- p7: 2026-03-04T00:05:00+00:00
-- p8: 2026-03-02T01:00:00+00:00
-- p9: 2026-03-03T00:00:00+00:00
-- p10: 2026-03-03T00:00:00+00:00
-- p11: 2026-03-04T00:00:00+00:00
