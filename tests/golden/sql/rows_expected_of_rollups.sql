SELECT count(*)
FROM (
SELECT count FROM rollups_1h WHERE project_id = %(p0)s AND source = 2 AND bucket >= %(p1)s::timestamptz AND bucket < %(p2)s::timestamptz
) AS buckets
-- p0: 7
-- p1: 2026-03-02T00:00:00+00:00
-- p2: 2026-03-04T00:00:00+00:00
