-- When reports are made, and for whom.

-- `definition` is a serialized `tidemark.v1.Schedule` without what the server says of it. `next_at` is its next slot, unset while it is
-- paused, and `due_at` when somebody looks at it: then, or later where its slots wait for room. One that `follows` the zone of its report
-- is looked at as well when the report has another version than the one its next slot was found by.
CREATE TABLE schedules (
    schedule_number integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id      integer     NOT NULL REFERENCES projects,
    report_id       text        NOT NULL,
    schedule_id     text        NOT NULL CHECK (schedule_id ~ '^[a-z][a-z0-9-]{2,39}$'),
    definition      bytea       NOT NULL,
    follows         boolean     NOT NULL,
    report_version  integer     NOT NULL,
    revision        bigint      NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    next_at         timestamptz,
    due_at          timestamptz,
    last_run_id     text        NOT NULL DEFAULT '',
    UNIQUE (project_id, report_id, schedule_id),
    FOREIGN KEY (project_id, report_id) REFERENCES reports ON DELETE CASCADE
);
CREATE INDEX schedules_due ON schedules (due_at) WHERE due_at IS NOT NULL;

-- Runs that wait for their data: until the watermark is past `complete_at`, or it is `give_up_at`. They are looked at when it is `due_at`.
CREATE TABLE waiting_runs (
    run_number  bigint      PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
    complete_at timestamptz NOT NULL,
    give_up_at  timestamptz NOT NULL,
    due_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX waiting_runs_due ON waiting_runs (due_at);
