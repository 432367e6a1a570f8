-- Who there is: projects, their keys, and the record of what was done.

CREATE TABLE projects (
    project_id   integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug         text        NOT NULL UNIQUE CHECK (slug ~ '^[a-z][a-z0-9-]{2,39}$'),
    display_name text        NOT NULL DEFAULT '',
    time_zone    text        NOT NULL DEFAULT 'UTC',
    revision     bigint      NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
);

-- A key without a project belongs to the whole installation. Only the SHA-256 of its 256-bit random secret is kept.
CREATE TABLE api_keys (
    key_id              text        PRIMARY KEY,
    project_id          integer     REFERENCES projects,
    secret_sha256       bytea       NOT NULL UNIQUE,
    display_name        text        NOT NULL DEFAULT '',
    role                smallint    NOT NULL CHECK (role BETWEEN 1 AND 4),
    events_per_minute   bigint      NOT NULL DEFAULT 0 CHECK (events_per_minute >= 0),
    requests_per_minute bigint      NOT NULL DEFAULT 0 CHECK (requests_per_minute >= 0),
    created_at          timestamptz NOT NULL DEFAULT now(),
    expires_at          timestamptz,
    revoked_at          timestamptz
);
CREATE INDEX api_keys_by_project ON api_keys (project_id, created_at DESC);

-- What a `request_id` has made, so that a repetition answers with the same.
CREATE TABLE request_ids (
    request_id uuid        NOT NULL,
    action     text        NOT NULL,
    made       text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (request_id, action)
);

-- The audit log is a hash chain per project; project 0 is the installation. The head row serialises appends.
CREATE TABLE audit_heads (
    project_id integer PRIMARY KEY,
    sequence   bigint  NOT NULL,
    hash       bytea   NOT NULL
);
CREATE TABLE audit_log (
    project_id  integer     NOT NULL,
    sequence    bigint      NOT NULL,
    occurred_at timestamptz NOT NULL,
    actor       text        NOT NULL,
    action      text        NOT NULL,
    resource    text        NOT NULL,
    peer        text        NOT NULL,
    outcome     text        NOT NULL,
    request_id  text        NOT NULL,
    hash        bytea       NOT NULL
);
SELECT create_hypertable('audit_log', by_range('occurred_at', INTERVAL '30 days'), create_default_indexes => false);
CREATE UNIQUE INDEX audit_log_by_sequence ON audit_log (project_id, sequence, occurred_at);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END $$;
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
