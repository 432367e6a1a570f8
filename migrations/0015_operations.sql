-- Long work that callers follow, and the keys by which services of ours call one another.

-- A process that calls another service makes itself a key, which lives as long as it renews it. `service` says whose it is.
ALTER TABLE api_keys ADD COLUMN service text;
CREATE INDEX api_keys_of_services ON api_keys (service) WHERE service IS NOT NULL;

-- An operation waits (started_at is null), is worked on (until leased_until, by `owner`), or has ended (ended_at). `request` is what was
-- asked for and `response` what has come of it, as serialized `google.protobuf.Any`; `error` is a serialized `google.rpc.Status`.
CREATE TABLE operations (
    operation_id     text        PRIMARY KEY CHECK (operation_id ~ '^[a-z][a-z0-9-]{2,39}$'),
    project_id       integer     NOT NULL REFERENCES projects,
    verb             text        NOT NULL,
    target           text        NOT NULL,
    request          bytea       NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    started_at       timestamptz,
    ended_at         timestamptz,
    owner            text,
    leased_until     timestamptz,
    attempts         integer     NOT NULL DEFAULT 0,
    progress         real        NOT NULL DEFAULT 0,
    step             text        NOT NULL DEFAULT '',
    cancel_requested boolean     NOT NULL DEFAULT false,
    response         bytea,
    error            bytea
);
CREATE INDEX operations_by_project ON operations (project_id, created_at DESC, operation_id DESC);
CREATE INDEX operations_to_do ON operations (verb, created_at) WHERE ended_at IS NULL;
