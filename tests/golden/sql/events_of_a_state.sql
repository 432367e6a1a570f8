WITH page AS (
SELECT event.*, properties::text AS properties_text, context::text AS context_text
FROM (SELECT DISTINCT unnest(%(p7)s::text[]) AS name) AS named CROSS JOIN LATERAL (
SELECT * FROM events WHERE name = named.name AND project_id = %(p0)s AND occurred_at >= %(p1)s::timestamptz AND occurred_at < %(p2)s::timestamptz AND (batch_id >> 12) < coalesce((%(p3)s::bigint[])[(batch_id & 4095) + 1], 0) AND (name = ANY(%(p4)s::text[]))
ORDER BY occurred_at DESC, event_id DESC LIMIT %(p8)s
) AS event
ORDER BY occurred_at DESC, event_id DESC LIMIT %(p8)s
), measured AS (
SELECT page.*, count(*) OVER () AS found, sum(250 + octet_length(name) + coalesce(octet_length(properties_text), 0) + coalesce(octet_length(context_text), 0)) OVER (ORDER BY occurred_at DESC, event_id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
FROM page
)
SELECT event_id, occurred_at, type, name, user_id, session_id, properties_text, context_text, late, sent_at, received_at, committed_at, found
FROM measured LEFT JOIN LATERAL (
SELECT sent_at, received_at, committed_at FROM batches WHERE batches.batch_id = measured.batch_id LIMIT 1
) AS batch ON true
WHERE coalesce(before, 0) < 3000000
ORDER BY occurred_at DESC, event_id DESC
-- p0: 7
-- p1: 2026-03-02T00:00:00+00:00
-- p2: 2026-03-04T00:00:00+00:00
-- p3: [3, 4]
-- p4: ['a']
-- p5: 2026-03-02T00:00:00+00:00
-- p6: 2026-03-04T00:00:00+00:00
-- p7: ['a']
-- p8: 102
