-- Aggregates over spans of event time, kept by the writer in the transaction of the rows that they count.

-- `definition` is a serialized `tidemark.v1.Window`.
CREATE TABLE windows (
    window_number integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id    integer     NOT NULL REFERENCES projects,
    window_id     text        NOT NULL CHECK (window_id ~ '^[a-z][a-z0-9-]{2,39}$'),
    definition    bytea       NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (project_id, window_id)
);
