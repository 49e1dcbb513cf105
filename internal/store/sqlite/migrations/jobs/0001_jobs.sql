CREATE TABLE job (
    -- One row for each job that anybody has registered. What the job does is
    -- in its versions. Ids are UUIDv7: rows are appended in order of creation.
    -- The view "jobs" shows the same for people.
    id              BLOB    NOT NULL PRIMARY KEY,
    created_at      INTEGER NOT NULL, -- Unix milliseconds, as all instants here; anchor of @every
    current_version INTEGER NOT NULL, -- version.number
    is_active       INTEGER NOT NULL, -- of the current version: 1, or 0 when the job is paused
    deleted_at      INTEGER           -- NULL: the job exists. The row stays while its history does
) WITHOUT ROWID, STRICT;

CREATE INDEX job_deleted ON job (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE version (
    -- One row for each edit of a job: what the job was in
    -- [effective_from, effective_to). Every fire can be computed from these.
    job_id         BLOB    NOT NULL REFERENCES job (id),
    number         INTEGER NOT NULL, -- counted from 1
    effective_from INTEGER NOT NULL,
    effective_to   INTEGER,          -- NULL: the current version of a job that exists
    is_active      INTEGER NOT NULL, -- 0: no fires
    schedule       TEXT    NOT NULL,
    timezone       TEXT    NOT NULL,
    api            TEXT    NOT NULL, -- the URL to call
    type           TEXT    NOT NULL, -- ATLEAST_ONCE or ATMOST_ONCE
    name           TEXT    NOT NULL,
    tags           TEXT,             -- JSON array; NULL: none
    headers        TEXT,             -- JSON object; NULL: none
    body           TEXT,             -- JSON; NULL: the identity of the fire is sent
    options        TEXT,             -- JSON object of the other fields that differ from their defaults
    PRIMARY KEY (job_id, number)
) WITHOUT ROWID, STRICT;

CREATE INDEX version_closed ON version (effective_to) WHERE effective_to IS NOT NULL;

CREATE TABLE tally (
    -- One row: how many jobs exist, kept with each write so that nobody counts.
    one    INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    total  INTEGER NOT NULL,
    active INTEGER NOT NULL
) STRICT;

INSERT INTO tally VALUES (1, 0, 0);

CREATE TABLE open_run (
    -- Executions that have not ended and must survive a crash: retries that
    -- wait, manual triggers, uncertain fires, long calls. A row whose key is
    -- also in a history file is dead: the fact won.
    scheduled_at INTEGER NOT NULL,
    job_id       BLOB    NOT NULL,
    nonce        INTEGER NOT NULL, -- 0: a scheduled fire; otherwise a manual trigger
    version      INTEGER NOT NULL, -- version.number
    next_at      INTEGER NOT NULL, -- when the next attempt is due
    crashes      INTEGER NOT NULL, -- in a row, while a request of it was in flight
    in_flight    INTEGER NOT NULL, -- 1: a request may be under way
    created_at   INTEGER NOT NULL,
    attempts     TEXT,             -- JSON array of the attempts that ended; NULL: none
    PRIMARY KEY (scheduled_at, job_id, nonce)
) WITHOUT ROWID, STRICT;

CREATE TABLE shard (
    -- One row: SQLite has one owner of all jobs. The fence is (epoch, token).
    one       INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    epoch     INTEGER NOT NULL, -- +1 with each owner
    token     INTEGER NOT NULL, -- random, of the present owner
    horizon   INTEGER NOT NULL, -- no fire beyond it is sent
    watermark INTEGER NOT NULL, -- every fire up to it is on record
    revision  INTEGER NOT NULL,
    released  INTEGER NOT NULL  -- 1: the last owner left in good order, nothing is uncertain
) STRICT;

INSERT INTO shard VALUES (1, 0, 0, 0, 0, 0, 0);

CREATE TABLE retired_counter (
    -- What the counters of deleted history files said, by the UTC day (days
    -- since 1970-01-01) in which the executions completed.
    day         INTEGER NOT NULL,
    status      INTEGER NOT NULL, -- 1 SUCCESS, 2 FAILED, 3 SKIPPED, 4 MISSED, 5 UNKNOWN
    executions  INTEGER NOT NULL, -- records
    fires       INTEGER NOT NULL, -- records, a MISSED summary counted as what it stands for
    duration_ms INTEGER NOT NULL, -- sum over the timed ones
    timed       INTEGER NOT NULL, -- SUCCESS and FAILED that were sent
    PRIMARY KEY (day, status)
) WITHOUT ROWID, STRICT;

CREATE TABLE retiring_day (
    -- History files whose counters are already in retired_counter and which
    -- are about to be deleted. What is left of them at start is deleted first.
    day INTEGER NOT NULL PRIMARY KEY -- days since 1970-01-01
) STRICT;

CREATE TABLE carried_alert (
    -- Open alerts whose history file was deleted; columns as in its "alert".
    job_id         BLOB    NOT NULL,
    opened_by      INTEGER NOT NULL,
    opened_nonce   INTEGER NOT NULL,
    first_at       INTEGER NOT NULL,
    last_at        INTEGER NOT NULL,
    failures       INTEGER NOT NULL,
    recovered_at   INTEGER,
    execution_id   BLOB    NOT NULL,
    http_status    INTEGER,
    error          TEXT,
    spread         INTEGER NOT NULL,
    PRIMARY KEY (job_id, opened_by, opened_nonce)
) WITHOUT ROWID, STRICT;

CREATE VIEW jobs AS
SELECT lower(substr(hex(j.id), 1, 8) || '-' || substr(hex(j.id), 9, 4) || '-' || substr(hex(j.id), 13, 4) || '-' ||
             substr(hex(j.id), 17, 4) || '-' || substr(hex(j.id), 21)) AS id,
       v.name, v.schedule, v.timezone, v.api, v.type, v.tags, v.headers, v.body, v.options,
       iif(j.is_active, 'yes', 'no') AS active,
       v.number AS version,
       strftime('%Y-%m-%dT%H:%M:%fZ', j.created_at / 1000.0, 'unixepoch') AS created_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', v.effective_from / 1000.0, 'unixepoch') AS effective_from
  FROM job j JOIN version v ON v.job_id = j.id AND v.number = j.current_version
 WHERE j.deleted_at IS NULL;

CREATE VIEW versions AS
SELECT lower(substr(hex(job_id), 1, 8) || '-' || substr(hex(job_id), 9, 4) || '-' || substr(hex(job_id), 13, 4) || '-' ||
             substr(hex(job_id), 17, 4) || '-' || substr(hex(job_id), 21)) AS job_id,
       number,
       strftime('%Y-%m-%dT%H:%M:%fZ', effective_from / 1000.0, 'unixepoch') AS effective_from,
       strftime('%Y-%m-%dT%H:%M:%fZ', effective_to / 1000.0, 'unixepoch') AS effective_to,
       iif(is_active, 'yes', 'no') AS active,
       schedule, timezone, api, type, name, tags, headers, body, options
  FROM version;

CREATE VIEW open_runs AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', scheduled_at / 1000.0, 'unixepoch') AS scheduled_at,
       lower(substr(hex(job_id), 1, 8) || '-' || substr(hex(job_id), 9, 4) || '-' || substr(hex(job_id), 13, 4) || '-' ||
             substr(hex(job_id), 17, 4) || '-' || substr(hex(job_id), 21)) AS job_id,
       iif(nonce = 0, 'schedule', 'manual') AS cause,
       version,
       strftime('%Y-%m-%dT%H:%M:%fZ', next_at / 1000.0, 'unixepoch') AS next_at,
       crashes,
       iif(in_flight, 'yes', 'no') AS in_flight,
       attempts
  FROM open_run;

CREATE VIEW shards AS
SELECT epoch,
       strftime('%Y-%m-%dT%H:%M:%fZ', horizon / 1000.0, 'unixepoch') AS horizon,
       strftime('%Y-%m-%dT%H:%M:%fZ', watermark / 1000.0, 'unixepoch') AS watermark,
       iif(released, 'yes', 'no') AS released
  FROM shard;
