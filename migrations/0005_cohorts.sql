-- People of a project that questions may be limited to: found by a rule, or listed one by one.

-- `rule` is a serialized `tidemark.v1.CohortRule`; without one, `cohort_people` lists who belongs, `people` of them.
CREATE TABLE cohorts (
    project_id   integer     NOT NULL REFERENCES projects,
    cohort_id    text        NOT NULL CHECK (cohort_id ~ '^[a-z][a-z0-9-]{2,39}$'),
    display_name text        NOT NULL,
    description  text        NOT NULL,
    rule         bytea,
    people       integer     NOT NULL DEFAULT 0,
    revision     bigint      NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, cohort_id)
);

CREATE TABLE cohort_people (
    project_id integer NOT NULL,
    cohort_id  text    NOT NULL,
    user_id    text    NOT NULL,
    PRIMARY KEY (project_id, cohort_id, user_id),
    FOREIGN KEY (project_id, cohort_id) REFERENCES cohorts ON DELETE CASCADE
);
-- Whoever has to forget somebody finds them in every cohort.
CREATE INDEX cohort_people_by_user ON cohort_people (project_id, user_id);
