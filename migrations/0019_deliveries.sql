-- Where editions are brought, and what came of it.

-- `definition` is a serialized `tidemark.v1.Destination` without secrets. The secret of a webhook is made from `seed` and the setting
-- `webhook_key`; `secret` is one that others have given, of a store or a chat, sealed under that key and bound to `seed`.
CREATE TABLE destinations (
    destination_number integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id         integer     NOT NULL REFERENCES projects,
    destination_id     text        NOT NULL CHECK (destination_id ~ '^[a-z][a-z0-9-]{2,39}$'),
    definition         bytea       NOT NULL,
    secret             bytea,
    seed               bytea       NOT NULL,
    fault              text        NOT NULL DEFAULT '',
    created_at         timestamptz NOT NULL DEFAULT now(),
    UNIQUE (project_id, destination_id)
);

-- The outbox of editions: written with the edition, brought later. `formats` are its files, all when empty; links to them hold
-- `link_lifetime`, files are brought where it is unset. `attempts` tells one try from another; a try that nobody finishes is made again
-- at `next_at`. It is tried for a day `since` then; a replay begins another. Destinations may be gone.
CREATE TABLE deliveries (
    delivery_id        text        PRIMARY KEY CHECK (delivery_id ~ '^[a-z][a-z0-9-]{2,39}$'),
    project_id         integer     NOT NULL REFERENCES projects,
    edition_number     bigint      NOT NULL REFERENCES editions ON DELETE CASCADE,
    destination_number integer,
    destination_id     text        NOT NULL,
    formats            smallint[]  NOT NULL,
    link_lifetime      interval,
    state              smallint    NOT NULL DEFAULT 1,
    attempts           integer     NOT NULL DEFAULT 0,
    outcome            text        NOT NULL DEFAULT '',
    created_at         timestamptz NOT NULL DEFAULT now(),
    since              timestamptz NOT NULL DEFAULT now(),
    next_at            timestamptz,
    delivered_at       timestamptz,
    UNIQUE (edition_number, destination_id)
);
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE state = 1;
CREATE INDEX deliveries_newest ON deliveries (project_id, created_at DESC, delivery_id DESC);

CREATE TABLE edition_delivery_tries (
    delivery_id text        NOT NULL REFERENCES deliveries ON DELETE CASCADE,
    attempt     integer     NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    elapsed     interval,
    outcome     text        NOT NULL DEFAULT '',
    PRIMARY KEY (delivery_id, attempt)
);
