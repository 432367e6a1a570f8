WITH page AS (
SELECT event.*
FROM (SELECT DISTINCT name FROM rollups_1d WHERE project_id = %(p0)s AND source = 1 AND bucket >= date_trunc('day', %(p3)s::timestamptz, 'UTC') AND bucket < %(p4)s::timestamptz) AS named CROSS JOIN LATERAL (
SELECT * FROM events WHERE name = named.name AND project_id = %(p0)s AND occurred_at >= %(p1)s::timestamptz AND occurred_at < %(p2)s::timestamptz
ORDER BY occurred_at DESC, event_id DESC LIMIT %(p5)s
) AS event
ORDER BY occurred_at DESC, event_id DESC LIMIT %(p5)s
)
SELECT event_id, occurred_at, type, name, user_id, session_id, properties::text, context::text, late, sent_at, received_at, committed_at
FROM page LEFT JOIN LATERAL (
SELECT sent_at, received_at, committed_at FROM batches WHERE batches.batch_id = page.batch_id LIMIT 1
) AS batch ON true
ORDER BY occurred_at DESC, event_id DESC
-- p0: 7
-- p1: 2026-03-02T00:00:00+00:00
-- p2: 2026-03-04T00:00:00+00:00
-- p3: 2026-03-02T00:00:00+00:00
-- p4: 2026-03-04T00:00:00+00:00
-- p5: 101
