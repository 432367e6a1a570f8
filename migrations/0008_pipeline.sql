-- What the pipeline did to a batch on its way, what could not be stored and its repair, and how good events are.

-- `source` is the door by which a batch came; `schemas` is the version of the schema by event name, where there is one.
ALTER TABLE batches ADD COLUMN source text NOT NULL DEFAULT 'events';
ALTER TABLE batches ADD COLUMN rules_version integer NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN schemas jsonb;

-- `content` is the event or point as it came, a JSON object; of a batch that cannot be read, its bytes. `state` is that of
-- `tidemark.v1.DeadLetterState`, `settled_by` the batch that brought its repair.
ALTER TABLE dead_letters ADD COLUMN kind text NOT NULL DEFAULT 'events';
ALTER TABLE dead_letters ADD COLUMN rows integer NOT NULL DEFAULT 1;
ALTER TABLE dead_letters ADD COLUMN producer_id text NOT NULL DEFAULT '';
ALTER TABLE dead_letters ADD COLUMN field text NOT NULL DEFAULT '';
ALTER TABLE dead_letters ADD COLUMN signature text NOT NULL DEFAULT '';
ALTER TABLE dead_letters ADD COLUMN name text NOT NULL DEFAULT '';
ALTER TABLE dead_letters ADD COLUMN event_id uuid;
ALTER TABLE dead_letters ADD COLUMN user_id text;
ALTER TABLE dead_letters ADD COLUMN state smallint NOT NULL DEFAULT 1;
ALTER TABLE dead_letters ADD COLUMN settled_at timestamptz;
ALTER TABLE dead_letters ADD COLUMN settled_by bigint;
CREATE INDEX dead_letters_by_signature ON dead_letters (project_id, state, signature, received_at DESC);
CREATE INDEX dead_letters_by_event ON dead_letters (project_id, event_id) WHERE event_id IS NOT NULL;
CREATE INDEX dead_letters_by_user ON dead_letters (project_id, user_id) WHERE user_id IS NOT NULL;

-- How many batches of repairs were committed: they receive nothing, and change the data all the same.
ALTER TABLE project_totals ADD COLUMN repairs bigint NOT NULL DEFAULT 0;

-- A partition pauses where too much of it cannot be stored, until somebody resumes it: then what cannot be stored becomes dead
-- letters up to the entry `resumed_to`.
ALTER TABLE partitions ADD COLUMN paused_at timestamptz;
ALTER TABLE partitions ADD COLUMN paused_because text NOT NULL DEFAULT '';
ALTER TABLE partitions ADD COLUMN resumed_to text NOT NULL DEFAULT '0-0';

-- By event and hour of receipt: how many were checked against a schema, how many it does not allow, how often rules failed, and how
-- many of them were kept aside or refused.
CREATE TABLE quality (
    project_id    integer     NOT NULL,
    hour          timestamptz NOT NULL,
    name          text        NOT NULL,
    checked       bigint      NOT NULL,
    violations    bigint      NOT NULL,
    rule_failures bigint      NOT NULL,
    dead_lettered bigint      NOT NULL,
    rejected      bigint      NOT NULL
);
SELECT create_hypertable('quality', by_range('hour', INTERVAL '30 days'), create_default_indexes => false);
CREATE UNIQUE INDEX quality_by_name ON quality (project_id, name, hour);
