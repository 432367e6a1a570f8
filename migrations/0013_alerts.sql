-- Rules, incidents, channels, and what is to be told.

-- `definition` is a serialized `tidemark.v1.AlertRule`, with what people say of it. What follows `updated_at` is written by whoever looks
-- at the rule: `due_at` is when it is looked at next, or may be by somebody else; `claims` tells one look from another; `state` is where
-- its groups stand.
CREATE TABLE alert_rules (
    rule_number  integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id   integer     NOT NULL REFERENCES projects,
    rule_id      text        NOT NULL CHECK (rule_id ~ '^[a-z][a-z0-9-]{2,39}$'),
    definition   bytea       NOT NULL,
    disabled     boolean     NOT NULL,
    revision     bigint      NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    state        bytea       NOT NULL DEFAULT '',
    due_at       timestamptz NOT NULL DEFAULT now(),
    claims       bigint      NOT NULL DEFAULT 0,
    evaluated_at timestamptz,
    fault        text        NOT NULL DEFAULT '',
    UNIQUE (project_id, rule_id)
);
CREATE INDEX alert_rules_due ON alert_rules (due_at) WHERE NOT disabled;

-- Opened by a rule, for a group of its series, or by an insight. `state` and `severity` are those of `tidemark.v1`.
CREATE TABLE incidents (
    incident_id     text        PRIMARY KEY CHECK (incident_id ~ '^[a-z][a-z0-9-]{2,39}$'),
    project_id      integer     NOT NULL REFERENCES projects,
    rule_number     integer,
    rule_id         text        NOT NULL DEFAULT '',
    insight         text        NOT NULL DEFAULT '',
    labels          text[]      NOT NULL DEFAULT '{}',
    title           text        NOT NULL,
    description     text        NOT NULL,
    severity        smallint    NOT NULL,
    state           smallint    NOT NULL DEFAULT 1,
    start_at        timestamptz NOT NULL,
    open_at         timestamptz NOT NULL DEFAULT now(),
    end_at          timestamptz,
    value           float8      NOT NULL,
    latest_value    float8      NOT NULL,
    expected        float8      NOT NULL,
    acknowledged_by text        NOT NULL DEFAULT '',
    acknowledged_at timestamptz
);
-- However often somebody tries: one at a time for each group, and one for each insight.
CREATE UNIQUE INDEX incidents_going_on ON incidents (rule_number, labels) WHERE end_at IS NULL AND rule_number IS NOT NULL;
CREATE UNIQUE INDEX incidents_of_insights ON incidents (project_id, insight) WHERE insight <> '';
CREATE INDEX incidents_newest ON incidents (project_id, open_at DESC, incident_id DESC);

-- `definition` is a serialized `tidemark.v1.Channel`. The secret of a webhook is made from `seed` and the setting `webhook_key`.
CREATE TABLE channels (
    channel_number integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id     integer     NOT NULL REFERENCES projects,
    channel_id     text        NOT NULL CHECK (channel_id ~ '^[a-z][a-z0-9-]{2,39}$'),
    definition     bytea       NOT NULL,
    least_severity smallint    NOT NULL,
    seed           bytea       NOT NULL,
    fault          text        NOT NULL DEFAULT '',
    created_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (project_id, channel_id)
);

-- The outbox: written with the incident, sent later. `attempts` tells one try from another; a try that nobody finishes is made again
-- at `next_at`. Channels may be gone.
CREATE TABLE notifications (
    notification_id text        PRIMARY KEY CHECK (notification_id ~ '^[a-z][a-z0-9-]{2,39}$'),
    project_id      integer     NOT NULL REFERENCES projects,
    channel_number  integer     NOT NULL,
    channel_id      text        NOT NULL,
    rule_number     integer,
    resolved        boolean     NOT NULL,
    state           smallint    NOT NULL DEFAULT 1,
    attempts        integer     NOT NULL DEFAULT 0,
    outcome         text        NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now(),
    next_at         timestamptz,
    delivered_at    timestamptz
);
CREATE INDEX notifications_due ON notifications (next_at) WHERE state = 1;
CREATE INDEX notifications_newest ON notifications (project_id, created_at DESC, notification_id DESC);

-- Which notification tells which incident: one for each channel when it opens, and one when it ends.
CREATE TABLE notified (
    incident_id     text    NOT NULL REFERENCES incidents,
    channel_number  integer NOT NULL,
    resolved        boolean NOT NULL,
    notification_id text    NOT NULL REFERENCES notifications,
    PRIMARY KEY (incident_id, channel_number, resolved)
);
CREATE INDEX notified_by_notification ON notified (notification_id);

CREATE TABLE delivery_tries (
    notification_id text        NOT NULL REFERENCES notifications,
    attempt         integer     NOT NULL,
    started_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    elapsed         interval,
    outcome         text        NOT NULL DEFAULT '',
    PRIMARY KEY (notification_id, attempt)
);
