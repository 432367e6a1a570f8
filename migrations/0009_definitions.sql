-- What a project's events must look like and what is done to them on their way. Versions never change.

-- Changes with every change of a project's schemas and rules, so that ingest sees in one row whether it knows the present ones.
-- `hash_key` is the secret under which rules hash texts.
CREATE TABLE pipelines (
    project_id integer PRIMARY KEY REFERENCES projects,
    revision   bigint  NOT NULL DEFAULT 1,
    hash_key   bytea   NOT NULL DEFAULT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')
);

CREATE TABLE schemas (
    project_id integer     NOT NULL REFERENCES projects,
    schema_id  text        NOT NULL CHECK (schema_id ~ '^[a-z][a-z0-9-]{2,39}$'),
    event_name text        NOT NULL,
    version    integer     NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, schema_id),
    UNIQUE (project_id, event_name)
);
CREATE TABLE schema_versions (
    project_id    integer     NOT NULL,
    schema_id     text        NOT NULL,
    version       integer     NOT NULL,
    document      text        NOT NULL,
    enforcement   smallint    NOT NULL,
    compatibility smallint    NOT NULL,
    description   text        NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, schema_id, version),
    FOREIGN KEY (project_id, schema_id) REFERENCES schemas ON DELETE CASCADE
);

-- `rules` is a serialized `tidemark.v1.Rules`.
CREATE TABLE rules (
    project_id integer     NOT NULL REFERENCES projects,
    version    integer     NOT NULL,
    rules      bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, version)
);
