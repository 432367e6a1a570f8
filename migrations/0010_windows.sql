-- Aggregates over spans of event time, kept by the writer in the transaction of the rows that they count.

-- `definition` is a serialized `tidemark.v1.Window`. Counted is what was committed after `created_at`.
CREATE TABLE windows (
    window_number integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id    integer     NOT NULL REFERENCES projects,
    window_id     text        NOT NULL CHECK (window_id ~ '^[a-z][a-z0-9-]{2,39}$'),
    definition    bytea       NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (project_id, window_id)
);
-- Changes with every window made or deleted: a commit that knows the windows of another revision is done again.
CREATE TABLE window_revisions (
    project_id integer PRIMARY KEY REFERENCES projects,
    revision   bigint  NOT NULL DEFAULT 1
);

-- What a partition has counted in a window. `counts`, `numbers` and `sketches` have a place for each aggregate. `end_at` is there for
-- sessions alone, whose end moves. A row without events tells of those that came too late.
CREATE TABLE window_results (
    window_number integer     NOT NULL,
    project_id    integer     NOT NULL,
    partition     smallint    NOT NULL,
    key           text[]      NOT NULL,
    start_at      timestamptz NOT NULL,
    end_at        timestamptz,
    count         bigint      NOT NULL,
    counts        bigint[]    NOT NULL,
    numbers       float8[]    NOT NULL,
    sketches      bytea[]     NOT NULL,
    late_count    bigint      NOT NULL,
    restated_at   timestamptz,
    dropped_count bigint      NOT NULL,
    PRIMARY KEY (window_number, start_at, key, partition)
);
CREATE INDEX window_results_of_keys ON window_results (window_number, partition, key, end_at) WHERE end_at IS NOT NULL;
CREATE INDEX window_results_by_end ON window_results (window_number, end_at) WHERE end_at IS NOT NULL;

-- The watermark of a batch's partition when it was committed: who counts again must know what was late then.
ALTER TABLE batches ADD COLUMN watermark timestamptz;
