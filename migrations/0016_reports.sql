-- Reports and templates, every version of them.

CREATE TABLE report_templates (
    project_id  integer     NOT NULL REFERENCES projects,
    template_id text        NOT NULL CHECK (template_id ~ '^[a-z][a-z0-9-]{2,39}$'),
    version     integer     NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, template_id)
);
-- `template_id` is the template of the project that makes the sections; NULL for one that comes with Tidemark, and where there is none.
CREATE TABLE reports (
    project_id  integer     NOT NULL REFERENCES projects,
    report_id   text        NOT NULL CHECK (report_id ~ '^[a-z][a-z0-9-]{2,39}$'),
    version     integer     NOT NULL,
    template_id text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, report_id),
    FOREIGN KEY (project_id, template_id) REFERENCES report_templates
);
CREATE INDEX reports_template ON reports (project_id, template_id) WHERE template_id IS NOT NULL;

-- What they were at each version. They outlive the report and the template, for editions are made again from them; what gets the same
-- name later goes on with the next version.
-- `head` and `body`, its sections, are parts of one serialized `tidemark.v1.Report`; joined, they are all of it, and lists read the first alone.
CREATE TABLE report_versions (
    project_id integer     NOT NULL REFERENCES projects,
    report_id  text        NOT NULL,
    version    integer     NOT NULL,
    head       bytea       NOT NULL,
    body       bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, report_id, version)
);
-- `head` and `body`, its source, are parts of one serialized `tidemark.v1.ReportTemplate`.
CREATE TABLE report_template_versions (
    project_id  integer     NOT NULL REFERENCES projects,
    template_id text        NOT NULL,
    version     integer     NOT NULL,
    head        bytea       NOT NULL,
    body        bytea       NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, template_id, version)
);
