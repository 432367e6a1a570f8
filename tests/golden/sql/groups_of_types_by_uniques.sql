SELECT g0, array_agg(uniques) FILTER (WHERE uniques IS NOT NULL)
FROM (
SELECT type::text AS g0, count AS count, uniques AS uniques
FROM rollups_1h
WHERE project_id = %(p0)s AND bucket >= %(p1)s::timestamptz AND bucket < %(p2)s::timestamptz AND source = 1
) AS rows
GROUP BY g0
ORDER BY sum(count) DESC NULLS LAST, g0
LIMIT %(p3)s
-- p0: 7
-- p1: 2026-03-02T00:00:00+00:00
-- p2: 2026-03-04T00:00:00+00:00
-- p3: 1000
-- column of measure 0: uniques
