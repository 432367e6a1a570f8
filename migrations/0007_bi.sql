-- What tools that speak SQL may see: views of one project, for PostgreSQL roles that AdminService makes and calls readers.
-- A view runs with its owner's rights and shows the rows of the project that `current_user` reads. Readers have no rights on the
-- tables below, and `security_barrier` keeps their own functions and operators away from rows that are not theirs.

CREATE TABLE bi_readers (
    role        name        PRIMARY KEY,
    project_id  integer     NOT NULL REFERENCES projects,
    reader      text        NOT NULL CHECK (reader ~ '^[a-z][a-z0-9-]{2,39}$'),
    connections smallint    NOT NULL CHECK (connections BETWEEN 1 AND 50),
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (project_id, reader)
);

CREATE SCHEMA bi;
COMMENT ON SCHEMA bi IS 'What tools that speak SQL may see of a project. Times are UTC, from start (included) to end (excluded).';

CREATE VIEW bi.events WITH (security_barrier) AS
SELECT
    event_id, occurred_at,
    (ARRAY['USER_ACTION', 'SYSTEM_EVENT', 'PERFORMANCE_METRIC', 'BUSINESS_METRIC', 'ERROR_EVENT', 'SECURITY_EVENT'])[type] AS type,
    name, user_id, session_id, properties, context, late, batch_id
FROM events
WHERE project_id = (SELECT project_id FROM bi_readers WHERE role = current_user);

COMMENT ON VIEW bi.events IS 'What happened, a row for each event. Limit occurred_at: the table is cut into chunks of a week.';
COMMENT ON COLUMN bi.events.event_id IS 'UUIDv7 made by the client; counts the event once.';
COMMENT ON COLUMN bi.events.occurred_at IS 'When it happened, by the clock of the client.';
COMMENT ON COLUMN bi.events.type IS 'USER_ACTION, SYSTEM_EVENT, PERFORMANCE_METRIC, BUSINESS_METRIC, ERROR_EVENT or SECURITY_EVENT.';
COMMENT ON COLUMN bi.events.name IS 'What happened, as in order_placed.';
COMMENT ON COLUMN bi.events.user_id IS 'Who did it; null when nobody is named.';
COMMENT ON COLUMN bi.events.session_id IS 'The visit it belongs to; null when none is named.';
COMMENT ON COLUMN bi.events.properties IS 'What else is known of it: properties ->> ''amount'' is a text, (properties ->> ''amount'')::numeric a number.';
COMMENT ON COLUMN bi.events.context IS 'What is known of where it happened.';
COMMENT ON COLUMN bi.events.late IS 'Whether it came later than the accepted lateness.';
COMMENT ON COLUMN bi.events.batch_id IS 'The batch that brought it; see bi.batches.';

CREATE VIEW bi.metric_points WITH (security_barrier) AS
SELECT
    observed_at, name, (ARRAY['COUNTER', 'GAUGE', 'HISTOGRAM', 'TIMER', 'RATE'])[kind] AS kind, value, unit, tags, late, batch_id
FROM metric_points
WHERE project_id = (SELECT project_id FROM bi_readers WHERE role = current_user);

COMMENT ON VIEW bi.metric_points IS 'Measured values. Limit observed_at: the table is cut into chunks of a week.';
COMMENT ON COLUMN bi.metric_points.observed_at IS 'When it was measured.';
COMMENT ON COLUMN bi.metric_points.name IS 'What was measured, as in system.cpu.utilization.';
COMMENT ON COLUMN bi.metric_points.kind IS 'COUNTER, GAUGE, HISTOGRAM, TIMER or RATE.';
COMMENT ON COLUMN bi.metric_points.value IS 'The value.';
COMMENT ON COLUMN bi.metric_points.unit IS 'Its unit; null when none is given.';
COMMENT ON COLUMN bi.metric_points.tags IS 'What tells it from other values of the same name, as texts.';
COMMENT ON COLUMN bi.metric_points.late IS 'Whether it came later than the accepted lateness.';
COMMENT ON COLUMN bi.metric_points.batch_id IS 'The batch that brought it; see bi.batches.';

CREATE VIEW bi.batches WITH (security_barrier) AS
SELECT batch_id, producer_id, sent_at, received_at, committed_at, stored, duplicate, rejected, dead_lettered
FROM batches
WHERE project_id = (SELECT project_id FROM bi_readers WHERE role = current_user);

COMMENT ON VIEW bi.batches IS 'What producers sent in one message each, and the times of its steps.';
COMMENT ON COLUMN bi.batches.batch_id IS 'Names the batch.';
COMMENT ON COLUMN bi.batches.producer_id IS 'Who sent it.';
COMMENT ON COLUMN bi.batches.sent_at IS 'When it was sent, by the clock of the client; null when that is not known.';
COMMENT ON COLUMN bi.batches.received_at IS 'When the server took it. The table is cut by it into chunks of a week.';
COMMENT ON COLUMN bi.batches.committed_at IS 'When it was committed.';
COMMENT ON COLUMN bi.batches.stored IS 'Events and points stored.';
COMMENT ON COLUMN bi.batches.duplicate IS 'Events and points known before.';
COMMENT ON COLUMN bi.batches.rejected IS 'Events and points refused by validation.';
COMMENT ON COLUMN bi.batches.dead_lettered IS 'Events and points that could not be stored, kept whole with the reason.';

-- Rollups keep a row for each partition, which are added up here; sketches are not for SQL. Events and points stand apart, so that
-- a condition on `source` leaves the other out and the index by name serves.
DO $$
DECLARE
    width record;
BEGIN
    FOR width IN VALUES ('rollups_1m', 'minute'), ('rollups_1h', 'hour'), ('rollups_1d', 'day of UTC') LOOP
        EXECUTE format($view$
            CREATE VIEW bi.%1$I WITH (security_barrier) AS
            SELECT
                bucket, 'events' AS source, name,
                (ARRAY['USER_ACTION', 'SYSTEM_EVENT', 'PERFORMANCE_METRIC', 'BUSINESS_METRIC', 'ERROR_EVENT', 'SECURITY_EVENT'])[type] AS type,
                sum(count)::bigint AS count, NULL::double precision AS sum, NULL::double precision AS min, NULL::double precision AS max
            FROM %1$I
            WHERE project_id = (SELECT project_id FROM bi_readers WHERE role = current_user) AND source = 1
            GROUP BY bucket, name, type
            UNION ALL
            SELECT
                bucket, 'metrics', name, (ARRAY['COUNTER', 'GAUGE', 'HISTOGRAM', 'TIMER', 'RATE'])[type],
                sum(count)::bigint, sum(sum), min(min), max(max)
            FROM %1$I
            WHERE project_id = (SELECT project_id FROM bi_readers WHERE role = current_user) AND source = 2
            GROUP BY bucket, name, type
        $view$, width.column1);
        EXECUTE format('COMMENT ON VIEW bi.%I IS %L', width.column1,
            format('Events and metric points counted by name for each %s; far faster than their rows.', width.column2));
        EXECUTE format('COMMENT ON COLUMN bi.%I.bucket IS %L', width.column1, format('When the %s begins.', width.column2));
        EXECUTE format('COMMENT ON COLUMN bi.%I.source IS %L', width.column1, 'events or metrics.');
        EXECUTE format('COMMENT ON COLUMN bi.%I.name IS %L', width.column1, 'Name of the events or the metric.');
        EXECUTE format('COMMENT ON COLUMN bi.%I.type IS %L', width.column1, 'Type of the events, or kind of the metric.');
        EXECUTE format('COMMENT ON COLUMN bi.%I.count IS %L', width.column1, 'How many.');
        EXECUTE format('COMMENT ON COLUMN bi.%I.sum IS %L', width.column1, 'Sum of the values; null for events.');
        EXECUTE format('COMMENT ON COLUMN bi.%I.min IS %L', width.column1, 'Least value; null for events.');
        EXECUTE format('COMMENT ON COLUMN bi.%I.max IS %L', width.column1, 'Greatest value; null for events.');
    END LOOP;
END $$;

CREATE VIEW bi.names WITH (security_barrier) AS
SELECT source, name, type, min(bucket) AS first_day, max(bucket) AS last_day, sum(count)::bigint AS count
FROM bi.rollups_1d
GROUP BY source, name, type;

COMMENT ON VIEW bi.names IS 'The names that events and metrics have.';
COMMENT ON COLUMN bi.names.source IS 'events or metrics.';
COMMENT ON COLUMN bi.names.name IS 'Name of the events or the metric.';
COMMENT ON COLUMN bi.names.type IS 'Type of the events, or kind of the metric.';
COMMENT ON COLUMN bi.names.first_day IS 'When the first day of UTC with such a row begins.';
COMMENT ON COLUMN bi.names.last_day IS 'When the last day of UTC with such a row begins.';
COMMENT ON COLUMN bi.names.count IS 'How many rows there are.';

CREATE VIEW bi.ledger WITH (security_barrier) AS
SELECT producer_id, minute, received, stored, duplicate, rejected, dead_lettered
FROM ledger
WHERE project_id = (SELECT project_id FROM bi_readers WHERE role = current_user);

COMMENT ON VIEW bi.ledger IS 'The account of what was received, by producer and minute: received = stored + duplicate + rejected + dead_lettered.';
COMMENT ON COLUMN bi.ledger.producer_id IS 'Who sent it.';
COMMENT ON COLUMN bi.ledger.minute IS 'The minute of receipt.';
COMMENT ON COLUMN bi.ledger.received IS 'Events and points received.';
COMMENT ON COLUMN bi.ledger.stored IS 'Of those: stored.';
COMMENT ON COLUMN bi.ledger.duplicate IS 'Of those: known before.';
COMMENT ON COLUMN bi.ledger.rejected IS 'Of those: refused by validation.';
COMMENT ON COLUMN bi.ledger.dead_lettered IS 'Of those: could not be stored; kept whole with the reason.';

CREATE VIEW bi.freshness WITH (security_barrier) AS
SELECT slug AS project, time_zone, (SELECT min(watermark) FROM partitions) AS watermark, now() AS asked_at
FROM projects
WHERE project_id = (SELECT project_id FROM bi_readers WHERE role = current_user);

COMMENT ON VIEW bi.freshness IS 'How far the other views can be trusted; one row.';
COMMENT ON COLUMN bi.freshness.project IS 'The project that this role reads.';
COMMENT ON COLUMN bi.freshness.time_zone IS 'Zone in which the project''s days begin.';
COMMENT ON COLUMN bi.freshness.watermark IS 'The event time up to which everything is believed complete.';
COMMENT ON COLUMN bi.freshness.asked_at IS 'When this was asked.';

-- Takes from everybody what every role may do in a new database and no reader shall: keep tables and large objects, hold the
-- locks by which our own processes take turns, make XML without a limit of memory, and call the inner functions of TimescaleDB,
-- some of which drop chunks without asking who calls. An update of TimescaleDB gives the last back, so that this runs with every
-- migration and before every new reader. What our account may not take stays, and a reader is refused where that matters.
CREATE FUNCTION close_to_public() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    statement text;
BEGIN
    LOCK TABLE bi_readers IN EXCLUSIVE MODE;  -- two at once would trip over each other's changes of the catalogue
    FOR statement IN
        WITH taken(privilege, place) AS (
            SELECT 'TEMPORARY', format('DATABASE %I', current_database())
            UNION ALL
            SELECT 'CREATE', 'SCHEMA public'
            UNION ALL
            SELECT 'EXECUTE', format('ALL ROUTINES IN SCHEMA %I', nspname) FROM pg_namespace WHERE nspname ~ '^_?timescaledb_'
            UNION ALL
            SELECT 'EXECUTE', format('FUNCTION %s', oid::regprocedure) FROM pg_proc
            WHERE pronamespace = 'pg_catalog'::regnamespace
              AND (proname ~ '^lo_(creat|create|from_bytea|import|put|truncate|truncate64)$' OR proname = 'lowrite'
                   OR proname ~ '^pg_(try_)?advisory_(xact_)?lock' OR proname ~ '_to_xml')
        )
        SELECT format('GRANT %1$s ON %2$s TO CURRENT_USER; REVOKE %1$s ON %2$s FROM PUBLIC', privilege, place) FROM taken
    LOOP
        BEGIN
            EXECUTE statement;
        EXCEPTION
            WHEN insufficient_privilege THEN NULL;
        END;
    END LOOP;
END $$;
SELECT close_to_public();
