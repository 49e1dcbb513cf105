-- Operations on many jobs.
CREATE TABLE operation (
    -- One row for each operation, for as long as the trail of its time. The view "operations"
    -- shows the same for people.
    id         BLOB    NOT NULL PRIMARY KEY, -- UUIDv7
    action     TEXT    NOT NULL,             -- PAUSE, RESUME, TRIGGER, DELETE or TAG
    tags       TEXT,                         -- JSON; of TAG
    named      INTEGER NOT NULL,             -- how many ids the request had; 0: it had a filter
    filter     TEXT,                         -- JSON; NULL: every job
    namespace  TEXT,                         -- the only one that its author sees; NULL: all
    by_key     TEXT    NOT NULL,             -- api_key.id; or env, loopback, anonymous
    by_name    TEXT,                         -- of the key
    by_address TEXT,                         -- where the request came from
    role       TEXT    NOT NULL,             -- of the author, then
    request_id TEXT,                         -- NULL: not known
    created_at INTEGER NOT NULL,             -- Unix milliseconds, as all instants here
    state      TEXT    NOT NULL,             -- MATCHING, RUNNING, DONE, CANCELLED or FAILED
    matched    INTEGER NOT NULL,             -- jobs
    not_found  INTEGER NOT NULL,             -- ids of the request that are of no job
    done       INTEGER NOT NULL,             -- of the jobs that were matched, as the three below
    unchanged  INTEGER NOT NULL,             -- were like that already
    skipped    INTEGER NOT NULL,             -- were deleted by others before their turn
    failed     INTEGER NOT NULL,
    errors     TEXT,                         -- JSON; the first ones
    fault      TEXT,                         -- why it is FAILED
    matched_at INTEGER,                      -- when all jobs were matched; NULL: not yet
    ended_at   INTEGER,                      -- NULL: not yet
    matched_to BLOB,                         -- the job up to which the list of jobs was read
    step_at    INTEGER NOT NULL,             -- the instant of the changes that are under way; 0: there are none
    cancel_at  INTEGER,                      -- when it was to be cancelled; NULL: it was not
    cancel_key TEXT,                         -- by whom, as by_key
    cancel_name TEXT,
    cancel_address TEXT
) WITHOUT ROWID, STRICT;

CREATE INDEX operation_open ON operation (id) WHERE ended_at IS NULL;

CREATE INDEX operation_ended ON operation (ended_at) WHERE ended_at IS NOT NULL;

CREATE INDEX operation_namespace ON operation (namespace, id) WHERE namespace IS NOT NULL;

CREATE TABLE operation_job (
    -- The jobs that an operation has still to deal with.
    operation_id BLOB NOT NULL, -- operation.id
    job_id       BLOB NOT NULL, -- job.id
    PRIMARY KEY (operation_id, job_id)
) WITHOUT ROWID, STRICT;

-- The operation that a request with an Idempotency-Key has begun.
ALTER TABLE idempotency ADD COLUMN operation_id BLOB;

-- The operation that has made a change.
ALTER TABLE change ADD COLUMN operation_id BLOB;

CREATE INDEX change_operation ON change (operation_id) WHERE operation_id IS NOT NULL;

CREATE VIEW operations AS
SELECT lower(substr(hex(id), 1, 8) || '-' || substr(hex(id), 9, 4) || '-' || substr(hex(id), 13, 4) || '-' ||
             substr(hex(id), 17, 4) || '-' || substr(hex(id), 21)) AS id,
       action, state, tags, named, filter, namespace, by_key, by_name, by_address,
       strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch') AS created_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', matched_at / 1000.0, 'unixepoch') AS matched_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', ended_at / 1000.0, 'unixepoch') AS ended_at,
       matched, not_found, done, unchanged, skipped, failed, errors, fault
  FROM operation;

DROP VIEW changes;

CREATE VIEW changes AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch') AS at,
       action, by_key, by_name, by_address,
       lower(substr(hex(job_id), 1, 8) || '-' || substr(hex(job_id), 9, 4) || '-' || substr(hex(job_id), 13, 4) || '-' ||
             substr(hex(job_id), 17, 4) || '-' || substr(hex(job_id), 21)) AS job_id,
       version,
       lower(substr(hex(execution_id), 1, 8) || '-' || substr(hex(execution_id), 9, 4) || '-' || substr(hex(execution_id), 13, 4) || '-' ||
             substr(hex(execution_id), 17, 4) || '-' || substr(hex(execution_id), 21)) AS execution_id,
       key_id, count, request_id, detail, times,
       strftime('%Y-%m-%dT%H:%M:%fZ', nullif(last_at, 0) / 1000.0, 'unixepoch') AS last_at,
       lower(substr(hex(operation_id), 1, 8) || '-' || substr(hex(operation_id), 9, 4) || '-' ||
             substr(hex(operation_id), 13, 4) || '-' || substr(hex(operation_id), 17, 4) || '-' ||
             substr(hex(operation_id), 21)) AS operation_id
  FROM change;
