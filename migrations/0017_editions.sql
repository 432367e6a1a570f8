-- Runs, and the editions that they made, with their files.

-- Every attempt to make an edition. `state` is that of the contract; `operation_id` is the last attempt's. What is asked for stands here
-- whole (recipients, filter and range as serialized messages), so that a retry needs nobody to say it again. `repeats` is the edition
-- that a rerun makes again. A slot of a schedule has one run, whoever finds it and however often; runs outlive report and schedule.
CREATE TABLE runs (
    run_number     bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id         text        NOT NULL UNIQUE,
    project_id     integer     NOT NULL REFERENCES projects,
    report_id      text        NOT NULL,
    report_version integer     NOT NULL,
    schedule_id    text,
    slot_at        timestamptz,
    state          smallint    NOT NULL,
    reason         text        NOT NULL DEFAULT '',
    operation_id   text        UNIQUE,
    formats        smallint[]  NOT NULL,
    recipients     bytea[]     NOT NULL,
    filter         bytea,
    time_range     bytea,
    skip_empty     boolean     NOT NULL,
    repeats        bigint,
    created_at     timestamptz NOT NULL DEFAULT now(),
    ended_at       timestamptz,
    UNIQUE (project_id, report_id, schedule_id, slot_at)
);
CREATE INDEX runs_by_project ON runs (project_id, created_at DESC, run_id DESC);
CREATE INDEX runs_by_report ON runs (project_id, report_id, created_at DESC, run_id DESC);
CREATE INDEX runs_to_come ON runs (project_id, state) WHERE state IN (1, 2);

-- What was made once, and never changes. `manifest` is without what it says of sections, which lists leave out and `sections` holds.
-- `filter` is what was asked beside the report's, `asked_at` the present that its range was resolved in: with the versions of report and
-- template and the state of the data, which the manifest names, all that it takes to make the edition again.
CREATE TABLE editions (
    edition_number bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    edition_id     text        NOT NULL UNIQUE,
    project_id     integer     NOT NULL REFERENCES projects,
    report_id      text        NOT NULL,
    run_number     bigint      NOT NULL REFERENCES runs,
    display_name   text        NOT NULL,
    manifest       bytea       NOT NULL,
    sections       bytea       NOT NULL,
    filter         bytea,
    asked_at       timestamptz NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    expires_at     timestamptz NOT NULL
);
CREATE INDEX editions_by_project ON editions (project_id, created_at DESC, edition_id DESC);
CREATE INDEX editions_by_report ON editions (project_id, report_id, created_at DESC, edition_id DESC);
CREATE INDEX editions_by_run ON editions (run_number);
CREATE INDEX editions_by_end ON editions (expires_at);

-- The files of editions, in pieces of a mebibyte. They are compressed already where their form allows it, so TOAST does not try.
CREATE TABLE edition_files (
    edition_number bigint   NOT NULL REFERENCES editions ON DELETE CASCADE,
    format         smallint NOT NULL,
    file_name      text     NOT NULL,
    content_type   text     NOT NULL,
    PRIMARY KEY (edition_number, format)
);
CREATE TABLE edition_chunks (
    edition_number bigint   NOT NULL,
    format         smallint NOT NULL,
    place          integer  NOT NULL,
    content        bytea    NOT NULL,
    PRIMARY KEY (edition_number, format, place),
    FOREIGN KEY (edition_number, format) REFERENCES edition_files ON DELETE CASCADE
);
ALTER TABLE edition_chunks ALTER COLUMN content SET STORAGE EXTERNAL;

-- Addresses at which whoever has one opens a file without a key. Of the token that makes one up, only the SHA-256 is here.
CREATE TABLE edition_links (
    sha256         bytea       PRIMARY KEY,
    edition_number bigint      NOT NULL,
    format         smallint    NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    expires_at     timestamptz NOT NULL,
    FOREIGN KEY (edition_number, format) REFERENCES edition_files ON DELETE CASCADE
);
CREATE INDEX edition_links_by_edition ON edition_links (edition_number);
CREATE INDEX edition_links_by_end ON edition_links (expires_at);
