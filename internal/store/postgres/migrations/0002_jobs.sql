CREATE TABLE version (
    -- One row for each edit of a job: what the job was in [effective_from, effective_to). The current
    -- version has no end; a job without one was deleted. Every fire can be computed from these.
    job_id         uuid     NOT NULL, -- UUIDv7
    number         integer  NOT NULL, -- counted from 1
    shard          smallint NOT NULL, -- shard.number
    revision       bigint   NOT NULL, -- of the shard, if the last change of this row was made without its owner
    effective_from bigint   NOT NULL, -- Unix milliseconds, as all instants here
    effective_to   bigint,
    created_at     bigint   NOT NULL, -- of the job; anchor of @every
    is_active      boolean  NOT NULL, -- false: no fires
    schedule       text     NOT NULL,
    timezone       text     NOT NULL,
    api            text     NOT NULL, -- the URL to call
    type           text     NOT NULL, -- ATLEAST_ONCE or ATMOST_ONCE
    name           text     NOT NULL,
    namespace      text     NOT NULL, -- of the job, it never changes
    key            text,              -- of the job in its namespace, chosen by its client; NULL: none
    tags           text,              -- JSON array; NULL: none
    headers        text,              -- JSON object, secrets sealed; NULL: none
    body           text,              -- JSON; NULL: the identity of the fire is sent
    options        text,              -- JSON object of the other fields that differ from their defaults
    import_at      bigint,            -- of version 1: the entry of the import that has made the job;
    import_nonce   bigint,            -- change.at and change.nonce
    PRIMARY KEY (job_id, number)
);

CREATE UNIQUE INDEX version_current ON version (job_id) WHERE effective_to IS NULL;
CREATE UNIQUE INDEX version_key ON version (key, namespace) WHERE effective_to IS NULL AND key IS NOT NULL;
CREATE INDEX version_namespace ON version (namespace, job_id) WHERE effective_to IS NULL AND namespace <> 'default';
CREATE INDEX version_paused ON version (job_id) WHERE effective_to IS NULL AND NOT is_active;
CREATE INDEX version_closed ON version (effective_to) WHERE effective_to IS NOT NULL;
CREATE INDEX version_revision ON version (shard, revision);

CREATE VIEW jobs AS
SELECT job_id AS id, key, namespace, name, schedule, timezone, api, type, tags, headers, body, options, is_active AS active,
       number AS version, to_timestamp(created_at / 1000.0) AS created_at,
       to_timestamp(effective_from / 1000.0) AS effective_from
  FROM version WHERE effective_to IS NULL;

CREATE TABLE aside (
    -- Versions that were current and could not be read or compiled. It should be empty.
    job_id  uuid    NOT NULL,
    version integer NOT NULL, -- version.number
    since   bigint  NOT NULL, -- fires after it have no record
    certain bigint  NOT NULL, -- fires after "since" up to it may have been sent
    PRIMARY KEY (job_id, version)
);
