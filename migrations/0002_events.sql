-- What happened: events and metric points, the log partitions they come from, and the account of them.

-- One row for each shard of the log. `epoch` fences: only the writer that made it what it is may move `last_id`.
-- `owner_pid` and `owner_start` name the owner's database session, which a successor ends before it takes over.
-- The counters are totals since the beginning and advance in the same transaction as the rows.
CREATE TABLE partitions (
    partition   smallint    PRIMARY KEY,
    owner       text,
    owner_pid   integer,
    owner_start timestamptz,
    epoch       bigint      NOT NULL DEFAULT 0,
    leased_until timestamptz NOT NULL DEFAULT '-infinity',
    last_id     text        NOT NULL DEFAULT '0-0',
    version     bigint      NOT NULL DEFAULT 0,
    batches     bigint      NOT NULL DEFAULT 0,
    received    bigint      NOT NULL DEFAULT 0,
    bytes       bigint      NOT NULL DEFAULT 0,
    watermark   timestamptz,
    lateness    interval    NOT NULL DEFAULT '0'
);

-- Writers alive now; each takes its share of the partitions.
CREATE TABLE writers (
    writer  text        PRIMARY KEY,
    seen_at timestamptz NOT NULL
);

-- The last batch committed of each producer: recognises a repetition even where the log has forgotten.
CREATE TABLE producers (
    project_id  integer     NOT NULL,
    producer_id text        NOT NULL,
    epoch       bigint      NOT NULL,
    sequence    bigint      NOT NULL,
    received    bigint      NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, producer_id)
);

-- Every batch committed, and the times of its steps. `batch_id` is 4096 times its number in the partition, plus the partition.
CREATE TABLE batches (
    batch_id      bigint      NOT NULL,
    project_id    integer     NOT NULL,
    producer_id   text        NOT NULL,
    epoch         bigint      NOT NULL,
    sequence      bigint      NOT NULL,
    entry_id      text        NOT NULL,
    sent_at       timestamptz,
    received_at   timestamptz NOT NULL,
    committed_at  timestamptz NOT NULL DEFAULT now(),
    stored        integer     NOT NULL,
    duplicate     integer     NOT NULL,
    rejected      integer     NOT NULL,
    dead_lettered integer     NOT NULL
);
SELECT create_hypertable('batches', by_range('received_at', INTERVAL '7 days'));
CREATE UNIQUE INDEX batches_by_id ON batches (batch_id, received_at);

CREATE TABLE events (
    project_id  integer     NOT NULL,
    event_id    uuid        NOT NULL,
    occurred_at timestamptz NOT NULL,
    batch_id    bigint      NOT NULL,
    type        smallint    NOT NULL,
    late        boolean     NOT NULL,
    name        text        NOT NULL,
    user_id     text,
    session_id  text,
    properties  jsonb,
    context     jsonb
);
SELECT create_hypertable('events', by_range('occurred_at', INTERVAL '7 days'), create_default_indexes => false);
-- UUIDv7 ids make this index grow at its right edge; it is what counts an event once.
CREATE UNIQUE INDEX events_once ON events (event_id, project_id, occurred_at);
CREATE INDEX events_by_name ON events (project_id, name, occurred_at DESC);

CREATE TABLE metric_points (
    project_id  integer          NOT NULL,
    observed_at timestamptz      NOT NULL,
    batch_id    bigint           NOT NULL,
    kind        smallint         NOT NULL,
    late        boolean          NOT NULL,
    value       double precision NOT NULL,
    name        text             NOT NULL,
    unit        text,
    tags        jsonb
);
SELECT create_hypertable('metric_points', by_range('observed_at', INTERVAL '7 days'), create_default_indexes => false);
CREATE INDEX metric_points_by_name ON metric_points (project_id, name, observed_at DESC);

-- What could not be stored, whole, with its reason.
CREATE TABLE dead_letters (
    dead_letter_id bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id     integer     NOT NULL,
    batch_id       bigint      NOT NULL,
    received_at    timestamptz NOT NULL,
    reason         text        NOT NULL,
    message        text        NOT NULL,
    content        bytea       NOT NULL
);
CREATE INDEX dead_letters_by_project ON dead_letters (project_id, received_at DESC);

-- received = stored + duplicate + rejected + dead_lettered, for every producer and minute of receipt.
CREATE TABLE ledger (
    project_id    integer     NOT NULL,
    producer_id   text        NOT NULL,
    minute        timestamptz NOT NULL,
    received      bigint      NOT NULL,
    stored        bigint      NOT NULL,
    duplicate     bigint      NOT NULL,
    rejected      bigint      NOT NULL,
    dead_lettered bigint      NOT NULL
);
SELECT create_hypertable('ledger', by_range('minute', INTERVAL '30 days'), create_default_indexes => false);
CREATE UNIQUE INDEX ledger_by_producer ON ledger (project_id, producer_id, minute);
CREATE INDEX ledger_by_minute ON ledger (project_id, minute DESC);

-- What each commit touched, for watchers to catch up with; kept for an hour.
CREATE TABLE commits (
    partition    smallint       NOT NULL,
    version      bigint         NOT NULL,
    project_id   integer        NOT NULL,
    committed_at timestamptz    NOT NULL DEFAULT now(),
    touched      tstzmultirange NOT NULL,
    PRIMARY KEY (partition, version, project_id)
);
CREATE INDEX commits_by_time ON commits (committed_at);

-- Received per partition and project since the beginning; with the log's own count it tells what is in flight.
CREATE TABLE project_totals (
    partition  smallint NOT NULL,
    project_id integer  NOT NULL,
    received   bigint   NOT NULL,
    PRIMARY KEY (partition, project_id)
);
