WITH page AS (
SELECT event.*, properties::text AS properties_text, context::text AS context_text
FROM (SELECT DISTINCT unnest(%(p8)s::text[]) AS name) AS named CROSS JOIN LATERAL (
SELECT * FROM events WHERE name = named.name AND project_id = %(p0)s AND occurred_at >= %(p1)s::timestamptz AND occurred_at < %(p2)s::timestamptz AND (occurred_at, event_id) < (%(p3)s::timestamptz, %(p4)s::uuid) AND (name = ANY(%(p5)s::text[]))
ORDER BY occurred_at DESC, event_id DESC LIMIT %(p9)s
) AS event
ORDER BY occurred_at DESC, event_id DESC LIMIT %(p9)s
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
-- p3: 2026-03-02T00:00:00+00:00
-- p4: '00000000-0000-7000-8000-000000000000'
-- p5: ['a']
-- p6: 2026-03-02T00:00:00+00:00
-- p7: 2026-03-04T00:00:00+00:00
-- p8: ['a']
-- p9: 102
