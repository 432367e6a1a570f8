-- Buckets of a minute, an hour and a day, written in the transaction of the rows that they count. A row belongs to one
-- partition, so its only author is that partition's writer; a question adds the partitions up.
-- `source` is 1 for events and 2 for metric points; `type` is the event type or the metric kind. `uniques` is an HLL sketch
-- of user ids, `quantiles` a KLL sketch of values (Apache DataSketches); sum, min and max are those of the values.

CREATE TABLE rollups_1m (
    project_id integer          NOT NULL,
    bucket     timestamptz      NOT NULL,
    source     smallint         NOT NULL,
    type       smallint         NOT NULL,
    partition  smallint         NOT NULL,
    name       text             NOT NULL,
    count      bigint           NOT NULL,
    sum        double precision,
    min        double precision,
    max        double precision,
    uniques    bytea,
    quantiles  bytea
) WITH (fillfactor = 70);
SELECT create_hypertable('rollups_1m', by_range('bucket', INTERVAL '7 days'), create_default_indexes => false);
CREATE UNIQUE INDEX rollups_1m_by_name ON rollups_1m (project_id, source, name, bucket, type, partition);
CREATE INDEX rollups_1m_by_bucket ON rollups_1m (project_id, source, bucket);

CREATE TABLE rollups_1h (
    project_id integer          NOT NULL,
    bucket     timestamptz      NOT NULL,
    source     smallint         NOT NULL,
    type       smallint         NOT NULL,
    partition  smallint         NOT NULL,
    name       text             NOT NULL,
    count      bigint           NOT NULL,
    sum        double precision,
    min        double precision,
    max        double precision,
    uniques    bytea,
    quantiles  bytea
) WITH (fillfactor = 70);
SELECT create_hypertable('rollups_1h', by_range('bucket', INTERVAL '90 days'), create_default_indexes => false);
CREATE UNIQUE INDEX rollups_1h_by_name ON rollups_1h (project_id, source, name, bucket, type, partition);
CREATE INDEX rollups_1h_by_bucket ON rollups_1h (project_id, source, bucket);

CREATE TABLE rollups_1d (
    project_id integer          NOT NULL,
    bucket     timestamptz      NOT NULL,
    source     smallint         NOT NULL,
    type       smallint         NOT NULL,
    partition  smallint         NOT NULL,
    name       text             NOT NULL,
    count      bigint           NOT NULL,
    sum        double precision,
    min        double precision,
    max        double precision,
    uniques    bytea,
    quantiles  bytea
) WITH (fillfactor = 70);
SELECT create_hypertable('rollups_1d', by_range('bucket', INTERVAL '3 years'), create_default_indexes => false);
CREATE UNIQUE INDEX rollups_1d_by_name ON rollups_1d (project_id, source, name, bucket, type, partition);
CREATE INDEX rollups_1d_by_bucket ON rollups_1d (project_id, source, bucket);
