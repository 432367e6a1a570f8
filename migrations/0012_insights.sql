-- What was found, what is watched, and how far that has come.

-- `head` is a serialized `tidemark.v1.Insight` without the values of its evidence, which are in `evidence`. Findings of the same series,
-- detector and direction that follow one another are one insight. `change` grows with every change of an insight of the project.
CREATE TABLE insights (
    project_id integer          NOT NULL REFERENCES projects,
    insight_id text             NOT NULL CHECK (insight_id ~ '^[a-z][a-z0-9-]{2,39}$'),
    series     text             NOT NULL,
    detector   text             NOT NULL,
    type       smallint         NOT NULL,
    direction  smallint         NOT NULL,
    severity   smallint         NOT NULL,
    priority   double precision NOT NULL,
    state      smallint         NOT NULL,
    cause      smallint         NOT NULL,
    feedback   smallint         NOT NULL DEFAULT 0,
    search     text             NOT NULL,
    head       bytea            NOT NULL,
    evidence   bytea            NOT NULL,
    created_at timestamptz      NOT NULL,
    ended_at   timestamptz      NOT NULL,
    expires_at timestamptz      NOT NULL,
    change     bigint           NOT NULL,
    PRIMARY KEY (project_id, insight_id)
);
CREATE UNIQUE INDEX insights_by_change ON insights (project_id, change);
CREATE INDEX insights_by_priority ON insights (project_id, priority DESC, insight_id);
CREATE INDEX insights_newest ON insights (project_id, created_at DESC, insight_id);
CREATE INDEX insights_by_series ON insights (project_id, series, detector, direction, ended_at DESC);
CREATE INDEX insights_expiring ON insights (expires_at) WHERE state IN (1, 2);

-- The last change of each project. Its row serialises changes, so that they become visible in order.
CREATE TABLE insight_changes (
    project_id integer PRIMARY KEY REFERENCES projects,
    last       bigint  NOT NULL
);

-- What people have said; of one insight the last counts. `hour` is the hour of the week in the project's time zone, from Monday.
CREATE TABLE insight_feedback (
    project_id integer     NOT NULL,
    insight_id text        NOT NULL,
    detector   text        NOT NULL,
    series     text        NOT NULL,
    feedback   smallint    NOT NULL,
    hour       smallint    NOT NULL,
    comment    text        NOT NULL,
    given_by   text        NOT NULL,
    given_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, insight_id),
    FOREIGN KEY (project_id, insight_id) REFERENCES insights
);

CREATE TABLE indicators (
    project_id   integer     NOT NULL REFERENCES projects,
    indicator_id text        NOT NULL CHECK (indicator_id ~ '^[a-z][a-z0-9-]{2,39}$'),
    definition   bytea       NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, indicator_id)
);

-- What replicas share: a task of a project is done by whoever holds it, until `leased_until`; `epoch` grows with every claim, and
-- what is found is committed together with the new state under the epoch of the claim. `seen` is what the project had received then.
CREATE TABLE insight_work (
    project_id   integer     NOT NULL REFERENCES projects,
    task         text        NOT NULL,
    due_at       timestamptz NOT NULL DEFAULT now(),
    leased_until timestamptz NOT NULL DEFAULT '-infinity',
    epoch        bigint      NOT NULL DEFAULT 0,
    seen         bigint      NOT NULL DEFAULT 0,
    changed_at   timestamptz NOT NULL DEFAULT '-infinity',
    looked_at    timestamptz,
    state        bytea       NOT NULL DEFAULT '',
    PRIMARY KEY (project_id, task)
) WITH (fillfactor = 70);
CREATE INDEX insight_work_due ON insight_work (task, due_at);

-- The series watched, by the width of their buckets: what their detector has learnt, and the last values with what was expected.
CREATE TABLE insight_series (
    project_id integer     NOT NULL REFERENCES projects,
    task       text        NOT NULL,
    series     text        NOT NULL,
    subject    text        NOT NULL,
    query      bytea       NOT NULL,
    learnt     bytea       NOT NULL,
    recent     bytea       NOT NULL,
    until      timestamptz NOT NULL,
    p_value    double precision NOT NULL,
    PRIMARY KEY (project_id, task, series)
) WITH (fillfactor = 70);
