-- Events as columns: which Parquet files there are, and how far each project is mirrored to them. Written by the mirror alone.

-- By partition, how many batches of the project are in segments, how often the partition had been committed to by then, and what
-- the project had received. Whoever moves it names what it was: of two mirrors, one moves nothing.
CREATE TABLE frontiers (
    project_id integer     PRIMARY KEY,
    batches    bigint[]    NOT NULL,
    versions   bigint[]    NOT NULL,
    received   bigint      NOT NULL,
    moved_at   timestamptz NOT NULL DEFAULT now()
);

-- A file of events: those of a calendar month (UTC) that came with the batches numbered from `first_batches` to before
-- `after_batches`. `layout` tells which JSON keys are columns in it. Once others hold its rows it is retired, and its file goes when
-- nobody can be reading it any more.
CREATE TABLE segments (
    segment_id    uuid        PRIMARY KEY,
    project_id    integer     NOT NULL,
    month         date        NOT NULL,
    first_batches bigint[]    NOT NULL,
    after_batches bigint[]    NOT NULL,
    rows          bigint      NOT NULL,
    bytes         bigint      NOT NULL,
    sha256        bytea       NOT NULL,
    first_at      timestamptz NOT NULL,
    last_at       timestamptz NOT NULL,
    layout        jsonb       NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    retired_at    timestamptz
);
CREATE INDEX segments_by_project ON segments (project_id, first_at) WHERE retired_at IS NULL;
