SELECT kind, coalesce(unit, '')
FROM metric_points
WHERE project_id = %(p0)s AND name = %(p1)s AND observed_at < %(p2)s::timestamptz AND (batch_id >> 12) < coalesce((%(p3)s::bigint[])[(batch_id & 4095) + 1], 0)
ORDER BY observed_at DESC LIMIT 1
-- p0: 7
-- p1: 'latency'
-- p2: 2026-03-02T00:01:05+00:00
-- p3: [3, 4]
