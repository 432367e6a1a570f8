-- How long a project's data is kept, and the people who were removed from it.

CREATE TABLE retention (
    project_id  integer     PRIMARY KEY REFERENCES projects,
    raw_days    integer     NOT NULL DEFAULT 0,
    minute_days integer     NOT NULL DEFAULT 0,
    hour_days   integer     NOT NULL DEFAULT 0,
    day_days    integer     NOT NULL DEFAULT 0,
    ledger_days integer     NOT NULL DEFAULT 0,
    revision    bigint      NOT NULL DEFAULT 1,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    applied_at  timestamptz
);
