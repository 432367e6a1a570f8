-- What is predicted, and what was learnt.

-- `definition` is a serialized `tidemark.v1.Model` without what the server says of it. `versions` is the number of the newest version.
-- A model with a version that serves is looked at when it is due, by the process that holds the lease; `health` is a serialized
-- `tidemark.v1.GetModelHealthResponse` without windows, `drift_at` when features of now were read last.
CREATE TABLE models (
    model_number integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id   integer     NOT NULL REFERENCES projects,
    model_id     text        NOT NULL CHECK (model_id ~ '^[a-z][a-z0-9-]{2,39}$'),
    definition   bytea       NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    versions     integer     NOT NULL DEFAULT 0,
    serving      integer,
    shadow       integer,
    health       bytea,
    drift_at     timestamptz,
    due_at       timestamptz NOT NULL DEFAULT now(),
    owner        text,
    leased_until timestamptz,
    UNIQUE (project_id, model_id)
);
CREATE INDEX models_due ON models (due_at) WHERE serving IS NOT NULL;

-- `head` and `detail` are parts of one serialized `tidemark.v1.ModelVersion`; joined, they are all of it, and lists read the first alone.
-- `content` and `trees` are what predicts: JSON, and trees as skops keeps them where there are some.
CREATE TABLE model_versions (
    model_number integer     NOT NULL REFERENCES models ON DELETE CASCADE,
    version      integer     NOT NULL,
    head         bytea       NOT NULL,
    detail       bytea       NOT NULL,
    content      bytea       NOT NULL,
    trees        bytea,
    created_at   timestamptz NOT NULL DEFAULT now(),
    promoted_at  timestamptz,
    PRIMARY KEY (model_number, version)
);

-- How a version did in spans whose outcomes are known: a serialized `tidemark.v1.HealthWindow`, and how many standard errors its loss was
-- above that of the test.
CREATE TABLE model_windows (
    model_number integer          NOT NULL,
    version      integer          NOT NULL,
    start_at     timestamptz      NOT NULL,
    end_at       timestamptz      NOT NULL,
    window_bytes bytea            NOT NULL,
    excess       double precision NOT NULL,
    PRIMARY KEY (model_number, version, start_at),
    FOREIGN KEY (model_number, version) REFERENCES model_versions ON DELETE CASCADE
);
