WITH page AS (
SELECT event.*, properties::text AS properties_text, context::text AS context_text
FROM (SELECT DISTINCT name FROM rollups_1d WHERE project_id = %(p0)s AND source = 1 AND bucket >= date_trunc('day', %(p42)s::timestamptz, 'UTC') AND bucket < %(p43)s::timestamptz) AS named CROSS JOIN LATERAL (
SELECT * FROM events WHERE name = named.name AND project_id = %(p0)s AND occurred_at >= %(p1)s::timestamptz AND occurred_at < %(p2)s::timestamptz AND ((properties -> %(p3)s::text) = ANY(%(p4)s::jsonb[]) AND ((properties -> %(p5)s::text) = ANY(%(p6)s::jsonb[])) IS NOT TRUE AND (jsonb_typeof((properties -> %(p7)s::text)) = 'number' AND (properties -> %(p7)s::text) < %(p8)s::jsonb) AND (jsonb_typeof((properties -> %(p9)s::text)) = 'number' AND (properties -> %(p9)s::text) >= %(p10)s::jsonb) AND coalesce(properties -> %(p11)s::text, properties #> %(p12)s::text[]) = ANY(%(p13)s::jsonb[]) AND ((context -> %(p14)s::text) = ANY(%(p15)s::jsonb[])) IS NOT TRUE AND (jsonb_typeof((context -> %(p16)s::text)) = 'string' AND strpos(lower((context ->> %(p17)s::text)), lower(%(p18)s::text)) > 0) AND ((jsonb_typeof((context -> %(p19)s::text)) = 'string' AND strpos(lower((context ->> %(p20)s::text)), lower(%(p21)s::text)) > 0)) IS NOT TRUE AND (jsonb_typeof((context -> %(p22)s::text)) = 'string' AND starts_with((context ->> %(p23)s::text), %(p24)s::text)) AND (jsonb_typeof((context -> %(p25)s::text)) = 'string' AND right((context ->> %(p26)s::text), length(%(p27)s::text)) = %(p27)s::text) AND (jsonb_typeof((context -> %(p28)s::text)) = 'string' AND (context ->> %(p29)s::text) ~ %(p30)s::text) AND ((jsonb_typeof((context -> %(p31)s::text)) = 'string' AND (context ->> %(p32)s::text) ~ %(p33)s::text)) IS NOT TRUE AND coalesce(properties ->> %(p34)s::text, properties #>> %(p35)s::text[]) IS NOT NULL AND (coalesce(properties ->> %(p36)s::text, properties #>> %(p37)s::text[]) IS NOT NULL) IS NOT TRUE AND user_id IS NOT NULL AND type = ANY(%(p38)s::smallint[]) AND occurred_at < %(p39)s::timestamptz AND false AND ((name = ANY(%(p40)s::text[]) OR strpos(lower(user_id), lower(%(p41)s::text)) > 0)) IS NOT TRUE)
ORDER BY occurred_at DESC, event_id DESC LIMIT %(p44)s
) AS event
ORDER BY occurred_at DESC, event_id DESC LIMIT %(p44)s
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
-- p3: 'a'
-- p4: ['1.5']
-- p5: 'a'
-- p6: ['1.5']
-- p7: 'a'
-- p8: '1.5'
-- p9: 'a'
-- p10: '1.5'
-- p11: 'a.b'
-- p12: ['a', 'b']
-- p13: ['"x"', '1.0', 'true']
-- p14: 'page'
-- p15: ['"x"']
-- p16: 'page'
-- p17: 'page'
-- p18: 'x'
-- p19: 'page'
-- p20: 'page'
-- p21: 'x'
-- p22: 'page'
-- p23: 'page'
-- p24: 'x'
-- p25: 'page'
-- p26: 'page'
-- p27: 'x'
-- p28: 'page'
-- p29: 'page'
-- p30: '^\\/a[^\\n]*'
-- p31: 'page'
-- p32: 'page'
-- p33: '^\\/a[^\\n]*'
-- p34: 'a.b'
-- p35: ['a', 'b']
-- p36: 'a.b'
-- p37: ['a', 'b']
-- p38: [1, 5]
-- p39: 2026-03-02T12:00:00+00:00
-- p40: ['a']
-- p41: 'b'
-- p42: 2026-03-02T00:00:00+00:00
-- p43: 2026-03-04T00:00:00+00:00
-- p44: 11
