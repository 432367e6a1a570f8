-- How long a project's data is kept, and the people who were removed from it.

-- What happened before `raw_before` is removed or about to be, and so is the account of what was received before `ledger_before`.
-- Neither goes back: nothing is counted anew from rows before the first, and nothing is verified before the second. `removals` grows
-- whenever rows are removed, so that whoever remembers an answer sees that it may have changed.
CREATE TABLE retention (
    project_id    integer     PRIMARY KEY REFERENCES projects,
    raw_days      integer     NOT NULL DEFAULT 0,
    minute_days   integer     NOT NULL DEFAULT 0,
    hour_days     integer     NOT NULL DEFAULT 0,
    day_days      integer     NOT NULL DEFAULT 0,
    ledger_days   integer     NOT NULL DEFAULT 0,
    revision      bigint      NOT NULL DEFAULT 1,
    updated_at    timestamptz,
    applied_at    timestamptz,
    raw_before    timestamptz,
    ledger_before timestamptz,
    removals      bigint      NOT NULL DEFAULT 0
);

-- Of the rows that a batch has stored, how many were removed since, by retention or with a person. With them the account balances.
CREATE TABLE removed_rows (
    batch_id   bigint  PRIMARY KEY,
    project_id integer NOT NULL,
    rows       bigint  NOT NULL
);

-- Removals of people. `user_id` is there while one is under way and no longer. It waits until every partition is committed up to the
-- entry in `waits_for`; what it covers then is told by `batches`, by partition how many. `state` is that of `tidemark.v1.Erasure`.
CREATE TABLE erasures (
    erasure_id   text        PRIMARY KEY CHECK (erasure_id ~ '^[a-z][a-z0-9-]{2,39}$'),
    project_id   integer     NOT NULL REFERENCES projects,
    user_id      text,
    user_sha256  text        NOT NULL,
    state        smallint    NOT NULL DEFAULT 1,
    requested_by text        NOT NULL,
    notes        text[]      NOT NULL DEFAULT '{}',
    waits_for    text[]      NOT NULL,
    batches      bigint[],
    searched     boolean     NOT NULL DEFAULT false,
    created_at   timestamptz NOT NULL DEFAULT now(),
    events_at    timestamptz,
    segments_at  timestamptz,
    completed_at timestamptz
);
CREATE UNIQUE INDEX erasures_under_way ON erasures (project_id, user_id) WHERE user_id IS NOT NULL;
CREATE INDEX erasures_by_project ON erasures (project_id, created_at DESC, erasure_id DESC);

-- What an erasure has removed so far, by place.
CREATE TABLE erasure_parts (
    erasure_id text   NOT NULL REFERENCES erasures,
    place      text   NOT NULL,
    count      bigint NOT NULL,
    PRIMARY KEY (erasure_id, place)
);

-- The days of event time (UTC) on which the person still has events, and the names of those.
CREATE TABLE erasure_days (
    erasure_id text   NOT NULL REFERENCES erasures,
    day        date   NOT NULL,
    names      text[] NOT NULL,
    PRIMARY KEY (erasure_id, day)
);
