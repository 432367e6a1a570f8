-- Dashboards that people have saved. Those that come with Tidemark are files beside the code and have no row.

-- `head` and `tiles` are parts of one serialized `tidemark.v1.Dashboard`; joined, they are all of it, and lists read the first alone.
CREATE TABLE dashboards (
    project_id   integer     NOT NULL REFERENCES projects,
    dashboard_id text        NOT NULL CHECK (dashboard_id ~ '^[a-z][a-z0-9-]{2,39}$'),
    head         bytea       NOT NULL,
    tiles        bytea       NOT NULL,
    revision     bigint      NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, dashboard_id)
);
